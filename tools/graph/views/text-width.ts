/** Widths of Helvetica's characters in em, rounded up to classes; metric-compatible fonts (Arial, Liberation) agree. */
const CLASSES: readonly [characters: string, em: number][] = [
  ["ijl|'", 0.24],
  [" !,./:;It[]f", 0.28],
  ['()-r`{}*"', 0.39],
  ["Jcksvxyz", 0.5],
  ["ABEKPSVXYCDHNRUw&", 0.72],
  ["GOQ", 0.78],
  ["Mm", 0.84],
  ["W@%→…", 1],
];
const OTHERS = 0.56;
const EM = new Map(CLASSES.flatMap(([characters, em]) => [...characters].map((character) => [character, em] as const)));

/** Width of a line of text in pixels, a little too wide rather than too narrow. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let em = 0;
  for (const character of text) em += EM.get(character) ?? OTHERS;
  return em * fontSize * (bold ? 1.08 : 1);
}
