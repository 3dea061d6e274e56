import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path that does not exist on any machine: below a folder made for it. */
export const MISSING = join(mkdtempSync(join(tmpdir(), "istio-teleport-")), "missing");
