import { readFileSync } from "node:fs";
import { repositoryPath } from "../../support/run-helm.ts";

/** The chart's own format, so that a field that is renamed there is missing here. */
const FIELDS = Object.keys(JSON.parse(readFileSync(repositoryPath("chart/files/access-log-format.json"), "utf8")));

/** One call as a sidecar logs it. Both ends are in the namespace `shop` unless the name has another: `other/web`. */
export interface LoggedCall {
  to: string;
  /** Absent: plaintext. */
  from?: string;
  port: number;
  method?: string;
  path?: string;
  /** By a policy, or only in a dry run. */
  denied?: "enforced" | "dryRun";
}

/** The line of a call; Envoy writes null for what is not set. */
export function logLine({ to, from, port, method, path, denied }: LoggedCall): string {
  const [namespace, serviceAccount] = ends(to);
  const isHttp = method !== undefined;
  const refusal = denied === "enforced" ? "rbac_access_denied_matched_policy[none]" : undefined;
  return lineOf({
    namespace,
    service_account: serviceAccount,
    ...(from !== undefined && { local_uri_san: uri(to), peer_uri_san: uri(from) }),
    local_port: port,
    upstream_cluster: `inbound|${port}||`,
    ...(isHttp ? { method, path: path ?? "/", response_code_details: refusal ?? "via_upstream" } : {}),
    ...(!isHttp && refusal !== undefined && { connection_termination_details: refusal }),
    ...(denied === "dryRun" && { [isHttp ? "dry_run_http" : "dry_run_tcp"]: "denied" }),
  });
}

/** A line with these fields, all others null. */
export function lineOf(set: Record<string, unknown>): string {
  const unknown = Object.keys(set).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new Error(`the access log has no field ${unknown}`);
  return JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, set[field] ?? null])));
}

function ends(name: string): [string, string] {
  const [namespace, serviceAccount] = name.split("/");
  return serviceAccount === undefined ? ["shop", name] : [namespace ?? "", serviceAccount];
}

function uri(name: string): string {
  const [namespace, serviceAccount] = ends(name);
  return `spiffe://a.example/ns/${namespace}/sa/${serviceAccount}`;
}
