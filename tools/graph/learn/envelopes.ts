import { PROXY_CONTAINER } from "../../base/injection.ts";
import { isRecord, recordAt } from "../../base/json-value.ts";

/** What the lines of an access log came in. */
export interface Unwrapped {
  /** Objects that are no envelope: lines of the access log, and of other logs. */
  entries: Record<string, unknown>[];
  /** Texts of the access log that are not whole: a collector or the container runtime has cut them. */
  cut: number;
  /** Lines of the access log after text that no collector writes. */
  quoted: number;
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
export function unwrap(line: string, isLine: (entry: Record<string, unknown>) => boolean, depth = 0): Unwrapped {
  const { before, value } = parse(line);
  if (value === undefined) return { ...NOTHING, cut: CUT.test(line) ? 1 : 0 };
  if (!PREFIX.test(before)) return { ...NOTHING, quoted: isRecord(value) && isLine(value) ? 1 : 0 };
  return unwrapValue(value, isLine, depth);
}

function unwrapValue(value: unknown, isLine: (entry: Record<string, unknown>) => boolean, depth: number): Unwrapped {
  if (depth > DEEPEST) return NOTHING;
  const all = (values: readonly unknown[]): Unwrapped => {
    const inner = values.map((item) =>
      typeof item === "string" ? unwrap(item, isLine, depth + 1) : unwrapValue(item, isLine, depth + 1),
    );
    const sum = (key: "cut" | "quoted") => inner.reduce((total, one) => total + one[key], 0);
    return { entries: inner.flatMap(({ entries }) => entries), cut: sum("cut"), quoted: sum("quoted") };
  };
  if (Array.isArray(value)) return all(value);
  if (!isRecord(value)) return NOTHING;
  if (isLine(value)) return { ...NOTHING, entries: [value] };
  if (isOfAnotherContainer(value)) return { ...NOTHING, entries: [value] };
  const opened = all([...LINE_FIELDS, ...LIST_FIELDS].flatMap((field) => (field in value ? [value[field]] : [])));
  return opened.entries.length + opened.cut + opened.quoted > 0 ? opened : { ...NOTHING, entries: [value] };
}

const NOTHING: Unwrapped = { entries: [], cut: 0, quoted: 0 };

/** Part of a line of the access log, and not its whole. */
const CUT =
  /"(authority|connection_termination_details|dry_run_http|dry_run_tcp|local_port|local_uri_san|peer_uri_san|service_account|upstream_cluster)":/;

/**
 * What may stand before an object: the pod with Istio's proxy as its container (kubectl logs --prefix, stern, fluentd's
 * tag), times, and the stream of CRI's format. Any other text is an application's, and the object in it a stranger's.
 */
const PREFIX =
  /^(?:\[pod\/[^\s\]]+\/istio-proxy\]\s*|(?:[a-z0-9.-]+\s+){1,2}istio-proxy\s+)?(?:(?:[[\d][\d:.,TZ+/\]-]*|\S+_istio-proxy-\S+|stdout|stderr|[FP])\s+)*$/;

/** The value of a line, undefined where it has none, and the text before it. */
function parse(line: string): { before: string; value: unknown } {
  const text = line.trim();
  const start = /^\[\s*[[{\]]/.test(text) ? 0 : text.indexOf("{");
  if (start < 0) return { before: "", value: undefined };
  try {
    return { before: text.slice(0, start), value: JSON.parse(text.slice(start)) };
  } catch {
    return { before: "", value: undefined };
  }
}

/** Where collectors name the container whose output it was: Loki and OpenTelemetry each write the last in two ways. */
const CONTAINER_FIELDS = [
  "containerName",
  "container_name",
  "container",
  "container.name",
  "kubernetes.container_name",
  "kubernetes.container.name",
  "k8s.container.name",
  "k8s_container_name",
];

function isOfAnotherContainer(envelope: Record<string, unknown>): boolean {
  const kubernetes = recordAt(envelope, "kubernetes");
  const resource = recordAt(envelope, "resource");
  const places = [
    envelope,
    kubernetes,
    ...["stream", "labels", "attributes", "resource"].map((key) => recordAt(envelope, key)),
    ...["labels", "attributes"].map((key) => recordAt(resource, key)),
  ];
  const names = [
    ...places.flatMap((place) => CONTAINER_FIELDS.map((field) => place[field])),
    recordAt(kubernetes, "container").name,
    recordAt(envelope, "container").name,
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
  const inner = typeof value === "string" && path !== "" ? parse(value).value : value;
  if (!isRecord(inner)) return undefined;
  if (path !== "" && isLine(inner)) return path;
  for (const [key, item] of Object.entries(inner)) {
    const found = hiddenIn(item, isLine, path === "" ? key : `${path}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
