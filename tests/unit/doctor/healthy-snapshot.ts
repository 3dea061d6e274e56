import { readFileSync } from "node:fs";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";

const TEXT = readFileSync(new URL("healthy-snapshot.json", import.meta.url), "utf8");

/**
 * A fresh copy, which tests may change, of what doctor read of the healthy lab after tests/lab/01-installation.test.ts,
 * cut to the fields that are read, and with the renewal interval of today. Two things are not recorded: tbot's version, which the Teleport double has none of, and
 * Teleport's, which is a flag.
 */
export function healthySnapshot(): Snapshot {
  return JSON.parse(TEXT) as Snapshot;
}
