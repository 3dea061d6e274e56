const HEARTBEAT_MS = 30_000;

/**
 * Tells a person on standard error what is being done, how long it usually takes and how long it took.
 * Plain lines, so that it reads the same in a terminal and in a CI log.
 */
export async function step<T>(title: string, usualSeconds: number, work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  const elapsed = () => (Date.now() - start) / 1000;
  if (usualSeconds >= 10) say(`  ${title} … (usually ${duration(usualSeconds)})`);
  const heartbeat = setInterval(() => say(`    still at it after ${duration(elapsed())}`), HEARTBEAT_MS);
  try {
    const result = await work();
    say(`✓ ${title} (${duration(elapsed())})`);
    return result;
  } catch (error) {
    say(`✗ ${title} (${duration(elapsed())})`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

/** One line on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Seconds as a person says them: `0.4 s`, `12 s`, `6 min 30 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)} min${rest === 0 ? "" : ` ${rest} s`}`;
}
