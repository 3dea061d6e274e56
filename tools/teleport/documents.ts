import { parse } from "yaml";
import { goDuration, goDurationSeconds } from "../base/durations.ts";
import { spiffePath } from "../base/spiffe-id.ts";
import type { Values } from "../values/types.ts";
import { MAX_JWT_TTL } from "./document-schemas.ts";
import { checkTeleportDocument } from "./schemas.ts";
import { renderTemplate, type TemplateName } from "./template.ts";

/** One resource for `tctl create -f`. */
export interface TeleportDocument {
  kind: "role" | "bot" | "workload_identity";
  /** Ends with a line break; without the separator `---`. */
  yaml: string;
}

/** Teleport fills in the attributes at issuance. */
const SPIFFE_ID = spiffePath("{{ workload.kubernetes.namespace }}", "{{ workload.kubernetes.service_account }}");

/**
 * The resources that Teleport needs besides the join token, in the order of creation, each checked by its strict
 * schema. The maximum_ttl of the workload identity is tbot's credential life, in protobuf's form.
 *
 * @throws ExitError (refused) when a value does not make a resource that is safe and that Teleport takes
 */
export function teleportDocuments(values: Pick<Values, "global" | "tbot">): TeleportDocument[] {
  const { bot, role, workloadIdentity } = values.global.teleport;
  const lifetime = seconds(values.tbot.credentialTTL);
  const model = {
    botName: bot.name,
    roleName: role.name,
    // As Teleport stores it, so that it compares equal.
    maxSessionTtl: goDuration(seconds(role.maxSessionTTL)),
    workloadIdentityName: workloadIdentity.name,
    labels: workloadIdentity.labels,
    spiffeId: SPIFFE_ID,
    x509MaximumTtl: `${lifetime}s`,
    jwtMaximumTtl: `${Math.min(lifetime, MAX_JWT_TTL)}s`,
  };
  return [
    document("role", "role", model),
    document("bot", "bot", model),
    document("workload_identity", "workload-identity", model),
  ];
}

function seconds(duration: string): number {
  const all = goDurationSeconds(duration);
  if (all === undefined) throw new Error(`the duration ${duration} passed the values' schema`);
  return all;
}

function document(
  kind: TeleportDocument["kind"],
  template: TemplateName,
  model: Record<string, unknown>,
): TeleportDocument {
  const yaml = renderTemplate(template, model);
  checkTeleportDocument(parse(yaml));
  return { kind, yaml };
}
