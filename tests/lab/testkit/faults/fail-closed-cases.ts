import { chmodSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../../../lab/cluster/addresses.ts";
import { containerPids, killContainer } from "../cluster/containers.ts";
import { isReady, onePod, type Pod } from "../cluster/pods.ts";
import { type Outcome, shell, tryShell, until } from "../cluster/shell.ts";
import type { Issuers, PresentedIdentity } from "../identity/issuers.ts";
import { USER_DIR } from "../installation/installation.ts";
import { applyLayers, type Layers } from "../installation/layers.ts";

export const SOCKET_DIR = "/run/spire/sockets";
const SOCKET = join(SOCKET_DIR, "socket");
const PORT = 8080;
/** How long a pod gets to go wrong: with a willing issuer it is ready in 4 s. */
const OBSERVE_MS = 10_000;

/**
 * What became of a case:
 * - refused: admission refused it;
 * - waits: the pod exists, is not Ready and presents no certificate that a peer would accept;
 * - Teleport: it presents a valid SVID of Teleport's, with its own SPIFFE ID;
 * - open: it presented a valid certificate of istiod's CA or of another pod, or something other than tbot wrote into
 *   the node's socket directory.
 */
export type Result = "refused" | "waits" | "Teleport" | "open";

/** Ways to spell our directory, or one above it, that name the same files. The kubelet resolves them all. */
const SPELLINGS: Record<string, string> = {
  plain: "/run/spire/sockets",
  "slash-start": "//run/spire/sockets",
  "slash-middle": "/run//spire/sockets",
  dot: "/run/./spire/sockets",
  "slash-end": "/run/spire/sockets/",
  parent: "/run/spire",
  "root-of-process": "/proc/self/root/run/spire/sockets",
};

export interface PodOptions {
  readonly annotations?: Record<string, string>;
  /** A volume for the application container, which runs as root with one of the node's. */
  readonly volume?: { readonly hostPath: { readonly path: string } } | { readonly csi: object };
  readonly mount?: Record<string, unknown>;
  readonly command?: string;
  readonly security?: Record<string, unknown>;
}

/** What Pod Security asks of each container at the level restricted. */
const RESTRICTED_CONTAINER = {
  runAsNonRoot: true,
  runAsUser: 65532,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** Creates a pod with a ServiceAccount of the same name; returns the reason if admission refuses it. */
export async function createPod(name: string, options: PodOptions = {}): Promise<{ refused?: string }> {
  const { annotations = {}, volume, mount = {}, command = "sleep infinity", security = {} } = options;
  await shell(
    `kubectl -n probe create serviceaccount ${name} --dry-run=client -o yaml | kubectl apply -f - --server-side`,
  );
  // Root, as whoever may create pods may be: the directory's owner and mode shall not be what saves us.
  const mounts =
    volume === undefined
      ? { securityContext: { ...RESTRICTED_CONTAINER, ...security } }
      : {
          volumeMounts: [{ name: "extra", mountPath: "/host", ...mount }],
          securityContext: { ...("hostPath" in volume ? { runAsUser: 0 } : RESTRICTED_CONTAINER), ...security },
        };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "probe", labels: { app: name }, annotations },
    spec: {
      serviceAccountName: name,
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "app",
          image: "lab.local/client:lab",
          imagePullPolicy: "Never",
          command: ["sh", "-c", command],
          ...mounts,
        },
      ],
      ...(volume === undefined ? {} : { volumes: [{ name: "extra", ...volume }] }),
    },
  };
  const attempt = await tryShell("kubectl create -f -", { input: JSON.stringify(pod) });
  return attempt.code === 0 ? {} : { refused: refusalOf(attempt.stderr) };
}

/** The reason of our policy or of Pod Security; throws for any other refusal. */
function refusalOf(stderr: string): string {
  const [, reason] =
    /ValidatingAdmissionPolicy 'istio-teleport-workload-identity' .* denied request: (.*)/s.exec(stderr) ??
    /is forbidden: (violates PodSecurity .*)/s.exec(stderr) ??
    [];
  if (reason === undefined) throw new Error(stderr);
  return reason;
}

/** Name and inode of everything in the node's socket directory: whatever changes there while tbot is away is not ours. */
function socketDirectory(): string {
  return readdirSync(SOCKET_DIR)
    .toSorted()
    .map((name) => `${name} ${statSync(join(SOCKET_DIR, name), { throwIfNoEntry: false })?.ino ?? "gone"}`)
    .join();
}

