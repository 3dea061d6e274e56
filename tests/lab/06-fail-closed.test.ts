import { chmodSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/addresses.ts";
import { containerPids, killContainer } from "./lib/containers.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./lib/installation.ts";
import { Issuers } from "./lib/issuers.ts";
import { applyLayers, type Layers } from "./lib/layers.ts";
import { markdownTable } from "./lib/markdown-table.ts";
import { isReady, onePod, type Pod } from "./lib/pods.ts";
import { shell, tryShell, until } from "./lib/shell.ts";

const SOCKET_DIR = "/run/spire/sockets";
const PORT = 8080;
/** How long a pod gets to go wrong: with a willing issuer it is ready in 4 s. */
const OBSERVE_MS = 15_000;
const DOC = join(REPOSITORY, "docs", "security.md");

/**
 * What became of a case:
 * - refused: admission refused the pod;
 * - waits: the pod exists, is not Ready and presents no certificate that a peer would accept;
 * - Teleport: it presents a valid SVID of Teleport's;
 * - open: it presents a valid certificate of istiod's CA, or something wrote into the node's socket directory.
 */
type Result = "refused" | "waits" | "Teleport" | "open";

const COLUMNS: Record<string, Layers> = {
  none: { pod: false, istiod: false, admission: false },
  "a: pod": { pod: true, istiod: false, admission: false },
  "b: istiod": { pod: false, istiod: true, admission: false },
  "c: admission": { pod: false, istiod: false, admission: true },
  all: { pod: true, istiod: true, admission: true },
};

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

let issuers: Issuers;

beforeAll(async () => {
  await requireInstalled();
  issuers = await Issuers.read();
  await shell(
    "kubectl create namespace probe --dry-run=client -o yaml | kubectl apply -f - && kubectl label namespace probe istio-injection=enabled --overwrite",
  );
});

afterAll(async () => {
  await startTbot();
  chmodSync(SOCKET_DIR, 0o755);
  await applyLayers(COLUMNS.all as Layers);
  await shell("kubectl delete namespace probe --wait=false");
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
});

interface PodOptions {
  readonly annotations?: Record<string, string>;
  /** A host path that the application container mounts writable at /host and writes a file into. */
  readonly hostPath?: string;
}

/** Creates a pod in namespace probe; "refused" if admission refuses it. */
async function createPod(
  name: string,
  { annotations = {}, hostPath }: PodOptions = {},
): Promise<"created" | "refused"> {
  // Root, as whoever may create pods may be: the directory's owner and mode shall not be what saves us.
  const mounts =
    hostPath === undefined
      ? {}
      : { volumeMounts: [{ name: "host", mountPath: "/host" }], securityContext: { runAsUser: 0 } };
  const volumes = hostPath === undefined ? {} : { volumes: [{ name: "host", hostPath: { path: hostPath } }] };
  // The parent directory needs the rest of the path; the others have it in the volume.
  const below = hostPath === "/run/spire" ? "/host/sockets" : "/host";
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "probe", labels: { app: name }, annotations },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "app",
          image: "lab.local/client:lab",
          imagePullPolicy: "Never",
          command: [
            "sh",
            "-c",
            hostPath === undefined ? "sleep infinity" : `touch ${below}/written-by-${name}; sleep infinity`,
          ],
          ...mounts,
        },
      ],
      ...volumes,
    },
  };
  const attempt = await tryShell("kubectl create -f -", { input: JSON.stringify(pod) });
  if (attempt.code === 0) return "created";
  if (attempt.stderr.includes("ValidatingAdmissionPolicy 'istio-teleport-workload-identity'")) return "refused";
  throw new Error(attempt.stderr);
}

/** What a pod presents after it had its time. */
async function observe(name: string): Promise<Result> {
  const pod = await onePod("probe", `app=${name}`);
  const presented = pod.status.podIP === undefined ? undefined : await issuers.presented(pod.status.podIP, PORT);
  if (presented?.valid && presented.issuer === "istiod") return "open";
  if (presented?.valid && presented.issuer === "teleport") return "Teleport";
  if (isReady(pod)) throw new Error(`pod ${name} is Ready without a usable certificate`);
  return "waits";
}

