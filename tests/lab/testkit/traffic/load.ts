import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { containerPids } from "../cluster/containers.ts";
import { onePod, type Pod } from "../cluster/pods.ts";
import { shell, until } from "../cluster/shell.ts";

/** The service that is called, by the test app's allowed client. */
export const LOAD_HOST = "server.test-app.svc.cluster.local";
export const REQUESTS_PER_CONNECTION = 10;

/**
 * Each connection between the two sidecars ends after ten requests, so that every certificate has to pass handshakes;
 * and the client's sidecar repeats no request, as it would by default, so that a failed one is seen.
 */
const TRAFFIC = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: short-connections, namespace: test-app}
spec:
  host: ${LOAD_HOST}
  trafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: ${REQUESTS_PER_CONNECTION}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: no-retries, namespace: test-app}
spec:
  hosts: [${LOAD_HOST}]
  http:
    - route: [{destination: {host: ${LOAD_HOST}}}]
      retries: {attempts: 0}
`;

/** Makes failed requests visible: short connections, no retries. `restoreTraffic` takes it back. */
export async function exposeFailures(): Promise<void> {
  await shell("kubectl apply -f -", { input: TRAFFIC });
  await until("the client's sidecar repeats no request", 60, () => clientRepeatsNothing());
}

export async function restoreTraffic(): Promise<void> {
  await shell("kubectl delete --ignore-not-found -f -", { input: TRAFFIC });
}

/** Whether the sidecar of the test app's client repeats no request to a host: it has the route that says so. */
export async function clientRepeatsNothing(host = LOAD_HOST): Promise<boolean> {
  const configs = JSON.parse(
    await shell("istioctl proxy-config routes deploy/allowed-client.test-app --name 80 -o json"),
  ) as { virtualHosts: { name: string; routes: { route?: { retryPolicy?: object } }[] }[] }[];
  const hosts = configs.flatMap(({ virtualHosts }) => virtualHosts).filter(({ name }) => name === `${host}:80`);
  const routes = hosts.flatMap((one) => one.routes);
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
  /** What is called; default: the test app's server. */
  readonly url?: string;
}

/**
 * The command line that runs a line of shell in the network and mount namespaces of the test app's allowed client, entered
 * from the node: neither API server nor kubelet nor containerd has a part in it, so that any of them may fail meanwhile.
 *
 * @param pod the client's pod; default: the one there is
 */
export async function inClient(line: string, pod?: Pod): Promise<[string, ...string[]]> {
  const client = pod ?? (await onePod("test-app", "app.kubernetes.io/name=allowed-client"));
  const [pid] = await containerPids("test-app", client.metadata.name, "allowed-client");
  if (pid === undefined) throw new Error("the client has no process");
  return ["nsenter", `--target=${pid}`, "--net", "--mount", "--wdns=/", "--", "sh", "-c", line];
}

/**
 * Begins to call as the test app's allowed client, at a steady rate.
 *
 * @param rate requests per second
 */
export async function startLoad(rate: number, { pod, url = "http://server/headers" }: LoadOptions = {}): Promise<Load> {
  const line = `echo 'GET ${url}' | vegeta attack -rate=${rate} -duration=0 -timeout=5s | vegeta encode --to json`;
  const [program, ...args] = await inClient(line, pod);
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
