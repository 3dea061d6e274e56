/**
 * Makes text from outside (a key ID, a log path, a name in values) safe to print on a terminal. Escapes characters that
 * could control the terminal, or hide or reorder text: control and format characters, line breaks and lone surrogates
 * become their code, `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
