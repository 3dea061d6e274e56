import { alignColumns } from "../../tools/terminal/columns.ts";

/**
 * How likely certificates expire because tbot's connection to Teleport breaks too often, for some choices of
 * tbot.credentialTTL and tbot.renewalInterval, and what each choice costs Teleport. `npm run bench:renewal`.
 *
 * Every break makes tbot send each sidecar its old certificate again and start the renewal timer anew (docs/decisions/0007).
 * So a certificate is renewed at the first moment that comes a whole interval after the last response, and it expires if
 * no such moment comes within its life. A connection that breaks regularly, more often than the interval, never renews.
 */

/** Minutes: life of a certificate, and renewal interval. */
const CHOICES = [
  [60, 20],
  [60, 15],
  [60, 10],
  [60, 5],
  [120, 20],
  [120, 10],
] as const;

/** Breaks per hour at moments that nothing relates (a Poisson process). */
const RATES = [1, 3, 6, 12] as const;

/** Sidecars, for the load on Teleport; each asks for two SVIDs (`default` and the one that names the trust bundle). */
const SIDECARS = 1000;
const HOURS_PER_YEAR = 8766;

/** Steps per minute of the numerical solution. */
const GRID = 12;

/**
 * The probability that a certificate has not been renewed a time after it was issued, on a grid up to its life.
 *
 * It is 1 before the first interval is over. Later the first break must have come within the interval, at some moment s,
 * and what follows is the same question for the rest: q(t) = integral of rate e^(-rate s) q(t - s) over s up to the interval.
 */
function notRenewed(life: number, interval: number, breaksPerHour: number): number[] {
  const rate = breaksPerHour / 60 / GRID;
  const width = interval * GRID;
  const q: number[] = [];
  for (let t = 0; t <= life * GRID; t++) {
    if (t < width) {
      q.push(1);
      continue;
    }
    let sum = 0;
    for (let s = 1; s <= width; s++) sum += (Math.exp(-rate * (s - 1)) - Math.exp(-rate * s)) * (q[t - s] ?? 1);
    q.push(sum);
  }
  return q;
}

/** How often the certificates of one node expire in a year. */
function expiriesPerYear(life: number, interval: number, breaksPerHour: number): number {
  const q = notRenewed(life, interval, breaksPerHour);
  const meanHours = q.reduce((sum, value) => sum + value, 0) / GRID / 60;
  return (HOURS_PER_YEAR / meanHours) * (q.at(-1) ?? 0);
}

function text(amount: number): string {
  return amount < 0.001 ? "< 0.001" : amount < 10 ? amount.toFixed(3) : Math.round(amount).toLocaleString("en");
}

const head = [
  "credentialTTL",
  "renewalInterval",
  "breaks in a row that it takes",
  ...RATES.map((rate) => `${rate}/h`),
  `SVIDs/s, ${SIDECARS} sidecars`,
];
const rows = CHOICES.map(([life, interval]) => [
  `${life}m`,
  `${interval}m`,
  String(Math.ceil(life / interval)),
  ...RATES.map((rate) => text(expiriesPerYear(life, interval, rate))),
  ((2 * SIDECARS) / (interval * 60)).toFixed(1),
]);
process.stdout.write(`Expiries per node and year, by breaks per hour:\n${alignColumns([head, ...rows]).join("\n")}\n`);
