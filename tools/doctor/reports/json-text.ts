/** A report as JSON, indented, for programs and for a terminal. */
export function jsonText(report: object): string {
  return `${escaped(JSON.stringify(report, null, 2))}\n`;
}

/** JSON escapes control characters below a blank only; these steer a terminal, too, or reorder its lines. */
function escaped(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
