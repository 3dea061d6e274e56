import { setTimeout } from "node:timers/promises";
import { Interrupted } from "../programs/run.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `use` with a signal that Ctrl-C aborts, its reason an `Interrupted`. The process itself lives on, so that `finally`
 * blocks take away what they made.
 */
export async function untilInterrupted<Result>(use: (stop: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    controller.abort(new Interrupted(`Interrupted (${signal}); run the same command again.`));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await use(controller.signal);
  } catch (error) {
    // Whatever failed after Ctrl-C failed of it.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}

/** @throws Interrupted as soon as Ctrl-C was pressed */
export async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal: stop }).catch(() => {});
  stop.throwIfAborted();
}
