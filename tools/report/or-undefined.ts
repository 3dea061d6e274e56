import { CouldNotLook } from "../doctor/facts/facts.ts";

/** What a fact says; undefined where it could not be made, which a check tells. */
export function orUndefined<T>(fact: () => T): T | undefined {
  try {
    return fact();
  } catch (error) {
    if (error instanceof CouldNotLook) return undefined;
    throw error;
  }
}
