/** What switches a terminal's colour; programs print it where nobody sees colours, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes of a terminal are control characters
export const COLOUR = /\u001b\[[\d;]*m/g;

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
