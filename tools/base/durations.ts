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

/** Whole seconds as Go prints a duration, which is how Teleport stores one: 3600 is "1h0m0s", 90 "1m30s", 45 "45s". */
export function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = [hours > 0 ? `${hours}h` : "", hours > 0 || minutes > 0 ? `${minutes}m` : "", `${seconds % 60}s`];
  return parts.join("");
}

/** The seconds of a protobuf JSON duration in whole seconds ("3600s"), the only form that Teleport's resources take. */
export function protobufDurationSeconds(text: string): number | undefined {
  return /^\d+s$/.test(text) ? Number(text.slice(0, -1)) : undefined;
}
