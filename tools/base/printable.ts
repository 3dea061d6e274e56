/**
 * Text for a terminal, in which what others wrote (a key id, a path of a log, a name in values) stands as it is but for
 * characters that would steer the terminal, hide or reorder text: control and format characters, line breaks and lone
 * surrogates stand as their code, `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
