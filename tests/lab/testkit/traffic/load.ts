import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { containerPids } from "../cluster/containers.ts";
import { isReady, livePods, onePod, type Pod } from "../cluster/pods.ts";
import { shell, until } from "../cluster/shell.ts";

/** The service that is called, by the test app's allowed client. */
export const LOAD_HOST = "server.test-app.svc.cluster.local";
export const REQUESTS_PER_CONNECTION = 10;

/** Who calls whom. */
export interface Route {
  /** Namespace and label `app.kubernetes.io/name` of the client, which is its container's and its Deployment's name, too. */
  readonly namespace: string;
  readonly client: string;
  /** Of a Service with port 80. */
  readonly host: string;
}

/** The test app's allowed client calls its server. */
export const TEST_APP: Route = { namespace: "test-app", client: "allowed-client", host: LOAD_HOST };

/** Each connection between the two sidecars ends after ten requests, so that every certificate has to pass handshakes. */
const shortConnections = ({ host }: Route) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: short-connections, namespace: ${namespaceOf(host)}}
spec:
  host: ${host}
  trafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: ${REQUESTS_PER_CONNECTION}}}}
`;

/** The client's sidecar repeats no request, as it would by default, so that a failed one is seen. */
const noRetries = ({ host }: Route) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: no-retries, namespace: ${namespaceOf(host)}}
spec:
  hosts: [${host}]
  http:
    - route: [{destination: {host: ${host}}}]
      retries: {attempts: 0}
`;

function namespaceOf(host: string): string {
  const [, namespace] = host.split(".");
  if (namespace === undefined) throw new Error(`${host} names no namespace`);
  return namespace;
}

/** Makes failed requests visible: short connections, no retries. `restoreTraffic` takes it back. */
export async function exposeFailures(route = TEST_APP): Promise<void> {
  await shell("kubectl apply -f -", { input: `${shortConnections(route)}---${noRetries(route)}` });
  await until("the client's sidecar repeats no request", 60, () => clientRepeatsNothing(route));
}

/** The same without short connections, whose rule for one host would win over the plaintext of a migration. */
export async function repeatNothing(route: Route): Promise<void> {
  await shell("kubectl delete --ignore-not-found -f -", { input: shortConnections(route) });
  await shell("kubectl apply -f -", { input: noRetries(route) });
  await until("the client's sidecar repeats no request", 60, () => clientRepeatsNothing(route));
}

export async function restoreTraffic(route = TEST_APP): Promise<void> {
  await shell("kubectl delete --ignore-not-found -f -", { input: `${shortConnections(route)}---${noRetries(route)}` });
}

/** Whether the sidecar of the client repeats no request to the host: it has the route that says so. */
export async function clientRepeatsNothing({ namespace, client, host }: Route = TEST_APP): Promise<boolean> {
  const configs = JSON.parse(
    await shell(`istioctl proxy-config routes deploy/${client}.${namespace} --name 80 -o json`),
  ) as { virtualHosts: { name: string; routes: { route?: { retryPolicy?: object } }[] }[] }[];
  const hosts = configs.flatMap(({ virtualHosts }) => virtualHosts).filter(({ name }) => name === `${host}:80`);
  const routes = hosts.flatMap((found) => found.routes);
  return routes.length > 0 && routes.every(({ route }) => route?.retryPolicy === undefined);
}

/** One request that was not answered with 200. */
export interface FailedRequest {
  readonly at: Date;
  /** HTTP status; 0 if there was no answer. */
  readonly code: number;
  readonly error: string;
}

/** What became of the requests of one load, in the order of their sending. */
export interface LoadResult {
  readonly requests: number;
  readonly failed: readonly FailedRequest[];
}

/** Requests that continue until `stop`. */
export interface Load {
  /** What became of the requests that were answered up to now. */
  soFar(): LoadResult;
  /** Lets the requests that are under way end; throws if the load ended before, or never began. */
  stop(): Promise<LoadResult>;
}

/** A line of `vegeta encode --to json`. Source: github.com/tsenart/vegeta, lib/results.go. */
interface Line {
  readonly timestamp: string;
  readonly code: number;
  readonly error: string;
}

