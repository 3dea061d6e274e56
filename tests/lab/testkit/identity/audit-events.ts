import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../../lab/machine/paths.ts";

/** One line of the audit log of what plays Teleport, with the fields that the tests read. */
export interface AuditEvent {
  readonly time: string;
  readonly event: "bot.join" | "spiffe.svid.issued";
  readonly success?: boolean;
  readonly error?: string;
  readonly token_name?: string;
  readonly bot_name?: string;
  readonly bot_instance_id?: string;
  readonly spiffe_id?: string;
  /** Hexadecimal, a colon after every byte. */
  readonly serial_number?: string;
  readonly attributes?: { readonly workload?: { readonly kubernetes?: { readonly pod_name?: string } } };
}

/** The audit log since a moment (default: all of it), oldest first. */
export function auditEvents(since = new Date(0)): AuditEvent[] {
  return readFileSync(join(labPaths().teleportData, "log", "events.log"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter((event) => new Date(event.time) >= since);
}
