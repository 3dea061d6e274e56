import { readFile } from "node:fs/promises";
import { EXIT, ExitError } from "../../base/exit-error.ts";
import { schemaCheck } from "../../base/schema-check.ts";
import { type Call, readSpiffeId, type Workload } from "./calls.ts";
import { prometheusAnswer } from "./compiled-prometheus-schema.ts";

/** What identifies an edge in Istio's standard metrics (Istio docs, reference/config/metrics); none of them is a port. */
const LABELS = [
  "__name__",
  "reporter",
  "source_principal",
  "destination_principal",
  "destination_workload_namespace",
  "destination_service_name",
  "request_protocol",
  "response_code",
  "connection_security_policy",
];

const METRICS = ["istio_requests_total", "istio_tcp_connections_opened_total"];

/** How long one query may take, in milliseconds. */
const TIMEOUT = 60_000;

/** One series of an answer: its labels. */
export type Series = Readonly<Record<string, string>>;

/**
 * Asks Prometheus, once for each of Istio's two metrics, which series had a value in the last `seconds`. Neither a
 * retry nor a redirect is followed: credentials stay with the server that was named.
 *
 * @param url base URL, with a path prefix where Prometheus has one
 * @param onWarning gets what Prometheus warns of (a partial answer, for example)
 * @throws ExitError (unavailable) with the fix when it does not answer, or says that it cannot
 */
export async function queryPrometheus(
  url: URL,
  headers: Headers,
  seconds: number,
  onWarning: (warning: string) => void,
): Promise<Series[]> {
  const answers: Series[] = [];
  for (const metric of METRICS) {
    // Not resolved against the URL: `//other/...` would be another host, which then gets the credentials.
    const endpoint = new URL(url);
    endpoint.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
    endpoint.hash = "";
    // Counters that began within the window have no increase yet, but a last value they have.
    endpoint.searchParams.set(
      "query",
      `sum by (${LABELS.join(", ")}) (last_over_time(${metric}{reporter="destination"}[${seconds}s])) > 0`,
    );
    answers.push(...seriesOf(await get(endpoint, headers), `Prometheus at ${url.host}`, onWarning));
  }
  return answers;
}

async function get(endpoint: URL, headers: Headers): Promise<string> {
  const failed = (reason: string) =>
    new ExitError(`Could not ask Prometheus at ${endpoint.host}: ${reason}.`, EXIT.unavailable);
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    response = await fetch(endpoint, { headers, redirect: "manual", signal });
    text = await response.text();
  } catch (error) {
    const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    if (name === "TimeoutError") throw failed(`no answer within ${TIMEOUT / 1000} s; give a shorter --since`);
    throw failed(
      `it does not answer (${cause?.code ?? cause?.message ?? name}); check --prometheus, or give a saved answer with --prometheus-file`,
    );
  }
  if (response.status === 401 || response.status === 403) {
    throw failed(`it does not let you in (${response.status}); give its credentials with --prometheus-header`);
  }
  if (response.status >= 300 && response.status < 400) {
    throw failed(`it answers with a redirect (${response.status}); give the URL that it leads to`);
  }
  // Prometheus explains itself in the body, also with status 400, 422 and 503.
  if (!response.ok && !text.trimStart().startsWith("{")) {
    throw failed(`it answers with status ${response.status}; check the path of --prometheus`);
  }
  return text;
}

/**
 * The series of a saved answer of `/api/v1/query`.
 *
 * @throws ExitError (refused) when the file is no such answer
 */
export async function readPrometheusFile(file: string, onWarning: (warning: string) => void): Promise<Series[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(`The file ${file} cannot be read (${code}): name a saved answer with --prometheus-file.`);
  }
  return seriesOf(text, file, onWarning);
}

const checkAnswer = schemaCheck(prometheusAnswer, {});

interface Answer {
  status: "success" | "error";
  error?: string;
  warnings?: string[];
  data?: { result: { metric: Series; value: [number, string] }[] };
}

function seriesOf(text: string, source: string, onWarning: (warning: string) => void): Series[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ExitError(`${source} gives no JSON: it must be an answer of Prometheus' /api/v1/query.`);
  }
  checkAnswer(answer, `The answer of ${source}`);
  const { status, error, warnings = [], data } = answer as Answer;
  if (status === "error" || data === undefined) {
    throw new ExitError(`${source} could not answer: ${error ?? "it gives no data"}.`, EXIT.unavailable);
  }
  for (const warning of warnings) onWarning(`${source} warns: ${warning}`);
  return data.result.filter(({ value }) => Number(value[1]) > 0).map(({ metric }) => metric);
}

/** What Istio writes into a label that it knows no value for. */
const UNKNOWN = "unknown";

/** What was in the series. */
export interface SeriesCount {
  /** Series of Istio's two metrics, as the called side reports them. */
  known: number;
  /** Of these: without a caller or a called workload that could be told. */
  unidentified: number;
}

/**
 * The calls that Istio's series stand for, each without port, method and path, which these metrics do not have. A 403
 * counts as denied, though the application itself may have said it; TCP connections count when they open, denied or not.
 *
 * @param findWorkload the called workload by its Service, for plaintext, where no certificate names it
 */
export function callsOfSeries(
  series: readonly Series[],
  findWorkload: (namespace: string, service: string) => Workload | undefined,
  onCall: (call: Call) => void,
): SeriesCount {
  const count: SeriesCount = { known: 0, unidentified: 0 };
  for (const labels of series) {
    const isTcp = labels.__name__ === METRICS[1] || labels.request_protocol === "tcp";
    if (labels.__name__ !== undefined && !METRICS.includes(labels.__name__)) continue;
    if (labels.reporter !== undefined && labels.reporter !== "destination") continue;
    if (labels.source_principal === undefined) continue;
    count.known += 1;
    const { source_principal: source = UNKNOWN, destination_principal: destination = UNKNOWN } = labels;
    const to =
      readSpiffeId(destination)?.workload ??
      findWorkload(labels.destination_workload_namespace ?? "", labels.destination_service_name ?? "");
    const from = readSpiffeId(source)?.principal;
    if (to === undefined || (from === undefined && labels.connection_security_policy !== "none")) {
      count.unidentified += 1;
      continue;
    }
    onCall({
      to,
      ...(from !== undefined && { from }),
      protocol: isTcp ? "TCP" : "HTTP",
      outcome: labels.response_code === "403" ? "denied" : "passed",
    });
  }
  return count;
}