async function createAndObserve(name: string, options: PodOptions = {}): Promise<Result> {
  if ((await createPod(name, options)) === "refused") return "refused";
  await sleep(OBSERVE_MS);
  return observe(name);
}

async function tbotPod(): Promise<Pod> {
  return onePod("teleport-system", "app.kubernetes.io/name=tbot");
}

/** Lets tbot run on no node. Its clean stop removes the socket. */
async function stopTbot(): Promise<void> {
  await shell(
    `kubectl -n teleport-system patch daemonset tbot --type merge -p '{"spec":{"template":{"spec":{"nodeSelector":{"lab":"nowhere"}}}}}'`,
  );
  await until(
    "tbot is gone",
    60,
    async () => (await shell("kubectl -n teleport-system get pods -l app.kubernetes.io/name=tbot -o name")) === "",
  );
}

async function startTbot(): Promise<void> {
  await shell(
    `kubectl -n teleport-system patch daemonset tbot --type merge -p '{"spec":{"template":{"spec":{"nodeSelector":null}}}}'`,
  );
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

/** Kills tbot with -9 while it cannot join again: the socket file stays, and nobody answers on it. */
async function crashTbot(): Promise<void> {
  const pod = await tbotPod();
  await shell("tctl rm token/istio-tbot-k8s-join");
  await killContainer("teleport-system", pod.metadata.name, "tbot");
  await until(
    "tbot has ended and left its socket file",
    30,
    async () => (await containerPids("teleport-system", pod.metadata.name, "tbot")).length === 0,
  );
  expect(statSync(join(SOCKET_DIR, "socket")).isSocket()).toBe(true);
}

async function restoreToken(): Promise<void> {
  await shell("npx -p istio-teleport gen-token -f values.yaml | tctl create -f", { cwd: USER_DIR });
}

/** One column of the table. */
async function measure(layers: Layers): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  await applyLayers(layers);
  await shell("kubectl -n probe delete pods --all --grace-period=0 --force");
  await startTbot();
  chmodSync(SOCKET_DIR, 0o755);

  // While tbot is well.
  const old = ["old-stop", "old-restart"];
  const created = await Promise.all(old.map((name) => createPod(name)));
  results["pod annotated `inject.istio.io/templates: sidecar`"] = await createAndObserve("annotated", {
    annotations: { "inject.istio.io/templates": "sidecar" },
  });
  const spelled = await Promise.all(
    Object.entries(SPELLINGS).map(async ([name, hostPath]) =>
      // Without a sidecar: the rule holds for the namespace, not only for meshed pods.
      createPod(name, { hostPath, annotations: { "sidecar.istio.io/inject": "false" } }),
    ),
  );
  await sleep(5000);
  results["pod that mounts our directory writable, every spelling"] = await writable(spelled);
  if (created[0] === "created") {
    for (const name of old)
      await until(`pod ${name} is Ready`, 60, async () => isReady(await onePod("probe", `app=${name}`)));
    results["ephemeral container that mounts the sidecar's volume writable"] = await ephemeral("old-stop");
  } else {
    results["ephemeral container that mounts the sidecar's volume writable"] = "refused";
  }
  for (const file of readdirSync(SOCKET_DIR))
    if (file !== "socket") rmSync(join(SOCKET_DIR, file), { recursive: true });

  // Dead, with a stale socket file.
  await crashTbot();
  results["tbot killed with -9 (stale socket file), new pod"] = await createAndObserve("stale");
  await restoreToken();

  // Stopped, no socket file, directory as we make it.
  await stopTbot();
  rmSync(join(SOCKET_DIR, "socket"), { force: true });
  if (created[1] === "created") await killContainer("probe", "old-restart", "istio-proxy");
  results["tbot absent at pod start"] = await createAndObserve("absent");
  results["tbot stopped cleanly, running pod"] = created[0] === "created" ? await observe("old-stop") : "refused";
  results["sidecar restarted while tbot is down"] = created[1] === "created" ? await observe("old-restart") : "refused";

  // Stopped, and a directory in which everyone may write.
  chmodSync(SOCKET_DIR, 0o777);
  const nonDefault = await createPod("non-default", {
    annotations: { "proxy.istio.io/config": '{"proxyMetadata":{"WORKLOAD_IDENTITY_SOCKET_FILE":"other.sock"}}' },
  });
  results["host directory writable for everyone, tbot absent"] = await createAndObserve("writable");
  results["non-default `tbot.socket.file`, tbot absent, directory writable"] =
    nonDefault === "refused" ? "refused" : await observe("non-default");
  chmodSync(SOCKET_DIR, 0o755);
  return results;
}

