import { X509Certificate } from "node:crypto";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../../tools/doctor/facts/objects.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { Interrupted, type Runner } from "../../../tools/programs/run.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { envoyAdmin } from "../support/envoy-admin.ts";
import { type FakeApiServer, fakeApiServer, type PodAnswer } from "../support/fake-api-server.ts";

/** The namespace that the recorded certificates name. */
export const NAMESPACE = "test-app";

/** What kubectl is asked to do: the words of its command line, and what it reads. */
interface Asked {
  line: string;
  stdin: string;
}

/** What a call of kubectl left; by default it ends well and says nothing. */
interface Said {
  code?: number;
  stdout?: string;
  stderr?: string;
}

/** How the cluster differs from a healthy one; each gets a call of kubectl and may answer it. */
export interface Differences {
  kubectl?: (asked: Asked) => Said | undefined;
  snapshot?: (snapshot: Snapshot) => void;
  /** What else the API server has, by path. */
  objects?: Record<string, object>;
  /** What a proxy's admin interface answers in place of the recorded one; absent, that. */
  proxy?: (pod: string, path: string) => PodAnswer | undefined;
  /** Ctrl-C while a call runs whose command line and input are such. */
  interrupt?: RegExp;
}

export interface FakeCluster {
  runner: Runner;
  calls: Asked[];
  /** What the API server was asked, as `METHOD path?query`. */
  requests: readonly string[];
  close(): Promise<void>;
}

/** A kubectl and an API server that answer as the healthy lab does, in whose namespace `test-app` the scenarios play. */
export async function fakeCluster(directory: string, differences: Differences = {}): Promise<FakeCluster> {
  const snapshot = stageSnapshot();
  differences.snapshot?.(snapshot);
  const server = await serve(join(directory, "api"), snapshot, differences);
  const calls: Asked[] = [];
  const run: Runner["run"] = async ({ program, args, stdin = "" }) => {
    const asked = { line: [program, ...args].join(" "), stdin };
    calls.push(asked);
    const deletes = asked.line.includes("delete namespace");
    if (!deletes && differences.interrupt?.test(`${asked.line} ${stdin}`) === true) {
      process.emit("SIGINT", "SIGINT");
      throw new Interrupted("Interrupted (SIGINT) while kubectl ran; rerun the same command to resume.");
    }
    const { code = 0, stdout = "", stderr = "" } = differences.kubectl?.(asked) ?? healthy(asked, snapshot);
    return { code, stdout: Buffer.from(stdout), stderr };
  };
  const proxy: Runner["serve"] = async ({ args }) => {
    const flag = "--unix-socket=";
    const path = args.find((argument) => argument.startsWith(flag))?.slice(flag.length);
    await symlink(join(directory, "api"), path ?? "");
    return async () => {};
  };
  return { runner: { run, serve: proxy }, calls, requests: server.requests, close: () => server.close() };
}

/** The recorded pods by the names that they have on the stage, and one without a sidecar. */
function stageSnapshot(): Snapshot {
  const snapshot = healthySnapshot();
  if (!snapshot.pods.ok) throw new Error("the recorded snapshot has no pods");
  const own = snapshot.pods.value.filter(({ metadata }) => metadata.namespace === NAMESPACE);
  for (const pod of own) {
    const proxy = snapshot.proxies.find(({ pod: name }) => name === pod.metadata.name);
    pod.metadata.name = pod.spec.serviceAccountName ?? "";
    if (proxy !== undefined) proxy.pod = pod.metadata.name;
    Object.assign(pod.status, { podIP: "10.1.2.3" });
  }
  const first = own[0];
  if (first === undefined) throw new Error("the recorded snapshot has no test app");
  const plaintext = structuredClone(first);
  Object.assign(plaintext.metadata, { name: "plaintext-client" });
  plaintext.spec.initContainers = [];
  snapshot.pods.value = [...own, plaintext];
  cloneAs(snapshot, "allowed-client", "node-client-1");
  return snapshot;
}

/** Adds another pod of the stage with the same proxy. */
export function cloneAs(snapshot: Snapshot, name: string, other: string): Pod {
  const pod = snapshot.pods.ok ? snapshot.pods.value.find(({ metadata }) => metadata.name === name) : undefined;
  const proxy = snapshot.proxies.find((each) => each.pod === name);
  if (!snapshot.pods.ok || pod === undefined || proxy === undefined) throw new Error(`no pod ${name}`);
  const clone = structuredClone(pod);
  clone.metadata.name = other;
  snapshot.pods.value.push(clone);
  snapshot.proxies.push({ ...structuredClone(proxy), pod: other });
  return clone;
}

