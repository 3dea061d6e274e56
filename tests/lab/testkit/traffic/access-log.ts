import { shell, tryShell } from "../cluster/shell.ts";

/** The fields of a sidecar's access log that the tests read; the format is the chart's, `istio.accessLog`. */
export interface AccessLogLine {
  readonly time: string;
  readonly service_account: string;
  /** SPIFFE ID of the connection's peer; null for plaintext. */
  readonly peer_uri_san: string | null;
  readonly peer_serial: string | null;
  /** On an inbound line the container's port. */
  readonly local_port: string | number | null;
  /** `inbound|…` on the called one's side. */
  readonly upstream_cluster: string | null;
  readonly response_code: string | number | null;
  /** Envoy's short words for what went wrong, "UF" or "URX"; "-" or null for nothing. */
  readonly response_flags: string | null;
  readonly upstream_transport_failure_reason: string | null;
  /** What the dry-run policies say of a request, or of a TCP connection: "allowed" or "denied". */
  readonly dry_run_http: string | null;
  readonly dry_run_tcp: string | null;
}

/** The sidecars' access log of all pods of a namespace since a moment, in no order over pods. */
export async function accessLog(namespace: string, since: Date): Promise<AccessLogLine[]> {
  return (await accessLogText(namespace, since)).map(parse);
}

/** The same as the sidecars wrote it, a line each, without what else they wrote. */
async function accessLogText(namespace: string, since: Date): Promise<string[]> {
  const pods = (await shell(`kubectl -n ${namespace} get pods -o name`)).trim().split("\n");
  const logs = pods.map((pod) => logOf(namespace, pod, since));
  const lines = (await Promise.all(logs)).join("\n").split("\n");
  // kubectl counts whole seconds.
  return lines.filter((line) => line.startsWith("{") && new Date(parse(line).time) >= since);
}

/** A pod that ended after it was listed took its log along. */
async function logOf(namespace: string, pod: string, since: Date): Promise<string> {
  const line = `kubectl -n ${namespace} logs ${pod} -c istio-proxy --since-time=${since.toISOString()}`;
  const { code, stdout, stderr } = await tryShell(line);
  if (code === 0) return stdout;
  if (stderr.includes("(NotFound)")) return "";
  throw new Error(`exit code ${code} of: ${line}\n${stderr}`);
}

function parse(line: string): AccessLogLine {
  return JSON.parse(line) as AccessLogLine;
}
