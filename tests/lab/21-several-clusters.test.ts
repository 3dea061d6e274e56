import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, isReady, livePods, onePod } from "./testkit/cluster/pods.ts";
import { type SecondCluster, startSecondCluster } from "./testkit/cluster/second-cluster.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctor } from "./testkit/doctor/doctor.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { askForSvids, type ClaimedWorkload, type Credential, joinByHand } from "./testkit/identity/auth-api.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { createTeleportResources, setFlags, tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";

/**
 * Two Kubernetes clusters of one Teleport. `prod` is the lab's own, with its mesh; `dev` is a second API server with keys of
 * its own, whose tbot is played by hand: it may claim anything, as one in a thief's hands does.
 */

const TOOL = "npx -p istio-teleport istio-teleport";
const ALLOWED = "global.teleport.workloadIdentity.allowedNamespaces";
/** The test app runs in prod alone, and so does `payments`, which is only claimed. */
const PROD = ["global.teleport.cluster=prod", `${ALLOWED}[0]=test-app`, `${ALLOWED}[1]=payments`];
const SIDECARS = "global.teleport.workloadIdentity.sidecarsOnly=true";
const DEV = ["global.teleport.cluster=dev", "testApp.enabled=false"];
const DEV_ALLOWED = [...DEV, `${ALLOWED}[0]=sandbox`];
/** Meshed, and not in prod's list. */
const OUTSIDE = "outside";

let dev: SecondCluster;
/** Results by the rows of the table in docs/operate/several-clusters.md. */
const seen: Record<string, string> = {};

const inDev = (line: string, input = "") => shell(`KUBECONFIG='${dev.kubeconfig}' ${line}`, { cwd: USER_DIR, input });

/** A token of tbot's ServiceAccount as the kubelet would project it: for Teleport, 10 minutes, bound to a pod. */
async function serviceAccountToken(pod: string, kubeconfig?: string): Promise<string> {
  const cluster = kubeconfig === undefined ? "" : `KUBECONFIG='${kubeconfig}' `;
  const bound = `--bound-object-kind Pod --bound-object-name ${pod}`;
  const line = `${cluster}kubectl -n teleport-system create token tbot --audience ${TELEPORT_CLUSTER_NAME} --duration 600s ${bound}`;
  return (await shell(line)).trim();
}

const prodToken = async () =>
  serviceAccountToken((await onePod("teleport-system", "app.kubernetes.io/name=tbot")).metadata.name);
const devToken = () => serviceAccountToken("tbot-dev", dev.kubeconfig);

/** Waits for a refusal or what was issued, in one text. */
async function outcome(attempt: () => Promise<{ spiffeId: string }[]>): Promise<string> {
  try {
    const issued = await attempt();
    return issued.length === 0 ? "nothing issued" : `issued ${issued.map(({ spiffeId }) => spiffeId).join(", ")}`;
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
}

const pays: ClaimedWorkload = { namespace: "payments", serviceAccount: "ledger", container: "istio-proxy" };
const plays: ClaimedWorkload = { namespace: "sandbox", serviceAccount: "web", container: "istio-proxy" };
const named = (cluster: string) => ({ name: `istio-workloads-${cluster}` });

async function createDevResources(sets: readonly string[]): Promise<void> {
  await createTeleportResources(sets);
  await inDev(`npx -p istio-teleport gen-token -f values.yaml ${setFlags(sets)} | tctl create -f`);
}

const teleportNames = async () => {
  const kinds = ["role", "bot", "workload_identity", "token"];
  const lists = await Promise.all(
    kinds.map(async (kind) => JSON.parse(await shell(`tctl get ${kind} --format json`)) as object[]),
  );
  return lists.flatMap((list, index) =>
    (list as { metadata: { name: string } }[]).map(({ metadata }) => `${kinds[index]}/${metadata.name}`),
  );
};

beforeAll(async () => {
  await requireInstalled();
  dev = await startSecondCluster("dev");
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "teleport-system" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "tbot", namespace: "teleport-system" } },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "tbot-dev", namespace: "teleport-system" },
      spec: { serviceAccountName: "tbot", containers: [{ name: "tbot", image: "lab.local/pause:lab" }] },
    },
  ];
  // One by one: a pod needs its ServiceAccount.
  for (const object of objects) await inDev("kubectl apply -f -", JSON.stringify(object));
});

afterAll(async () => {
  await createTeleportResources([]);
  await shell("npx -p istio-teleport gen-token -f values.yaml | tctl create -f", { cwd: USER_DIR });
  await upgrade([]);
  await tbotRolledOut();
  for (const cluster of ["prod", "dev"]) {
    for (const name of ["token/istio-tbot-k8s-join", "bot/istio-tbot", "role/istio-workload-identity-issuer"])
      await tryShell(`tctl rm ${name}-${cluster}`);
    await tryShell(`tctl rm workload_identity/istio-workloads-${cluster}`);
  }
  await deleteNamespace(OUTSIDE);
  await dev?.stop();
});