/** What a load may have other than the rest. */
interface LoadOptions {
  /** The client's pod; default: the one there is. */
  readonly pod?: Pod;
  /** Who calls whom; default: the test app's allowed client its server. */
  readonly route?: Route;
  /** What is called in place of the route's host. */
  readonly url?: string;
}

/**
 * The command line that runs a line of shell in the network and mount namespaces of the client, entered from the node:
 * neither API server nor kubelet nor containerd has a part in it, so that any of them may fail meanwhile.
 *
 * @param pod the client's pod; default: the one there is
 */
export async function inClient(line: string, pod?: Pod, route = TEST_APP): Promise<[string, ...string[]]> {
  const { namespace, client } = route;
  const from = pod ?? (await onePod(namespace, selectorOf(route)));
  const [pid] = await containerPids(namespace, from.metadata.name, client);
  if (pid === undefined) throw new Error("the client has no process");
  return ["nsenter", `--target=${pid}`, "--net", "--mount", "--wdns=/", "--", "sh", "-c", line];
}

/**
 * Begins to call as the client, at a steady rate.
 *
 * @param rate requests per second
 */
export async function startLoad(rate: number, { pod, route = TEST_APP, url }: LoadOptions = {}): Promise<Load> {
  const target = url ?? `http://${route.host}/headers`;
  const line = `echo 'GET ${target}' | vegeta attack -rate=${rate} -duration=0 -timeout=5s | vegeta encode --to json`;
  const [program, ...args] = await inClient(line, pod, route);
  const child = spawn(program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  let stopped = false;
  let requests = 0;
  const failed: FailedRequest[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (text) => {
    const { timestamp, code, error } = JSON.parse(text) as Line;
    requests += 1;
    if (code !== 200) failed.push({ at: new Date(timestamp), code, error });
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until("the first answer", 20, async () => requests > 0 || child.exitCode !== null);
  const result = () => ({ requests, failed: failed.toSorted((a, b) => a.at.getTime() - b.at.getTime()) });
  return {
    soFar: result,
    async stop() {
      if (child.exitCode !== null || stopped) throw new Error(`the load ended before: ${stderr}`);
      stopped = true;
      // vegeta ends its attack on the first interrupt, and waits for the answers.
      await shell(`pkill -INT -g ${child.pid} -f '^vegeta attack'`);
      await ended;
      if (requests === 0) throw new Error(`no request was sent: ${stderr}`);
      return result();
    },
  };
}

/** How long a load goes on after what happens meanwhile: what that broke shows by then. */
const AFTER_MS = 3000;

/**
 * Calls at a steady rate while something happens that may replace the client's pod: the old one and the new one call as
 * long as they live.
 *
 * @param rate requests per second, from each of the client's pods
 */
export async function loadWhile(rate: number, route: Route, happens: () => Promise<void>): Promise<LoadResult> {
  const loads = new Map<string, Load>();
  const results: LoadResult[] = [];
  const follow = async () => {
    const pods = await livePods(route.namespace, selectorOf(route));
    const live = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const [uid, load] of [...loads].filter(([uid]) => !live.has(uid))) {
      loads.delete(uid);
      results.push(await load.stop());
    }
    for (const pod of pods.filter((each) => isReady(each) && !loads.has(each.metadata.uid)))
      loads.set(pod.metadata.uid, await startLoad(rate, { pod, route }));
  };
  await follow();
  let over = false;
  const happened = happens()
    .then(() => sleep(AFTER_MS))
    .finally(() => {
      over = true;
    });
  while (!over) {
    await follow();
    await sleep(250);
  }
  for (const load of loads.values()) results.push(await load.stop());
  await happened;
  return {
    requests: results.reduce((sum, { requests }) => sum + requests, 0),
    failed: results.flatMap(({ failed }) => failed),
  };
}

/** For people: how many requests were lost, how, and within which time. */
export function lost({ requests, failed }: LoadResult): string {
  const times = failed.map(({ at }) => at.getTime());
  const seconds = times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000;
  const codes = [...new Set(failed.map(({ code }) => code))].join();
  return `${requests} requests, ${failed.length} failed (${codes}), within ${seconds.toFixed(1)} s`;
}

function selectorOf({ client }: Route): string {
  return `app.kubernetes.io/name=${client}`;
}
