import { ExitError } from "../../base/exit-error.ts";
import { PROXY_CONTAINER } from "../../base/injection.ts";
import { accessOf } from "../../programs/kubectl.ts";
import type { Runner } from "../../programs/run.ts";
import { loadGraphValues } from "../../values/load.ts";
import type { Values } from "../../values/types.ts";
import { type MeshGraph, meshGraph } from "../mesh-graph.ts";
import { type LogLines, readAccessLog } from "./access-log.ts";
import { type Call, type SeenCall, seenCalls, type Workload } from "./calls.ts";
import type { GraphLearnFlags } from "./flags.ts";
import { learnedGraph } from "./learned-graph.ts";
import { linesOf } from "./log-files.ts";
import { type MeshedPod, meshedPods, readPodLogs, selectingLabels } from "./pod-logs.ts";
import { callsOfSeries, queryPrometheus, readPrometheusFile } from "./prometheus.ts";
import { readHeaders } from "./request-headers.ts";
import { type AccountUse, withoutSharedAccounts, workloadOfPod } from "./shared-accounts.ts";
import { readSince } from "./since.ts";
import { snippet } from "./snippet.ts";
import { listed, notesOf } from "./summary.ts";

/** How far back Prometheus is asked, in seconds: a day. */
const PROMETHEUS_WINDOW = 24 * 60 * 60;

/** What `learn` made. */
export interface Learned {
  /** The values file. */
  values: string;
  /** What to know of it, each one line for people. */
  notes: string[];
}

/**
 * Reads one kind of source (access logs, or metrics) and makes the values of the graph that was observed.
 *
 * @throws ExitError (refused) for flags that do not fit together, and for a source without a single call; (unavailable)
 *   when the cluster or Prometheus does not answer
 */
export async function learn(runner: Runner, flags: GraphLearnFlags): Promise<Learned> {
  checkFlags(flags);
  const hasValues = flags.values.length > 0 || flags.set.length > 0 || flags.valuesKey !== undefined;
  const values = hasValues
    ? await loadGraphValues(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey })
    : undefined;
  const graph = values && meshGraph(values);
  const isNarrowed = graph?.edges.some(({ methods, paths }) => methods !== undefined || paths !== undefined) ?? false;
  const seen = seenCalls({ details: isNarrowed || flags.withMethods || flags.withPaths });
  const usesMetrics = flags.prometheus !== undefined || flags.prometheusFile.length > 0;
  const source = usesMetrics ? await readMetrics(flags, graph, seen.add) : await readLogs(runner, flags, seen.add);

  const selected = selectCalls(seen.all(), flags, values);
  const { kept, notes: notesOfShared } = withoutSharedAccounts(selected.kept, source.accounts);
  const notes = [...selected.notes, ...notesOfShared];
  if (kept.length === 0) {
    const reason = seen.all().length === 0 ? "holds no call" : "holds no call to print";
    throw new ExitError(
      [`${source.name} ${reason}: read it after calls were made.`, ...source.notes, ...notes].join(" "),
    );
  }
  const narrowing = { methods: flags.withMethods, paths: flags.withPaths, generalize: flags.generalize };
  const labelsOf = (workload: Workload) => selectingLabels(workload, source.pods);
  const learned = learnedGraph(kept, narrowing, graph, labelsOf);
  const header = [
    `Who was seen to call whom, by istio-teleport graph learn from ${usesMetrics ? "Istio's metrics" : "access logs"}.`,
    ...(flags.withPaths && (values?.istio.pathNormalization ?? "NONE") === "NONE"
      ? ["Rules with paths need an istio.pathNormalization other than NONE."]
      : []),
  ];
  return {
    values: snippet(learned, header, values?.bundledApplications),
    notes: [...source.notes, ...notes, ...notesOf(learned, graph !== undefined)],
  };
}

