/** What a renewal may be late, in seconds: tbot spreads and repeats it, and the clocks differ a little. */
const LATE = 30;

/**
 * Whether a certificate should have been replaced by now.
 *
 * @param issuedAt milliseconds since 1970, as `now`
 * @param renewalInterval seconds
 */
export function isLate(issuedAt: number, now: number, renewalInterval: number): boolean {
  return (now - issuedAt) / 1000 > renewalInterval * 1.5 + LATE;
}