/** What a pod presents on the wire now. */
export async function presentedBy(issuers: Issuers, name: string): Promise<PresentedIdentity | undefined> {
  const { status } = await onePod("probe", `app=${name}`);
  return status.podIP === undefined ? undefined : issuers.presented(status.podIP, PORT);
}

/** A valid SVID of Teleport's for this very pod. */
export function isOwn(name: string, presented: PresentedIdentity | undefined): boolean {
  const own = `spiffe://${TELEPORT_CLUSTER_NAME}/ns/probe/sa/${name}`;
  return presented?.valid === true && presented.issuer === "teleport" && presented.spiffeId === own;
}

/** Watches a pod, and the socket directory, for the whole time it gets to go wrong. */
async function observe(issuers: Issuers, name: string, directory = socketDirectory()): Promise<Result> {
  const end = Date.now() + OBSERVE_MS;
  let presented: PresentedIdentity | undefined;
  while (Date.now() < end) {
    presented = await presentedBy(issuers, name);
    // Of istiod's CA, or, where another pod serves on the node's socket, of that pod.
    if (presented?.valid && !isOwn(name, presented)) return "open";
    if (socketDirectory() !== directory) return "open";
    await sleep(1000);
  }
  if (isOwn(name, presented)) return "Teleport";
  if (isReady(await onePod("probe", `app=${name}`)))
    throw new Error(`pod ${name} is Ready without a usable certificate`);
  return "waits";
}

/** A new pod's result. One that took the socket over is removed with what it left, so that the next case begins clean. */
export async function newPod(issuers: Issuers, name: string, options: PodOptions = {}, reason = /./): Promise<Result> {
  const directory = socketDirectory();
  const { refused } = await createPod(name, options);
  if (refused !== undefined) {
    expect(refused).toMatch(reason);
    return "refused";
  }
  const result = await observe(issuers, name, directory);
  if (result === "open") await removeIntruder(name, directory);
  return result;
}

async function removeIntruder(name: string, directory: string): Promise<void> {
  await shell(`kubectl -n probe delete pod ${name}`);
  if (socketDirectory() !== directory) rmSync(SOCKET, { force: true });
}

/** A file or directory appears in the node's socket directory, or does not, in the time that pods get. */
async function appears(file: string): Promise<boolean> {
  const end = Date.now() + OBSERVE_MS;
  while (Date.now() < end && !existsSync(join(SOCKET_DIR, file))) await sleep(250);
  return existsSync(join(SOCKET_DIR, file));
}

/** Pods without a sidecar, since the rule holds for the namespace, that write into our directory by every spelling. */
async function writableMounts(): Promise<Result> {
  const attempts = await Promise.all(
    Object.entries(SPELLINGS).map(async ([name, hostPath]) => {
      const below = name === "parent" ? "/host/sockets" : "/host";
      const { refused } = await createPod(name, {
        volume: { hostPath: { path: hostPath } },
        command: `touch ${below}/written-by-${name}; sleep infinity`,
        annotations: { "sidecar.istio.io/inject": "false" },
      });
      if (refused === undefined) return (await appears(`written-by-${name}`)) ? "open" : "waits";
      expect(refused).toMatch(/writable|may mount no hostPath|violates PodSecurity/);
      return "refused";
    }),
  );
  return unanimous(Object.fromEntries(Object.keys(SPELLINGS).map((name, index) => [name, attempts[index] as Result])));
}

function unanimous(results: Record<string, Result>): Result {
  const different = new Set(Object.values(results));
  const [only] = different;
  if (different.size !== 1 || only === undefined) throw new Error(`not all the same: ${JSON.stringify(results)}`);
  return only;
}

/** Read-only, but of a path below the directory: the kubelet creates that path before it mounts it. */
async function subPathMount(): Promise<Result> {
  const { refused } = await createPod("sub-path", {
    volume: { hostPath: { path: SOCKET_DIR } },
    mount: { readOnly: true, subPath: "made-by-kubelet" },
    annotations: { "sidecar.istio.io/inject": "false" },
  });
  if (refused !== undefined) {
    expect(refused).toMatch(/subPath|violates PodSecurity/);
    return "refused";
  }
  return (await appears("made-by-kubelet")) ? "open" : "waits";
}

