import type { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { containerPids } from "./testkit/cluster/containers.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, isReady, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { forge, steal } from "./testkit/identity/thief.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";

const TBOT = "-n teleport-system daemonset tbot";
const CONTAINER = "/spec/template/spec/containers/0";
/** A port of the pods, where a sidecar that has a certificate presents it. */
const PORT = 8080;
/** Where Kubernetes mounts a pod's ServiceAccount. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** How long a pod gets to go wrong: with tbot well it is ready in 4 s. */
const OBSERVE_MS = 10_000;
/** Seconds within which a pod must become ready where nothing hinders it, on a busy machine too. */
const READY_SECONDS = 90;

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

/** Waits until tbot's log has words that no healthy tbot logs. */
async function untilTbotSays(words: string): Promise<void> {
  await until(`tbot says "${words}"`, 60, async () => (await tbotLogs()).includes(words));
}

async function createMeshedPod(name: string): Promise<void> {
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
}

/** HTTP status of the kubelet's answer to tbot's ServiceAccount, with a token that the kubelet has not seen before. */
async function kubeletAnswersTbot(): Promise<string> {
  const token = (await shell("kubectl -n teleport-system create token tbot")).trim();
  const node = (await shell("kubectl get nodes -o jsonpath='{.items[0].status.addresses[0].address}'")).trim();
  return shell(
    `curl -sk -o /dev/null -w '%{http_code}' --max-time 20 -H 'Authorization: Bearer ${token}' https://${node}:10250/pods`,
  );
}

async function tbotLogs(): Promise<string> {
  const current = await tryShell("kubectl -n teleport-system logs daemonset/tbot --tail=200");
  const previous = await tryShell("kubectl -n teleport-system logs daemonset/tbot --previous --tail=200");
  return current.stdout + previous.stdout;
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace("privilege", { meshed: true });
});

afterAll(() => deleteNamespace("privilege"));

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
    await createMeshedPod("attested");
    await untilReady("privilege", "app=attested", READY_SECONDS);
  });

  it("has a root file system that it cannot write to", async () => {
    const pod = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
    const [pid] = await containerPids("teleport-system", pod.metadata.name, "tbot");
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    expect(mounts).toMatch(/ \/ \/ ro,/);
  });
});

describe("a thief of the bot's credential, out of tbot's memory", () => {
  const BOT = "istio-tbot";
  /** Nobody's in this cluster: Teleport takes a bot's word for what it attested. */
  const VICTIM = { namespace: "payments", name: "ledger" };
  const hours = (until: Date) => (until.getTime() - Date.now()) / 3_600_000;

  async function putRole(change: (role: { spec: { options?: unknown } }) => void): Promise<void> {
    const role = parse(await shell("tctl get role/istio-workload-identity-issuer"));
    change(role);
    await shell("tctl create -f", { input: stringify(role) });
  }

  it("gets a working credential of an hour, and of a day where the role sets no limit", async () => {
    const limited = await steal(BOT, "48h");
    expect(hours(limited.expires)).toBeLessThanOrEqual(1);
    const { spec } = parse(await shell("tctl get role/istio-workload-identity-issuer"));
    await putRole((role) => {
      delete role.spec.options;
    });
    try {
      expect(hours((await steal(BOT, "48h")).expires)).toBeGreaterThan(23);
    } finally {
      await putRole((role) => {
        role.spec.options = spec.options;
      });
    }
    expect(hours((await steal(BOT, "48h")).expires)).toBeLessThanOrEqual(1);
  });

  it("forges any workload's SVID with it, until the bot is locked; then tbot itself is refused, too", async () => {
    const stolen = await steal(BOT, "48h");
    const [forged] = await forge(stolen, VICTIM);
    expect(forged?.spiffeId).toBe("spiffe://lab.teleport.example/ns/payments/sa/ledger");
    expect((await Issuers.read()).identityOf(forged?.certificate as X509Certificate)).toMatchObject({
      issuer: "teleport",
      valid: true,
    });

    const locked = await shell(shellBlock("docs/explain/security.md#lock-bot"));
    const [lock] = /(?<=")[0-9a-f-]{36}(?=")/.exec(locked) ?? [];
    expect(lock).toBeDefined();
    try {
      const words = /lock targeting User:"bot-istio-tbot" is in force: stolen/;
      await expect(forge(stolen, VICTIM)).rejects.toThrow(words);
      await expect(steal(BOT, "1m")).rejects.toThrow(words);
      await createMeshedPod("while-locked");
      await until("the sidecar says why it has no certificate", 60, async () => {
        const { stdout } = await tryShell("kubectl -n privilege logs while-locked -c istio-proxy");
        return words.test(stdout.replaceAll("\\", ""));
      });
    } finally {
      await shell(`tctl rm lock/${lock}`);
    }
    await untilReady("privilege", "app=while-locked", READY_SECONDS);
    await shell("kubectl -n privilege delete pod while-locked --wait");
  });

  it("who locks tbot's instance and deletes its pod lets tbot go on as another instance", async () => {
    const instance = () =>
      auditEvents()
        .filter(({ event, success }) => event === "bot.join" && success)
        .at(-1)?.bot_instance_id ?? "";
    const before = instance();
    const pod = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
    const block = shellBlock("docs/explain/security.md#lock-instance");
    await shell(block.replace("INSTANCE", before).replace("POD", pod.metadata.name));
    try {
      await untilReady("teleport-system", "app.kubernetes.io/name=tbot", READY_SECONDS);
      expect(instance()).not.toBe(before);
      await createMeshedPod("after-lock");
      await untilReady("privilege", "app=after-lock", READY_SECONDS);
    } finally {
      await shell("tctl rm lock/stolen-tbot; kubectl -n privilege delete pod after-lock --ignore-not-found --wait");
    }
  });
});

