import { ExitError } from "../../base/exit-error.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import { Interrupted } from "../../programs/run.ts";

/** The value, or why there is none: a program failed, or printed something else than it was asked for. */
export async function readOrReason<T>(get: () => Promise<T>): Promise<Read<T>> {
  try {
    return { ok: true, value: await get() };
  } catch (error) {
    if (error instanceof Interrupted || !(error instanceof ExitError)) throw error;
    return { ok: false, reason: error.message.replace(/\.$/, "") };
  }
}