describe("prod, the lab's own mesh", () => {
  it("gets its name by new resources, then the chart: tbot joins with the new token, and the test app's calls pass", async () => {
    await createTeleportResources([...PROD, SIDECARS]);
    await shell(`npx -p istio-teleport gen-token -f values.yaml ${setFlags([...PROD, SIDECARS])} | tctl create -f`, {
      cwd: USER_DIR,
    });
    await upgrade([...PROD, SIDECARS]);
    await tbotRolledOut();
    const call = (client: string) =>
      shell(
        `kubectl -n test-app exec deploy/${client} -- curl -s -o /dev/null -w '%{http_code}' http://server/headers`,
      );
    // New pods, whose sidecars ask the new tbot: their containers are attested by name.
    await shell(
      "kubectl -n test-app rollout restart deployment && kubectl -n test-app rollout status deployment --timeout=120s",
    );
    await until("the test app answers", 60, async () => (await call("allowed-client")) === "200");
    expect(await call("other-client")).toBe("403");
    const issuers = await Issuers.read();
    const [server] = await livePods("test-app", "app.kubernetes.io/name=server");
    if (server === undefined) throw new Error("no server");
    expect(await issuers.presented(address(server), 8080)).toMatchObject({
      issuer: "teleport",
      spiffeId: `spiffe://${TELEPORT_CLUSTER_NAME}/ns/test-app/sa/server`,
      valid: true,
    });
  });

  it("is fine by doctor, which compares the token with the cluster's suffix", async () => {
    const token = await shell("tctl get token/istio-tbot-k8s-join-prod --format json");
    // Pods of before the restart may still be ending.
    await until("doctor has no complaint", 60, async () => {
      const report = await doctor(`--token-file - ${setFlags([...PROD, SIDECARS])}`, token);
      expect(complaintsOf(report)).toEqual([]);
      expect(report.checks.find(({ id }) => id === "join-token")).toMatchObject({
        status: "ok",
        examined: "token istio-tbot-k8s-join-prod",
      });
      return true;
    });
  });

  it("issues nothing in a namespace that is not in its list: the pod waits, and doctor says why", async () => {
    await createNamespace(OUTSIDE, { meshed: true });
    const container = { name: "app", image: "lab.local/pause:lab", imagePullPolicy: "Never" };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "waits", namespace: OUTSIDE },
      spec: { containers: [container] },
    };
    await shell("kubectl create -f -", { input: JSON.stringify(pod) });
    await until("doctor quotes the refusal", 60, async () => {
      const report = await doctor(`--only proxy-certificate ${setFlags([...PROD, SIDECARS])}`);
      expect(complaintsOf(report).join()).toContain("no matching rule found");
      return true;
    });
    expect(isReady(await onePod(OUTSIDE, ""))).toBe(false);
    await deleteNamespace(OUTSIDE);
  });
});

