/** What another program printed as JSON, read without trusting its shape: what is missing or of another type is empty. */

/** The value, or undefined where the text is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under `key`, or an empty one. */
export function recordAt(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = object[key];
  return isRecord(value) ? value : {};
}

/** The text under `key`, or an empty one. */
export function textAt(object: Record<string, unknown>, key: string): string {
  const value = object[key];
  return typeof value === "string" ? value : "";
}

/** The texts under `key`: a list of them, or a single one, which Teleport also writes for a list. */
export function textsAt(object: Record<string, unknown>, key: string): string[] {
  return [object[key]].flat().filter((value) => typeof value === "string");
}
