import { helmOnPath } from "../../scripts/pinned-helm.ts";

/** Vitest calls it before the first test: tests use the Helm of PATH, or else the pinned one. */
export async function setup(): Promise<void> {
  await helmOnPath();
}
