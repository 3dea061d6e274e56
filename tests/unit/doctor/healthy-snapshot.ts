import { readFileSync } from "node:fs";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";

const TEXT = readFileSync(new URL("healthy-snapshot.json", import.meta.url), "utf8");

/** A fresh copy of the recorded snapshot of a healthy mesh, which tests may change. */
export function healthySnapshot(): Snapshot {
  return JSON.parse(TEXT) as Snapshot;
}