describe("each right is needed: without it", () => {
  let waiting: string | undefined;

  /** Starts a meshed pod, and waits for tbot's own account of what it lacks; the pod stays without an SVID. */
  async function expectPodToWait(name: string, tbotSays: string): Promise<void> {
    const from = new Date();
    await createMeshedPod(name);
    waiting = name;
    await untilTbotSays(tbotSays);
    await sleep(OBSERVE_MS);
    const pod = await onePod("privilege", `app=${name}`);
    expect(isReady(pod)).toBe(false);
    expect(await (await Issuers.read()).presented(address(pod), PORT)).toBeUndefined();
    const issued = auditEvents(from).filter((event) => event.event === "spiffe.svid.issued");
    expect(issued.filter((event) => event.spiffe_id?.includes("/ns/privilege/"))).toEqual([]);
  }

  // That the same pod becomes ready with nothing changed but the right is what shows that the right was what it lacked.
  afterEach(async () => {
    const pod = waiting;
    waiting = undefined;
    await restore();
    if (pod === undefined) return;
    await untilReady("privilege", `app=${pod}`, READY_SECONDS);
    await shell(`kubectl -n privilege delete pod ${pod} --wait`);
  });

  it("hostPID: callers have no PID that tbot can see, so no pod is attested", async () => {
    await patchTbot([
      { op: "remove", path: "/spec/template/spec/hostPID" },
      // tbot tells of a caller without a PID at this level only.
      { op: "add", path: `${CONTAINER}/args/-`, value: "--debug" },
    ]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    await expectPodToWait("no-host-pid", "Failed to determine the PID of the calling workload");
  });

  it("the RBAC rule: the kubelet refuses its pod list", async () => {
    expect(await kubeletAnswersTbot()).toBe("200");
    await shell(`kubectl patch clusterrole istio-teleport-tbot --type json -p '[{"op":"remove","path":"/rules/0"}]'`);
    await until("the kubelet refuses tbot's ServiceAccount", 30, async () => (await kubeletAnswersTbot()) === "403");
    // The kubelet remembers what the API server allowed for 5 minutes; a restarted tbot has a token that it has not seen.
    await shell("kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot");
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    // tbot does not look at the status code: it takes the kubelet's "Forbidden (...)" for JSON.
    await expectPodToWait("no-rbac", "invalid character 'F' looking for beginning of value");
  });

  it("the mount of its ServiceAccount: it cannot verify the kubelet", async () => {
    await patchTbot([{ op: "add", path: "/spec/template/spec/automountServiceAccountToken", value: false }]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    await expectPodToWait("no-account", `open ${ACCOUNT}/ca.crt: no such file or directory`);
  });

  it("the token in that mount: it has nothing to show the kubelet", async () => {
    const ca = { name: "ca", configMap: { name: "kube-root-ca.crt" } };
    await patchTbot([
      { op: "add", path: "/spec/template/spec/automountServiceAccountToken", value: false },
      { op: "add", path: "/spec/template/spec/volumes/-", value: ca },
      { op: "add", path: `${CONTAINER}/volumeMounts/-`, value: { name: "ca", mountPath: ACCOUNT } },
    ]);
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    await expectPodToWait("no-token", `open ${ACCOUNT}/token: no such file or directory`);
  });

  for (const { mount, loss, says } of [
    {
      mount: "config",
      loss: "the mount of tbot.yaml: tbot has no configuration and ends",
      says: "open /config/tbot.yaml: no such file or directory",
    },
    {
      mount: "join-token",
      loss: "the mount of the join token: tbot cannot join",
      says: "open /var/run/secrets/tokens/join-token: no such file or directory",
    },
    {
      mount: "socket",
      loss: "the mount of the socket directory: tbot cannot listen",
      says: "listen unix /run/spire/sockets/socket: bind: no such file or directory",
    },
  ]) {
    it(loss, async () => {
      await removeMount(mount);
      // Such a tbot is never rolled out; what it says shows that the one before it is gone and cannot serve the pod.
      await untilTbotSays(says);
      await expectPodToWait(`no-${mount}`, says);
    });
  }
});