/**
 * Adds an ephemeral container to a pod that mounts the sidecar's volume writable at /mounted and runs `command`; what came
 * of the attempt.
 */
export async function addEphemeralContainer(name: string, command: string, restricted: boolean): Promise<Outcome> {
  const pod = JSON.parse(await shell(`kubectl -n probe get pod ${name} -o json`)) as {
    spec: { ephemeralContainers?: unknown[] };
  };
  pod.spec.ephemeralContainers = [
    {
      name: "debug",
      image: "lab.local/client:lab",
      imagePullPolicy: "Never",
      command: ["sh", "-c", command],
      volumeMounts: [{ name: "workload-socket", mountPath: "/mounted" }],
      securityContext: restricted ? RESTRICTED_CONTAINER : { runAsUser: 0 },
    },
  ];
  return tryShell(`kubectl replace --raw /api/v1/namespaces/probe/pods/${name}/ephemeralcontainers -f -`, {
    input: JSON.stringify(pod),
  });
}

async function ephemeralContainer(name: string, restricted: boolean): Promise<Result> {
  const attempt = await addEphemeralContainer(name, "touch /mounted/written-by-ephemeral; sleep 5", restricted);
  if (attempt.code !== 0) {
    expect(attempt.stderr).toMatch(/a container mounts (tbot's socket directory|a volume of the CSI driver)/);
    return "refused";
  }
  return (await appears("written-by-ephemeral")) ? "open" : "waits";
}

async function proxyRestarts(name: string): Promise<number> {
  const status = await shell(
    `kubectl -n probe get pod ${name} -o jsonpath='{.status.initContainerStatuses[?(@.name=="istio-proxy")].restartCount}'`,
  );
  return Number(status);
}

/** Kills a running pod's sidecar and waits until the kubelet has started it anew. */
async function restartedSidecar(issuers: Issuers, name: string): Promise<Result> {
  const directory = socketDirectory();
  const before = await proxyRestarts(name);
  await killContainer("probe", name, "istio-proxy");
  await until(`the sidecar of ${name} is started anew`, 60, async () => (await proxyRestarts(name)) > before);
  const result = await observe(issuers, name, directory);
  if (result === "open") await removeIntruder(name, directory);
  return result;
}

async function tbotPod(): Promise<Pod> {
  return onePod("teleport-system", "app.kubernetes.io/name=tbot");
}

/** Whether somebody answers on the node's socket. */
function socketAnswers(): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(SOCKET);
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", () => resolve(false));
  });
}

/** Where the cases take place. */
export interface Ground {
  readonly issuers: Issuers;
  /** Whether the namespace `probe` enforces the Pod Security level restricted. */
  readonly restricted: boolean;
  /** Values beside the user's, which choose the socket's mode. */
  readonly sets: readonly string[];
}

/** The state in which every case begins: the join token right, the directory as the chart makes it, tbot answering. */
export async function tbotIsWell(): Promise<void> {
  await letTbotRun();
  await until("tbot answers on its socket", 30, socketAnswers);
}

