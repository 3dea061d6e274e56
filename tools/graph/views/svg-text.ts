import { printable } from "../../base/printable.ts";

/** A coordinate with one digit after the point: finer than a pixel shows, and the same on every machine. */
export function svgNumber(value: number): string {
  return String(Math.round(value * 10) / 10 || 0);
}

/** Text as the content of an element or an attribute of XML; what would hide or reorder it is shown as its code. */
export function svgText(text: string): string {
  const lines = text.split("\n").map(printable);
  return lines.join("\n").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
