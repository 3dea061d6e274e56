import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { containerPids } from "./lib/containers.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./lib/installation.ts";
import { isReady, onePod } from "./lib/pods.ts";
import { shell, tryShell, until } from "./lib/shell.ts";

const TBOT = "-n teleport-system daemonset tbot";
const CONTAINER = "/spec/template/spec/containers/0";

/** Puts the DaemonSet and the RBAC back to what the chart says. */
async function restore(): Promise<void> {
  // Patches by hand are no change of the chart, which Helm would not see: delete what was patched and install it anew.
  await shell(
    "kubectl -n teleport-system delete daemonset tbot --ignore-not-found && kubectl delete clusterrole istio-teleport-tbot --ignore-not-found",
  );
  await shell(`helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml`, { cwd: USER_DIR });
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

async function patchTbot(patch: readonly unknown[]): Promise<void> {
  await shell(`kubectl patch ${TBOT} --type json -p '${JSON.stringify(patch)}'`);
}

/** Index of an entry of one of the container's or pod's lists, by name. */
async function indexOf(path: string, name: string): Promise<number> {
  const names = (await shell(`kubectl get ${TBOT} -o jsonpath='{${path}[*].name}'`)).split(" ");
  const index = names.indexOf(name);
  if (index === -1) throw new Error(`${name} is not in ${path}: ${names}`);
  return index;
}

async function removeMount(name: string): Promise<void> {
  const index = await indexOf(".spec.template.spec.containers[0].volumeMounts", name);
  await patchTbot([{ op: "remove", path: `${CONTAINER}/volumeMounts/${index}` }]);
}

/** What tbot says when it fails for want of something; the words are the kernel's, and no healthy tbot says them. */
async function untilTbotSays(words: string): Promise<void> {
  await until(`tbot says "${words}"`, 60, async () => (await tbotLogs()).includes(words));
}

/** Starts a meshed pod and says whether it became ready within 15 s (with tbot well it takes 4 s). */
async function meshedPodBecomesReady(name: string): Promise<boolean> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "privilege", labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: "app", image: "lab.local/client:lab", imagePullPolicy: "Never", command: ["sleep", "infinity"] },
      ],
    },
  };
  await shell("kubectl create -f -", { input: JSON.stringify(pod) });
  for (let second = 0; second < 15; second++) {
    await sleep(1000);
    if (isReady(await onePod("privilege", `app=${name}`))) return true;
  }
  return false;
}

async function tbotLogs(): Promise<string> {
  const current = await tryShell("kubectl -n teleport-system logs daemonset/tbot --tail=200");
  const previous = await tryShell("kubectl -n teleport-system logs daemonset/tbot --previous --tail=200");
  return current.stdout + previous.stdout;
}

beforeAll(async () => {
  await requireInstalled();
  await shell(
    "kubectl create namespace privilege --dry-run=client -o yaml | kubectl apply -f - && kubectl label namespace privilege istio-injection=enabled --overwrite",
  );
});

afterAll(async () => {
  await shell("kubectl delete namespace privilege --wait=false");
});

describe("tbot as the chart installs it", () => {
  it("has no capability and cannot gain one", async () => {
    const pod = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
    const [pid] = await containerPids("teleport-system", pod.metadata.name, "tbot");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(status).toMatch(new RegExp(`^${set}:\\s+0{16}$`, "m"));
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
  });

  it("attests: a meshed pod becomes ready", async () => {
    expect(await meshedPodBecomesReady("attested")).toBe(true);
  });

  it("has a root file system that it cannot write to", async () => {
    const pod = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
    const [pid] = await containerPids("teleport-system", pod.metadata.name, "tbot");
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    expect(mounts).toMatch(/ \/ \/ ro,/);
  });
});

describe("each right is needed: without it", () => {
  afterEach(restore);

  it("hostPID: callers have no PID that tbot can see, so no pod is attested", async () => {
    await patchTbot([{ op: "remove", path: "/spec/template/spec/hostPID" }]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    expect(await meshedPodBecomesReady("no-host-pid")).toBe(false);
  });

  it("the RBAC rule: the kubelet refuses its pod list", async () => {
    await shell(`kubectl patch clusterrole istio-teleport-tbot --type json -p '[{"op":"remove","path":"/rules/0"}]'`);
    // The kubelet remembers what the API server allowed for 5 minutes; a restarted tbot has a token that it has not seen.
    await shell("kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot");
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    expect(await meshedPodBecomesReady("no-rbac")).toBe(false);
    expect(await tbotLogs()).toContain("Failed to perform Kubernetes workload attestation");
  });

  it("its own ServiceAccount token: it has nothing to show the kubelet", async () => {
    await patchTbot([{ op: "add", path: "/spec/template/spec/automountServiceAccountToken", value: false }]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    expect(await meshedPodBecomesReady("no-token")).toBe(false);
    expect(await tbotLogs()).toContain("Failed to perform Kubernetes workload attestation");
  });

  it("the mount of tbot.yaml: tbot has no configuration and ends", async () => {
    await removeMount("config");
    await untilTbotSays("open /config/tbot.yaml: no such file or directory");
  });

  it("the mount of the join token: tbot cannot join", async () => {
    await removeMount("join-token");
    await untilTbotSays("open /var/run/secrets/tokens/join-token: no such file or directory");
  });

  it("the mount of the socket directory: tbot cannot listen", async () => {
    await removeMount("socket");
    await untilTbotSays("listen unix /run/spire/sockets/socket: bind: no such file or directory");
    expect(await meshedPodBecomesReady("no-socket")).toBe(false);
  });
});
