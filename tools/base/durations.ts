/** Go's time.ParseDuration: the form of every duration in tbot.yaml and in the chart's values ("20m", "1h30m"). */
const GO_DURATION = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

const SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** The seconds of a Go duration without a sign ("1h" is 3600), or undefined if `text` is not one. */
export function goDurationSeconds(text: string): number | undefined {
  if (!GO_DURATION.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    seconds += Number(amount) * (SECONDS[unit ?? ""] ?? Number.NaN);
  }
  return seconds;
}

/** The seconds of a protobuf JSON duration in whole seconds ("3600s"), the only form that Teleport's resources take. */
export function protobufDurationSeconds(text: string): number | undefined {
  return /^\d+s$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}