function checkFlags(flags: GraphLearnFlags): void {
  const fromLogs = flags.log.length > 0 || flags.namespace.length > 0;
  const fromMetrics = flags.prometheus !== undefined || flags.prometheusFile.length > 0;
  const given = (flag: unknown) => flag !== undefined && flag !== false && (!Array.isArray(flag) || flag.length > 0);
  const needs = (flag: unknown, name: string, isMet: boolean, other: string) => {
    if (given(flag) && !isMet) throw new ExitError(`${name} needs ${other}: add it, or leave ${name} out.`);
  };
  if (!fromLogs && !fromMetrics) {
    throw new ExitError("There is nothing to learn from: give --namespace, --log, --prometheus or --prometheus-file.");
  }
  if (fromLogs && fromMetrics) {
    throw new ExitError("Access logs and metrics tell different things of one call: learn from one of them at a time.");
  }
  if (flags.log.concat(flags.values).filter((file) => file === "-").length > 1) {
    throw new ExitError("Two flags name -, but stdin can be read only once: put the other one into a file.");
  }
  const fromPods = flags.namespace.length > 0;
  // kubectl would take an empty one for the context's own.
  const unnamed = flags.namespace.find((name) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name));
  if (unnamed !== undefined) {
    throw new ExitError(`--namespace is ${JSON.stringify(unnamed)}, which names no namespace: give its name.`);
  }
  needs(flags.context, "--context", fromPods, "--namespace");
  needs(flags.kubeconfig, "--kubeconfig", fromPods, "--namespace");
  needs(flags.since, "--since", fromPods || flags.prometheus !== undefined, "--namespace or --prometheus");
  needs(flags.prometheusHeader, "--prometheus-header", flags.prometheus !== undefined, "--prometheus");
  needs(flags.withMethods, "--with-methods", fromLogs, "an access log, since metrics have no methods");
  needs(flags.withPaths, "--with-paths", fromLogs, "an access log, since metrics have no paths");
  needs(flags.generalize, "--generalize", flags.withPaths, "--with-paths");
}

/** What a source of calls says besides them. */
interface Source {
  /** As the subject of a sentence. */
  name: string;
  pods: MeshedPod[];
  /** Whose pods have which ServiceAccount, as far as the source tells. */
  accounts: AccountUse[];
  notes: string[];
}

async function readLogs(runner: Runner, flags: GraphLearnFlags, onCall: (call: Call) => void): Promise<Source> {
  const since = flags.since === undefined ? undefined : readSince(flags.since, Date.now()).kubectl;
  const access = accessOf(runner, flags);
  const notes: string[] = [];
  const counts: LogLines[] = [];
  const pods = await meshedPods(access, flags.namespace);
  const accounts = new Map<string, AccountUse>();
  const onCallOfPod = (call: Call, pod: string | undefined) => {
    onCall(call);
    const workload = pod === undefined ? undefined : workloadOfPod(pod);
    if (workload === undefined) return;
    const use = { ...call.to, workload };
    accounts.set(`${use.namespace}/${use.serviceAccount}/${use.workload}`, use);
  };
  const onLog = async (lines: string[]) => {
    counts.push(await readAccessLog(lines, onCallOfPod));
  };
  await readPodLogs(access, pods, since, onLog, (reason) => notes.push(reason));
  for (const file of flags.log) counts.push(await readAccessLog(linesOf(file), onCallOfPod));

  const sum = (key: Exclude<keyof LogLines, "hiddenIn">) => counts.reduce((total, count) => total + count[key], 0);
  const name = flags.log.length === 1 && pods.length === 0 ? `The access log ${flags.log[0]}` : "The access log";
  if (sum("known") === 0) {
    const json = sum("otherJson") > 0 ? `, ${sum("otherJson")} of them JSON of another form` : "";
    const field = counts.find((count) => count.hiddenIn !== undefined)?.hiddenIn;
    if (field !== undefined) {
      throw new ExitError(
        `${name} has its lines in the field ${field} of other JSON objects, which is none of those that collectors usually use: give the content of this field, for example what \`jq -r '.${field}'\` prints.`,
      );
    }
    if (sum("quoted") > 0) {
      throw new ExitError(
        `${name} has its lines after text that no log collector writes, as applications quote what a stranger sent: give the log of the container ${PROXY_CONTAINER} alone.`,
      );
    }
    throw new ExitError(
      `${name} has no line of the form that istio.accessLog switches on (lines read: ${sum("read")}${json}): set istio.accessLog to true, give istiod the values of \`render istio\` again, and read what is logged from then on.`,
    );
  }
  if (sum("unidentified") > 0) {
    notes.push(`${sum("unidentified")} calls were left out: their ends have no SPIFFE ID that could be read.`);
  }
  if (sum("quoted") > 0) {
    notes.push(
      `${sum("quoted")} ${sum("quoted") === 1 ? "line was" : "lines were"} left out: text that no log collector writes stands before the access log, as applications quote what a stranger sent.`,
    );
  }
  if (sum("cut") > 0) {
    notes.push(
      `${sum("cut")} ${sum("cut") === 1 ? "line was" : "lines were"} cut by the container runtime or a collector and left out: their calls are missing here.`,
    );
  }
  return {
    name,
    pods,
    accounts: [...accounts.values(), ...pods.flatMap(accountUse)],
    notes,
  };
}