describe("what each bot is issued, and what it is refused", () => {
  let prodBot: Credential;
  let devBot: Credential;

  it("dev without allowedNamespaces: with its own identity it gets the principals of prod's workloads", async () => {
    await createDevResources(DEV);
    devBot = await joinByHand("istio-tbot-k8s-join-dev", await devToken());
    const row = "dev's bot, with no allowedNamespaces, asks istio-workloads-dev for payments";
    seen[row] = await outcome(() => askForSvids(devBot, named("dev"), pays));
    expect(seen[row]).toBe(`issued spiffe://${TELEPORT_CLUSTER_NAME}/ns/payments/sa/ledger`);
  });

  it("each with its own list", async () => {
    await createDevResources(DEV_ALLOWED);
    devBot = await joinByHand("istio-tbot-k8s-join-dev", await devToken());
    prodBot = await joinByHand("istio-tbot-k8s-join-prod", await prodToken());
    // The bot of the time before the lab's cluster had a name: its role's labels are a part of both clusters'.
    const oldBot = await joinByHand("istio-tbot-k8s-join", await prodToken());
    const byLabels = { labels: { "part-of": ["istio-teleport"] } };
    const ROWS: [string, () => Promise<{ spiffeId: string }[]>][] = [
      ["dev's bot asks istio-workloads-dev for sandbox", () => askForSvids(devBot, named("dev"), plays)],
      ["dev's bot asks istio-workloads-dev for payments", () => askForSvids(devBot, named("dev"), pays)],
      ["dev's bot asks istio-workloads-prod for payments", () => askForSvids(devBot, named("prod"), pays)],
      ["dev's bot asks istio-workloads-prod for sandbox", () => askForSvids(devBot, named("prod"), plays)],
      ["dev's bot asks all by the label part-of for payments", () => askForSvids(devBot, byLabels, pays)],
      ["prod's bot asks istio-workloads-prod for payments", () => askForSvids(prodBot, named("prod"), pays)],
      ["prod's bot asks istio-workloads-prod for sandbox", () => askForSvids(prodBot, named("prod"), plays)],
      ["prod's bot asks istio-workloads-dev for sandbox", () => askForSvids(prodBot, named("dev"), plays)],
      [
        "prod's bot, for the container app, asks istio-workloads-prod for payments",
        () => askForSvids(prodBot, named("prod"), { ...pays, container: "app" }),
      ],
      [
        "the bot without a cluster's name asks istio-workloads-prod for payments",
        () => askForSvids(oldBot, named("prod"), pays),
      ],
    ];
    for (const [row, attempt] of ROWS) seen[row] = await outcome(attempt);
    const denied = "refused: access to workload_identity denied. User does not have permissions.";
    const noRule = expect.stringMatching(/^refused: .*no matching rule found/s);
    expect(seen).toMatchObject({
      "dev's bot asks istio-workloads-dev for sandbox": `issued spiffe://${TELEPORT_CLUSTER_NAME}/ns/sandbox/sa/web`,
      "dev's bot asks istio-workloads-dev for payments": noRule,
      "dev's bot asks istio-workloads-prod for payments": denied,
      "dev's bot asks istio-workloads-prod for sandbox": denied,
      "dev's bot asks all by the label part-of for payments": "nothing issued",
      "prod's bot asks istio-workloads-prod for payments": `issued spiffe://${TELEPORT_CLUSTER_NAME}/ns/payments/sa/ledger`,
      "prod's bot asks istio-workloads-prod for sandbox": noRule,
      "prod's bot asks istio-workloads-dev for sandbox": denied,
      "prod's bot, for the container app, asks istio-workloads-prod for payments": noRule,
      "the bot without a cluster's name asks istio-workloads-prod for payments": noRule,
    });
  });

  it.each([
    ["dev's ServiceAccount token, prod's join token", "istio-tbot-k8s-join-prod", () => devToken()],
    ["prod's ServiceAccount token, dev's join token", "istio-tbot-k8s-join-dev", () => prodToken()],
  ])("%s: no join", async (row, joinToken, serviceAccount) => {
    const since = new Date();
    const idToken = await serviceAccount();
    seen[row] = await outcome(async () => {
      await joinByHand(joinToken, idToken);
      return [{ spiffeId: "a bot's credential" }];
    });
    // As go-jose says that a key is not there.
    expect(seen[row]).toBe("refused: go-jose/go-jose: unsupported key type/format");
    const failed = auditEvents(since).find(({ event, token_name }) => event === "bot.join" && token_name === joinToken);
    expect(failed).toMatchObject({ success: false, error: expect.stringContaining("validating jwt signature") });
  });

  it("is what docs/operate/several-clusters.md says", () => {
    process.stderr.write(`${JSON.stringify(seen, null, 2)}\n`);
    const table = markdownTable(join(REPOSITORY, "docs", "operate", "several-clusters.md"), "What each bot is issued");
    const documented = Object.entries(table).map(([who, row]) => [
      who.replaceAll("`", ""),
      (row["Teleport's answer"] ?? "").replaceAll("`", ""),
    ]);
    expect(documented).toHaveLength(Object.keys(seen).length);
    for (const [who = "", answer] of documented) expect(seen[who], who).toContain(answer);
  });

  it("cleanup of dev takes dev's resources; prod's stand, and prod is issued to", async () => {
    const before = await teleportNames();
    const own = before.filter((name) => name.endsWith("-dev"));
    expect(own).toHaveLength(4);
    // At dev with prod's values: prod's token holds no key of dev's.
    const wrong = await tryShell(
      `KUBECONFIG='${dev.kubeconfig}' ${TOOL} cleanup -f values.yaml ${setFlags([...PROD, SIDECARS])} --run-tctl --yes`,
      { cwd: USER_DIR },
    );
    expect(wrong.stderr).toContain("the token holds keys of another cluster and none of this one's");
    expect(await teleportNames()).toEqual(before);

    await inDev(`${TOOL} cleanup -f values.yaml ${setFlags(DEV_ALLOWED)} --run-tctl --yes`);
    expect(await teleportNames()).toEqual(before.filter((name) => !own.includes(name)));
    expect(await outcome(() => askForSvids(prodBot, named("prod"), pays))).toMatch(/^issued /);
    expect(await outcome(() => askForSvids(devBot, named("dev"), plays))).toMatch(/^refused: .*not found/);
    await expect(joinByHand("istio-tbot-k8s-join-dev", await devToken())).rejects.toThrow("token expired or not found");
    expect(await shell("helm status istio-teleport -n teleport-system -o json")).toContain('"deployed"');
  });

  it("the resources of before the cluster had a name can go: prod's stand, and prod is issued to", async () => {
    await shell(shellBlock("docs/operate/several-clusters.md#old-names"));
    const left = (await teleportNames()).filter((name) => name.includes("istio"));
    expect(left).toHaveLength(4);
    for (const name of left) expect(name).toMatch(/-prod$/);
    expect(await outcome(() => askForSvids(prodBot, named("prod"), pays))).toMatch(/^issued /);
  });
});
