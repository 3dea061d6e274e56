import { printable } from "./printable.ts";

/** No text from outside can have it, not even as parsed JSON: only this module makes markup. */
const MARKUP = Symbol("markup");

/** HTML that is safe to put into a page as it is. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** What a template may hold: text is escaped, markup stands as it is, lists are joined, and `undefined` is nothing. */
export type Content = string | number | Markup | undefined | readonly Content[];

/** A template of HTML: everything put into it is text, unless it was made by this function itself. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return markup(parts.map((part, index) => `${part}${escaped(contents[index])}`).join(""));
}

/** Takes a text for HTML. For what our own code made: a style sheet, a picture. */
export function trustedMarkup(text: string): Markup {
  return markup(text);
}

/** The HTML as text, for the file. */
export function markupText(made: Markup): string {
  return made[MARKUP];
}

/**
 * Text as the content of an element or of a quoted attribute of HTML, on one line: control characters become blanks, and
 * what would hide or reorder text is shown as its code.
 */
export function htmlText(text: string): string {
  return printable(text.replace(/\p{Cc}+/gu, " ")).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON as the content of a `<script type="application/json">`: nothing in it ends the element or starts a comment. */
export function scriptJson(value: unknown): Markup {
  const json = JSON.stringify(value).replace(/[<>&\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
  return markup(json);
}

function markup(text: string): Markup {
  return { [MARKUP]: text };
}

function escaped(content: Content): string {
  if (content === undefined) return "";
  if (typeof content === "string") return htmlText(content);
  if (typeof content === "number") return String(content);
  if (MARKUP in content) return content[MARKUP];
  return content.map(escaped).join("");
}
