/** A time for people: `2026-11-24 17:28 UTC`, or that there is none. */
export function timeText(time: string | null): string {
  return time === null ? "at a time that is not known" : `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}