export async function letTbotRun(): Promise<void> {
  await shell("npx -p istio-teleport gen-token -f values.yaml | tctl create -f", { cwd: USER_DIR });
  chmodSync(SOCKET_DIR, 0o755);
  await selectNodes("any");
  // One that waits for its next restart would be waited for.
  await shell("kubectl -n teleport-system delete pods -l app.kubernetes.io/name=tbot");
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

export async function selectNodes(which: "any" | "none"): Promise<void> {
  const patch = { spec: { template: { spec: { nodeSelector: { lab: which === "any" ? null : "nowhere" } } } } };
  await shell(`kubectl -n teleport-system patch daemonset tbot --type merge -p '${JSON.stringify(patch)}'`);
}

/** Lets tbot run on no node. Its clean stop removes the socket. */
export async function stopTbot(): Promise<void> {
  await selectNodes("none");
  await until(
    "tbot is gone",
    60,
    async () => (await shell("kubectl -n teleport-system get pods -l app.kubernetes.io/name=tbot -o name")) === "",
  );
  expect(existsSync(SOCKET)).toBe(false);
}

/** Kills tbot with -9 while it cannot join again: the socket file stays, and nobody answers on it. */
async function crashTbot(): Promise<void> {
  const pod = await tbotPod();
  await shell("tctl rm token/istio-tbot-k8s-join");
  await killContainer("teleport-system", pod.metadata.name, "tbot");
  await until(
    "tbot has ended",
    30,
    async () => (await containerPids("teleport-system", pod.metadata.name, "tbot")).length === 0,
  );
  expect(statSync(SOCKET).isSocket()).toBe(true);
  expect(await socketAnswers()).toBe(false);
}

/** One column of the table, under its headings there. */
export async function measure(layers: Layers, { issuers, restricted, sets }: Ground): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  await tbotIsWell();
  for (const file of readdirSync(SOCKET_DIR))
    if (file !== "socket") rmSync(join(SOCKET_DIR, file), { recursive: true });

  // Pods that run already; the admission policy comes after them, as it does where a mesh is moved.
  await applyLayers({ ...layers, admission: false }, { sets });
  const running = ["running", "restarted", "debugged"];
  for (const name of running) expect(await createPod(name)).toEqual({});
  for (const name of running) {
    await until(`pod ${name} is Ready`, 90, async () => isReady(await onePod("probe", `app=${name}`)));
    expect(isOwn(name, await presentedBy(issuers, name))).toBe(true);
  }
  if (layers.admission) await applyLayers(layers, { sets });

  // While tbot is well.
  results["pod annotated `inject.istio.io/templates: sidecar`"] = await newPod(
    issuers,
    "annotated",
    { annotations: { "inject.istio.io/templates": "sidecar" } },
    /does not mount (tbot's socket directory|a volume of the CSI driver)/,
  );
  results["pod that mounts our directory writable, every spelling"] = await writableMounts();
  results["pod that mounts a `subPath` of it, read-only"] = await subPathMount();
  results["ephemeral container that mounts the sidecar's volume writable"] = await ephemeralContainer(
    "debugged",
    restricted,
  );
  await shell(`kubectl -n probe delete pods --ignore-not-found sub-path ${Object.keys(SPELLINGS).join(" ")}`);
  for (const file of readdirSync(SOCKET_DIR))
    if (file !== "socket") rmSync(join(SOCKET_DIR, file), { recursive: true });

  // Dead, with a stale socket file, in a directory in which everyone may write.
  await crashTbot();
  chmodSync(SOCKET_DIR, 0o777);
  results["tbot killed with -9 (stale socket file), new pod, directory writable"] = await newPod(issuers, "stale");
  await tbotIsWell();

  // Stopped, no socket file, directory as the chart makes it. A running pod may have had the intruder's certificate
  // meanwhile, until its proxy's next attempt to connect.
  await until("the running pod has its own SVID", 120, async () =>
    isOwn("running", await presentedBy(issuers, "running")),
  );
  await stopTbot();
  const [stopped, absent] = await Promise.all([observe(issuers, "running"), newPod(issuers, "absent")]);
  results["tbot stopped cleanly, running pod"] = stopped;
  results["tbot absent at pod start"] = absent;
  // Its agent keeps trying. It must not be the one that writes when everyone may.
  await shell("kubectl -n probe delete pod --ignore-not-found absent");

  // Stopped, and a directory in which everyone may write.
  chmodSync(SOCKET_DIR, 0o777);
  results["non-default `tbot.socket.file`, tbot absent, directory writable"] = await newPod(issuers, "non-default", {
    annotations: { "proxy.istio.io/config": '{"proxyMetadata":{"WORKLOAD_IDENTITY_SOCKET_FILE":"other.sock"}}' },
  });
  await shell("kubectl -n probe delete pod --ignore-not-found non-default");
  results["sidecar restarted while tbot is down, directory writable"] = await restartedSidecar(issuers, "restarted");
  results["tbot absent at pod start, directory writable"] = await newPod(issuers, "writable");
  return results;
}

/** Looks at all pods of namespace probe every two seconds until stopped; tells who presented a certificate of istiod's. */
export function watchForIstiod(issuers: Issuers): () => Promise<string[]> {
  const offenders = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const list = JSON.parse(await shell("kubectl -n probe get pods -o json")) as { items: Pod[] };
      for (const { metadata, status } of list.items) {
        if (status.podIP === undefined) continue;
        // A pod that is on its way out may not answer in time; what it presents is what counts.
        const presented = await issuers.presented(status.podIP, PORT).catch(() => undefined);
        if (presented?.valid && presented.issuer === "istiod") offenders.add(metadata.name);
      }
      await sleep(2000);
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    return [...offenders];
  };
}