async function writable(attempts: ("created" | "refused")[]): Promise<Result> {
  if (attempts.every((attempt) => attempt === "refused")) return "refused";
  const written = readdirSync(SOCKET_DIR).filter((file) => file.startsWith("written-by-"));
  return written.length > 0 ? "open" : "waits";
}

async function ephemeral(name: string): Promise<Result> {
  const pod = JSON.parse(await shell(`kubectl -n probe get pod ${name} -o json`)) as {
    spec: { ephemeralContainers?: unknown[] };
  };
  pod.spec.ephemeralContainers = [
    {
      name: "debug",
      image: "lab.local/client:lab",
      imagePullPolicy: "Never",
      command: ["sh", "-c", "touch /mounted/written-by-ephemeral; sleep 5"],
      volumeMounts: [{ name: "workload-socket", mountPath: "/mounted" }],
      securityContext: { runAsUser: 0 },
    },
  ];
  const attempt = await tryShell(
    `kubectl replace --raw /api/v1/namespaces/probe/pods/${name}/ephemeralcontainers -f -`,
    { input: JSON.stringify(pod) },
  );
  if (attempt.code !== 0) {
    expect(attempt.stderr).toContain("a container mounts tbot's socket directory");
    return "refused";
  }
  await sleep(5000);
  return existsSync(join(SOCKET_DIR, "written-by-ephemeral")) ? "open" : "waits";
}

describe("layer × case, as docs/security.md has it", () => {
  const documented = markdownTable(DOC, "What each layer stops");

  for (const [column, layers] of Object.entries(COLUMNS)) {
    it(`${column}`, async () => {
      const results = await measure(layers);
      for (const [row, result] of Object.entries(results)) process.stderr.write(`${column} | ${row} | ${result}\n`);
      const expected = Object.fromEntries(
        Object.entries(documented).map(([row, cells]) => [row, cells[column]?.replaceAll("*", "")]),
      );
      expect(results).toEqual(expected);
      if (column === "all") expect(Object.values(results)).not.toContain("open");
    }, 600_000);
  }

  it("with all layers on, everything heals without a hand when tbot is back", async () => {
    const start = Date.now();
    await startTbot();
    for (const name of ["old-stop", "old-restart", "stale", "absent", "writable"]) {
      await until(`pod ${name} is Ready with an SVID of Teleport's`, 180, async () => {
        const pod = await onePod("probe", `app=${name}`);
        const presented = pod.status.podIP === undefined ? undefined : await issuers.presented(pod.status.podIP, PORT);
        return (
          isReady(pod) &&
          presented?.issuer === "teleport" &&
          presented.spiffeId === `spiffe://${TELEPORT_CLUSTER_NAME}/ns/probe/sa/default`
        );
      });
    }
    process.stderr.write(`healed ${Math.round((Date.now() - start) / 1000)} s after tbot was let back\n`);
  });
});

describe("a non-default tbot.socket.file, all layers on", () => {
  it("serves, and the agent exits rather than waits while tbot is absent", async () => {
    await shell("kubectl -n probe delete pods --all --grace-period=0 --force");
    const all = COLUMNS.all as Layers;
    await applyLayers(all, ["tbot.socket.file=workload.sock"]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    expect(await createAndObserve("served")).toBe("Teleport");
    await stopTbot();
    expect(await createAndObserve("unserved")).toBe("waits");
    const log = (
      await tryShell(
        "kubectl -n probe logs unserved -c istio-proxy --previous || kubectl -n probe logs unserved -c istio-proxy",
      )
    ).stdout;
    expect(log).toContain("agent configured for non-default SDS socket path");
    expect(readdirSync(SOCKET_DIR).filter((file) => file.endsWith(".sock"))).toEqual([]);
    await startTbot();
    await until("the waiting pod heals", 120, async () => isReady(await onePod("probe", "app=unserved")));
  });
});
