/** What was read, or in one clause why it could not be: the permission that is missing, the server that is silent. */
export type Read<T> = { ok: true; value: T } | { ok: false; reason: string };

/** How the reason begins when the API server forbids it; its own words, which name the permission, follow. */
export const PERMISSION_MISSING = "permission missing:";

/** The reason when a pod was deleted between its listing and the question, which is no matter of its health. */
export const POD_GONE = "the pod is gone";
