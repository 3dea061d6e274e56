import { type Call, readSpiffeId, readWorkload, type Workload } from "./calls.ts";
import { hiddenIn, unwrap } from "./envelopes.ts";

/** What was in a log, in lines. */
export interface LogLines {
  read: number;
  /** JSON objects of another form. */
  otherJson: number;
  /** Lines of the form that `istio.accessLog` switches on. */
  known: number;
  /** Of these: calls that came in, each given to `onCall`. */
  calls: number;
  /** Of these: calls that came in and whose caller or called side could not be told. */
  unidentified: number;
  /** Lines of this form that are not whole. */
  cut: number;
  /** Lines of this form after other text, as applications quote what they got: left out. */
  quoted: number;
  /** Field of a JSON object in which such a line lies, the first that was seen. */
  hiddenIn?: string;
}

/** Fields that together no other log format has (chart/files/access-log-format.json). */
const MARKS = ["service_account", "peer_uri_san", "local_port", "upstream_cluster", "dry_run_http", "dry_run_tcp"];

/**
 * Reads lines of Envoy's access log in the form that `istio.accessLog` switches on, out of the envelopes of the usual
 * collectors (envelopes.ts). Other lines (those of Istio's
 * agent, of another format) are passed over and counted, and so is what the sidecar logs of calls that go out: the
 * called side logs the same call with the caller's certificate.
 *
 * @param onCall gets each call that came in, and the pod that logged it, where it says so
 */
export async function readAccessLog(
  lines: Iterable<string> | AsyncIterable<string>,
  onCall: (call: Call, pod: string | undefined) => void,
): Promise<LogLines> {
  const count: LogLines = { read: 0, otherJson: 0, known: 0, calls: 0, unidentified: 0, cut: 0, quoted: 0 };
  for await (const line of lines) {
    count.read += 1;
    const { entries, cut, quoted } = unwrap(line, isLine);
    count.cut += cut;
    count.quoted += quoted;
    for (const entry of entries) readEntry(entry, count, onCall);
  }
  return count;
}

function readEntry(entry: Entry, count: LogLines, onCall: (call: Call, pod: string | undefined) => void): void {
  if (!isLine(entry)) {
    count.otherJson += 1;
    const field = count.hiddenIn ?? hiddenIn(entry, isLine);
    if (field !== undefined) count.hiddenIn = field;
    return;
  }
  count.known += 1;
  if (!isInbound(text(entry.upstream_cluster)) || isBareHandshake(entry)) return;
  const call = callOf(entry);
  if (call === undefined) {
    count.unidentified += 1;
  } else {
    count.calls += 1;
    onCall(call, text(entry.pod));
  }
}

function isLine(entry: Entry): boolean {
  return MARKS.every((mark) => mark in entry);
}

type Entry = Readonly<Record<string, unknown>>;

/** Envoy writes null for what is not set, or `-` in older versions. */
function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "-" && value !== "" ? value : undefined;
}

/**
 * Istio's names of the clusters behind a sidecar's inbound listener: `inbound|<port>||` for a port of a Service, the
 * other one for ports that no Service names (Istio pilot/pkg/networking/util/util.go).
 */
function isInbound(cluster: string | undefined): boolean {
  return cluster !== undefined && /^(inbound\||InboundPassthroughCluster)/.test(cluster);
}

/**
 * A TLS connection that ended because the peer showed no certificate, a port scan for example: the sidecar showed its
 * own, and logs a TCP port's connection though nothing came of it. In plaintext it shows none.
 */
function isBareHandshake(entry: Entry): boolean {
  return text(entry.local_uri_san) !== undefined && text(entry.peer_uri_san) === undefined;
}

function callOf(entry: Entry): Call | undefined {
  const to = calledWorkload(entry);
  const peer = text(entry.peer_uri_san);
  const from = peer === undefined ? undefined : readSpiffeId(peer)?.principal;
  const port = Number(entry.local_port);
  const isReadable =
    /^\d+$/.test(`${entry.local_port}`) && port > 0 && port <= 65_535 && (peer === undefined || from !== undefined);
  if (to === undefined || !isReadable) return undefined;
  const method = text(entry.method);
  return {
    to,
    ...(from !== undefined && { from }),
    port,
    protocol: method === undefined ? "TCP" : "HTTP",
    ...(method !== undefined && { method, path: (text(entry.path) ?? "").replace(/[?#].*$/s, "") }),
    outcome: outcomeOf(entry),
  };
}

/** From the certificate that the sidecar showed; in plaintext it showed none, and its own environment says who it is. */
function calledWorkload(entry: Entry): Workload | undefined {
  const shown = text(entry.local_uri_san);
  if (shown !== undefined) return readSpiffeId(shown)?.workload;
  return readWorkload(text(entry.namespace) ?? "", text(entry.service_account) ?? "");
}

/** Envoy's RBAC filters leave their decision in these fields, the HTTP one and the network one. */
function outcomeOf(entry: Entry): Call["outcome"] {
  const details = [text(entry.response_code_details), text(entry.connection_termination_details)];
  if (details.some((detail) => detail?.startsWith("rbac_access_denied"))) return "denied";
  return [entry.dry_run_http, entry.dry_run_tcp].includes("denied") ? "wouldBeDenied" : "passed";
}
