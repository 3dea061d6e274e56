import { PROXY_CONTAINER } from "../../base/injection.ts";
import { isRecord, recordAt } from "../../base/json-value.ts";

/** What the lines of an access log came in. */
export interface Unwrapped {
  /** Objects that are no envelope: lines of the access log, and of other logs. */
  entries: Record<string, unknown>[];
  /** Texts of the access log that are not whole: a collector or the container runtime has cut them. */
  cut: number;
}

/**
 * Where collectors put the line that a container printed, as text or already read as JSON: docker's json-file and
 * fluent-bit (log, log_processed), stern, Vector, Logstash and CloudWatch (message, @message), logcli (line), Google Cloud
 * (jsonPayload, textPayload), OpenTelemetry (body).
 */
const LINE_FIELDS = ["log_processed", "log", "message", "@message", "line", "jsonPayload", "textPayload", "body"];

/** Where tools put many of them: AWS's CLI, Elasticsearch, Loki's API. */
const LIST_FIELDS = ["events", "hits", "_source", "data", "result", "streams", "values"];

/** Envelopes in envelopes in envelopes: more is no log. */
const DEEPEST = 8;

/**
 * Takes a line out of the envelopes of the usual collectors. Only fields that hold a container's output are opened, and only
 * for Istio's proxy where the container is named: what applications log may repeat what a stranger sent.
 *
 * @param isLine whether an object is a line of the access log: nothing in it is an envelope
 */
export function unwrap(
  line: string,
  isLine: (entry: Record<string, unknown>) => boolean,
  { isInside = false, depth = 0 } = {},
): Unwrapped {
  const value = parse(line);
  if (value === undefined) return { entries: [], cut: CUT.test(line) ? 1 : 0 };
  return unwrapValue(value, isLine, isInside, depth);
}

function unwrapValue(
  value: unknown,
  isLine: (entry: Record<string, unknown>) => boolean,
  isInside: boolean,
  depth: number,
): Unwrapped {
  if (depth > DEEPEST) return NOTHING;
  const all = (values: readonly unknown[]) =>
    values
      .map((item) =>
        typeof item === "string"
          ? unwrap(item, isLine, { isInside: true, depth: depth + 1 })
          : unwrapValue(item, isLine, isInside, depth + 1),
      )
      .reduce((sum, { entries, cut }) => ({ entries: [...sum.entries, ...entries], cut: sum.cut + cut }), NOTHING);
  if (Array.isArray(value)) return all(value);
  if (!isRecord(value)) return NOTHING;
  if (isLine(value)) return { entries: [value], cut: 0 };
  if (isOfAnotherContainer(value)) return { entries: [value], cut: 0 };
  const opened = all([...LINE_FIELDS, ...LIST_FIELDS].flatMap((field) => (field in value ? [value[field]] : [])));
  return opened.entries.length + opened.cut > 0 ? opened : { entries: [value], cut: 0 };
}

const NOTHING: Unwrapped = { entries: [], cut: 0 };

/** Part of a line of the access log, and not its whole. */
const CUT =
  /"(authority|connection_termination_details|dry_run_http|dry_run_tcp|local_port|local_uri_san|peer_uri_san|service_account|upstream_cluster)":/;

/** The value of a line; what a collector puts before an object (`[pod/x/istio-proxy] `, a time) is passed over. */
function parse(line: string): unknown {
  const text = line.trim();
  const start = /^\[\s*[[{\]]/.test(text) ? 0 : text.indexOf("{");
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start));
  } catch {
    return undefined;
  }
}

function isOfAnotherContainer(envelope: Record<string, unknown>): boolean {
  const kubernetes = recordAt(envelope, "kubernetes");
  const names = [
    envelope.containerName,
    envelope.container_name,
    envelope.container,
    kubernetes.container_name,
    recordAt(kubernetes, "container").name,
    recordAt(recordAt(envelope, "resource"), "labels").container_name,
    recordAt(envelope, "stream").container,
    recordAt(envelope, "labels").container,
  ].filter((name) => typeof name === "string");
  return names.length > 0 && !names.includes(PROXY_CONTAINER);
}

/**
 * The path of a field in which a line of the access log lies that `unwrap` does not open, `payload.text`; undefined where
 * there is none.
 */
export function hiddenIn(
  value: unknown,
  isLine: (entry: Record<string, unknown>) => boolean,
  path = "",
  depth = 0,
): string | undefined {
  if (depth > DEEPEST) return undefined;
  const inner = typeof value === "string" && path !== "" ? parse(value) : value;
  if (!isRecord(inner)) return undefined;
  if (path !== "" && isLine(inner)) return path;
  for (const [key, item] of Object.entries(inner)) {
    const found = hiddenIn(item, isLine, path === "" ? key : `${path}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
