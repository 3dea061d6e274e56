import { goDuration, goDurationSeconds } from "../base/durations.ts";
import { PROXY_CONTAINER } from "../base/injection.ts";
import { spiffePath } from "../base/spiffe-id.ts";
import type { Values } from "../values/types.ts";
import { type DocumentForm, documentText } from "./document-form.ts";
import { MAX_JWT_TTL } from "./document-schemas.ts";
import { teleportNames, workloadIdentityLabels } from "./names.ts";

/** One resource, for `tctl create -f` unless another form was asked for. */
export interface TeleportDocument {
  kind: "role" | "bot" | "workload_identity";
  /** Ends with a line break; without a separator. */
  text: string;
}

/** Teleport fills in the attributes at issuance. */
const SPIFFE_ID = spiffePath("{{ workload.kubernetes.namespace }}", "{{ workload.kubernetes.service_account }}");

/**
 * The resources that Teleport needs besides the join token, in the order of creation, each checked by its strict
 * schema. The maximum_ttl of the workload identity is tbot's credential life, in protobuf's form.
 *
 * @throws ExitError (refused) when a value does not make a resource that is safe and that Teleport takes
 */
export function teleportDocuments(
  values: Pick<Values, "global" | "tbot">,
  form: DocumentForm = "yaml",
): TeleportDocument[] {
  const { cluster, role, workloadIdentity } = values.global.teleport;
  const names = teleportNames(values);
  const lifetime = seconds(values.tbot.credentialTTL);
  const model = {
    botName: names.bot,
    roleName: names.role,
    // As Teleport stores it, so that it compares equal.
    maxSessionTtl: goDuration(seconds(role.maxSessionTTL)),
    workloadIdentityName: names.workloadIdentity,
    labels: workloadIdentityLabels(values),
    onlyToken: cluster === "" ? "" : names.joinToken,
    onlyNamespaces: workloadIdentity.allowedNamespaces,
    onlyContainer: workloadIdentity.sidecarsOnly ? PROXY_CONTAINER : "",
    spiffeId: SPIFFE_ID,
    x509MaximumTtl: `${lifetime}s`,
    jwtMaximumTtl: `${Math.min(lifetime, MAX_JWT_TTL)}s`,
  };
  return [
    { kind: "role", text: documentText("role", model, form) },
    { kind: "bot", text: documentText("bot", model, form) },
    { kind: "workload_identity", text: documentText("workload-identity", model, form) },
  ];
}

function seconds(duration: string): number {
  const all = goDurationSeconds(duration);
  if (all === undefined) throw new Error(`the duration ${duration} passed the values' schema`);
  return all;
}