function serve(socketPath: string, snapshot: Snapshot, differences: Differences): Promise<FakeApiServer> {
  const value = (key: keyof Snapshot) => (snapshot[key] as { value: unknown }).value;
  const list = (key: keyof Snapshot) => ({ body: { items: value(key), metadata: {} } });
  const object = (key: keyof Snapshot) => (value(key) === undefined ? undefined : { body: value(key) });
  return fakeApiServer(
    socketPath,
    ({ pathname }) => {
      if (pathname.endsWith("/deployments")) return list("istiods");
      if (pathname.endsWith("/configmaps")) return list("istioConfigMaps");
      if (pathname.includes("/validatingadmissionpolicies/")) return object("admissionPolicy");
      if (pathname.includes("/validatingadmissionpolicybindings/")) return object("admissionBinding");
      if (pathname === "/api/v1/nodes") return list("nodes");
      if (pathname.endsWith("/pods")) return list("pods");
      if (differences.objects?.[pathname] !== undefined) return { body: differences.objects[pathname] };
      const [, name] = /\/pods\/([^/]+)$/.exec(pathname) ?? [];
      const pod = (value("pods") as { metadata: { name: string } }[]).find(({ metadata }) => metadata.name === name);
      return pod && { body: pod };
    },
    (pod, requestPath) => differences.proxy?.(pod, requestPath) ?? envoyAdmin(snapshot, pod, requestPath),
  );
}

/** As kubectl words what the API server says of a policy. */
export function denied(message: string) {
  return {
    code: 1,
    stderr: `Error from server (Forbidden): error when creating "STDIN": pods "x" is forbidden: ValidatingAdmissionPolicy 'istio-teleport-workload-identity' with binding 'istio-teleport-workload-identity' denied request: ${message}\n`,
  };
}

export function answered(status: number, body = "") {
  return { stdout: `${body}\n${status}` };
}

/** As kubectl ends when curl did. */
export function curlFailed(code: number, words: string) {
  return { code, stdout: "\n000", stderr: `curl: (${code}) ${words}\ncommand terminated with exit code ${code}\n` };
}

/** The header that the server's proxy adds, as go-httpbin answers it. */
export function headers({ uri, by, hash }: { uri: string; by: string; hash: string }): string {
  return JSON.stringify({ headers: { "X-Forwarded-Client-Cert": [`By=${by};Hash=${hash};Subject="";URI=${uri}`] } });
}

/** What the server sees of the recorded allowed-client. */
export function seen(snapshot: Snapshot): { uri: string; by: string; hash: string } {
  const secrets = snapshot.proxies.find(({ pod }) => pod.startsWith("allowed-client"))?.secrets;
  const leaf = new X509Certificate(secrets?.ok === true ? (secrets.value.chain[0] ?? "") : "");
  const id = leaf.subjectAltName?.replace("URI:", "") ?? "";
  return {
    uri: id,
    by: id.replace("allowed-client", "server"),
    hash: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** Who may call whom on the stage. */
const ALLOWED = ["allowed-client server", "other-client allowed-client"];

function healthy({ line, stdin }: Asked, snapshot: Snapshot): Said {
  if (stdin.includes("SelfSubjectAccessReview")) {
    return { stdout: "true\n".repeat((JSON.parse(stdin) as { items: unknown[] }).items.length) };
  }
  const [, from, to] = / exec .* (\S+) --container=app .*http:\/\/([^/:]+)/.exec(line) ?? [];
  if (from === "plaintext-client") return curlFailed(56, "Recv failure: Connection reset by peer");
  if (line.includes("--rate")) return { stdout: "200\n".repeat(50) };
  if (from !== undefined) {
    const caller = from.startsWith("node-client") ? "allowed-client" : from;
    return ALLOWED.includes(`${caller} ${to}`)
      ? answered(200, headers(seen(snapshot)))
      : answered(403, "RBAC: access denied");
  }
  if (line.includes("replace --raw")) return denied("a container mounts tbot's socket directory writable");
  if (line.includes("--dry-run=server") && stdin.includes("hostPath")) {
    return denied("a container mounts tbot's socket directory writable");
  }
  if (line.includes("--dry-run=server")) return denied("the container istio-proxy does not mount tbot's socket");
  if (line.includes("config view") || line.includes("/version")) return { stdout: "{}" };
  return {};
}