function accountUse(pod: MeshedPod): AccountUse[] {
  const workload = workloadOfPod(pod.name);
  return workload === undefined ? [] : [{ ...pod, workload }];
}

async function readMetrics(
  flags: GraphLearnFlags,
  graph: MeshGraph | undefined,
  onCall: (call: Call) => void,
): Promise<Source> {
  const notes: string[] = [];
  const onWarning = (warning: string) => notes.push(warning);
  const seconds = flags.since === undefined ? PROMETHEUS_WINDOW : readSince(flags.since, Date.now()).seconds;
  const headers = await readHeaders(flags.prometheusHeader);
  const series = [];
  if (flags.prometheus !== undefined) {
    series.push(...(await queryPrometheus(prometheusUrl(flags.prometheus), headers, seconds, onWarning)));
  }
  for (const file of flags.prometheusFile) series.push(...(await readPrometheusFile(file, onWarning)));
  const services = graph?.applications.flatMap((application) => application.services) ?? [];
  const findWorkload = (namespace: string, service: string) =>
    services.find((known) => known.namespace === namespace && known.name === service);
  const { known, unidentified } = callsOfSeries(series, findWorkload, onCall);
  if (known === 0) {
    throw new ExitError(
      "Prometheus' answer has no series of istio_requests_total or istio_tcp_connections_opened_total with Istio's labels (reporter, source_principal, destination_principal): check that it scrapes the sidecars, or give a longer --since.",
    );
  }
  if (unidentified > 0) {
    notes.push(`${unidentified} series were left out: they name no SPIFFE ID of the caller or of the called workload.`);
  }
  return { name: "Prometheus' answer", pods: [], accounts: [], notes };
}

function prometheusUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new ExitError(`--prometheus is ${JSON.stringify(text)}: give a URL such as http://localhost:9090.`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "") {
    throw new ExitError(
      "--prometheus has credentials or a query in its URL: give credentials with --prometheus-header.",
    );
  }
  return url;
}

/**
 * Leaves out what a policy denied, unless asked for, calls to namespaces that can be no application's, and calls to
 * workloads of another trust domain, such as those of a mesh's time before Teleport.
 *
 * @throws ExitError (refused) when all called workloads are of another trust domain than the values
 */
function selectCalls(seen: readonly SeenCall[], flags: GraphLearnFlags, values: Values | undefined) {
  const notes: string[] = [];
  const { own: calls, foreign } = ofTrustDomain(seen, values?.global.teleport.clusterName);
  if (foreign.size > 0) {
    notes.push(`Calls to workloads of another trust domain were left out: ${listed([...foreign].sort())}.`);
  }
  const reserved = new Set(values && [values.tbot.namespace.name, values.mesh.rootNamespace]);
  if (values?.testApp.enabled) reserved.add(values.testApp.namespace.name);
  for (const { namespace } of Object.values(values?.mesh.gateways ?? {})) reserved.add(namespace);
  const inReserved = calls.filter(({ to }) => reserved.has(to.namespace));
  for (const namespace of new Set(inReserved.map(({ to }) => to.namespace))) {
    notes.push(`Calls to the namespace ${namespace} were left out: it can be no application's.`);
  }
  const possible = calls.filter(({ to }) => !reserved.has(to.namespace));
  const isDenied = ({ outcomes }: SeenCall) => outcomes.size === 1 && outcomes.has("denied");
  const denied = possible.filter(isDenied);
  if (flags.includeDenied || denied.length === 0) return { kept: possible, notes };
  const edges = new Set(denied.map(({ from, to }) => `${from ?? "anyone"} → ${to.namespace}/${to.serviceAccount}`));
  notes.push(`Left out, since policies denied it (--include-denied prints it): ${listed([...edges].sort())}.`);
  return { kept: possible.filter((call) => !isDenied(call)), notes };
}

/** Calls to workloads of a trust domain, or of all where none is given, and the other trust domains that were called. */
function ofTrustDomain(calls: readonly SeenCall[], trustDomain: string | undefined) {
  const isForeign = ({ to }: SeenCall) =>
    trustDomain !== undefined && to.trustDomain !== undefined && to.trustDomain !== trustDomain;
  const own = calls.filter((call) => !isForeign(call));
  const foreign = new Set(calls.filter(isForeign).map(({ to }) => to.trustDomain as string));
  const [one] = foreign;
  if (own.length === 0 && one !== undefined) {
    throw new ExitError(
      `The called workloads are of the trust domain ${one}, and global.teleport.clusterName is ${trustDomain}: give the values of the mesh that was observed.`,
    );
  }
  return { own, foreign };
}
