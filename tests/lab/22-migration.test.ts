import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { istioCharts } from "../../lab/build/toolbox.ts";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, onePod } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctor } from "./testkit/doctor/doctor.ts";
import { type Issuer, Issuers } from "./testkit/identity/issuers.ts";
import { SPIRE_SOCKETS, type Spire, startSpire } from "./testkit/identity/spire.ts";
import { certificateOnTheWire } from "./testkit/identity/wire.ts";
import { ISTIO_LAB_VALUES, requireInstalled } from "./testkit/installation/installation.ts";
import { istiodAnswers } from "./testkit/installation/layers.ts";
import { upgrade, upgradeIstiod } from "./testkit/installation/releases.ts";
import { runDocumented } from "./testkit/installation/run-documented.ts";
import { editUserFiles, type Scope, type UserFiles } from "./testkit/migration/scope.ts";
import { CLIENTS, deployWorkloads, MOVING, SERVERS, TEST_APP_NAMESPACE } from "./testkit/migration/workloads.ts";
import { SOAK } from "./testkit/run/soak.ts";
import { SPIRE } from "./testkit/run/spire.ts";
import { exposeFailures, type LoadResult, loadWhile, lost, repeatNothing } from "./testkit/traffic/load.ts";

/** Requests per second, from each of the client's pods. */
const RATE = 30;
const PORT = 8080;
const LONG = { timeout: 300_000 };
/** What the user adds to istiod's values: the trust domain that the mesh had so far stays valid. */
const ALIAS = { meshConfig: { trustDomainAliases: ["cluster.local"] } };

let files: UserFiles;

const plaintext = (heading: "before" | "after") =>
  runDocumented("operate/leaving", `Plaintext meanwhile: ${heading}`, { NAMESPACE: SERVERS });
const step = (heading: string, names: Record<string, string> = {}) =>
  runDocumented("operate/migration", heading, names);
const restart = (namespace: string) => step("Restart the namespace", { NAMESPACE: namespace });

async function applyScope(scope: Scope): Promise<void> {
  files.setScope(scope);
  await step("Apply the scope");
  await istiodAnswers();
}

/** As docs/operate/migration.md says of the way back: the chart first, so that admission refuses nobody. */
async function takeBack(scope: Scope): Promise<void> {
  files.setScope(scope);
  await upgrade([]);
  await step("Apply the scope");
  await istiodAnswers();
  await Promise.all([restart(CLIENTS), restart(SERVERS)]);
  await expectIssuers("istiod", "istiod");
}

/** istiod as it was before anybody thought of Teleport: of its own CA and of Istio's default trust domain. */
async function istiodOfOld(): Promise<void> {
  const chart = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  await shell(`helm upgrade istiod '${chart}' -n istio-system -f '${ISTIO_LAB_VALUES}' --wait`);
  await istiodAnswers();
}

/** Measures, and prints what it cost. */
async function underLoad(what: string, happens: () => Promise<void>): Promise<LoadResult> {
  const result = await loadWhile(RATE, MOVING, happens);
  process.stderr.write(`${what}: ${lost(result)}\n`);
  return result;
}

/** Waits until the client and the server present certificates of these issuers. */
async function expectIssuers(client: Issuer | "spire", server: Issuer | "spire", spire?: Spire): Promise<void> {
  const issuers = await Issuers.read();
  const presented = async (namespace: string) => {
    const certificate = await certificateOnTheWire(address(await onePod(namespace, "")), PORT);
    if (certificate === undefined) return undefined;
    return spire !== undefined && certificate.verify(spire.root.publicKey)
      ? "spire"
      : issuers.identityOf(certificate).issuer;
  };
  await until(`the client has a certificate of ${client}, the server one of ${server}`, 60, async () => {
    expect([await presented(CLIENTS), await presented(SERVERS)]).toEqual([client, server]);
    return true;
  });
}

/** What becomes of a new pod that mounts the node's logs: admitted, or why not. */
async function withHostPath(namespace: string, annotations: Record<string, string> = {}): Promise<string> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "logs", namespace, annotations },
    spec: {
      containers: [{ name: "app", image: "lab.local/client:lab" }],
      volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
    },
  };
  const { code, stderr } = await tryShell("kubectl create -f - --dry-run=server", { input: JSON.stringify(pod) });
  return code === 0 ? "admitted" : stderr;
}

async function outOfScope(): Promise<string> {
  const { checks } = await doctor();
  return checks.find(({ id }) => id === "proxy-mount")?.examined ?? "";
}

beforeAll(async () => {
  await requireInstalled();
  files = editUserFiles();
  files.setIstiodValues(ALIAS);
  files.setScope({ namespaces: [TEST_APP_NAMESPACE] });
  await upgrade([]);
  await istiodOfOld();
  for (const namespace of [CLIENTS, SERVERS]) await createNamespace(namespace, { meshed: true });
  await deployWorkloads();
  await repeatNothing(MOVING);
  await expectIssuers("istiod", "istiod");
});

afterAll(async () => {
  files?.restore();
  await shell("istioctl tag remove production -y; helm uninstall istiod-teleport -n istio-system --ignore-not-found");
  await upgradeIstiod();
  await upgrade([]);
  for (const namespace of [CLIENTS, SERVERS]) await deleteNamespace(namespace);
  await shell(
    `kubectl -n ${TEST_APP_NAMESPACE} rollout restart deployment && kubectl -n ${TEST_APP_NAMESPACE} rollout status deployment --timeout=120s`,
  );
});

describe("from istiod's CA, namespace by namespace", () => {
  it("istiod gets its new trust domain, with the old one as an alias: no request is lost", LONG, async () => {
    const { failed } = await underLoad("new trust domain with an alias", () =>
      applyScope({ namespaces: [TEST_APP_NAMESPACE] }),
    );
    await expectIssuers("istiod", "istiod");
    expect(failed).toEqual([]);
  });

  if (SOAK) {
    it("without that alias, pods that no restart has reached refuse each other", LONG, async () => {
      await istiodOfOld();
      await exposeFailures(MOVING);
      files.setIstiodValues({});
      const { failed } = await underLoad("new trust domain without an alias", () =>
        applyScope({ namespaces: [TEST_APP_NAMESPACE] }),
      );
      expect(failed.length).toBeGreaterThan(0);
      files.setIstiodValues(ALIAS);
      await applyScope({ namespaces: [TEST_APP_NAMESPACE] });
      await repeatNothing(MOVING);
    });
  }

  it("in plaintext meanwhile: no request is lost", LONG, async () => {
    const { failed } = await underLoad("namespace by namespace, in plaintext", async () => {
      await plaintext("before");
      await applyScope({ namespaces: [TEST_APP_NAMESPACE, SERVERS] });
      await restart(SERVERS);
      await expectIssuers("istiod", "teleport");
      expect(await withHostPath(SERVERS)).toContain("a meshed pod may mount no hostPath but");
      expect(await withHostPath(CLIENTS)).toBe("admitted");
      expect(await outOfScope()).toMatch(/; 1 meshed pod out of scope$/);
      await applyScope({ namespaces: [TEST_APP_NAMESPACE, SERVERS, CLIENTS] });
      await restart(CLIENTS);
      await expectIssuers("teleport", "teleport");
      await plaintext("after");
    });
    expect(failed).toEqual([]);
    // Layer b is still off, and that is all that doctor has to say.
    await until("doctor is content", 60, async () => {
      const complaints = complaintsOf(await doctor());
      expect(complaints.filter((complaint) => !complaint.startsWith("warning istiod-ca:"))).toEqual([]);
      return true;
    });
  });

  if (SOAK) {
    it("without plaintext, both namespaces at once: calls between pods of both kinds are lost", LONG, async () => {
      await takeBack({ namespaces: [TEST_APP_NAMESPACE] });
      await exposeFailures(MOVING);
      await underLoad("cut-over of both namespaces", async () => {
        await applyScope({ namespaces: [TEST_APP_NAMESPACE, SERVERS, CLIENTS] });
        await Promise.all([restart(CLIENTS), restart(SERVERS)]);
      });
      // How many are lost is printed only: as many as fall between the first new pod's readiness and the last old one's end.
      await expectIssuers("teleport", "teleport");
      const after = await underLoad("after the cut-over", async () => {});
      expect(after.failed).toEqual([]);
      await repeatNothing(MOVING);
    });
  }
});

const move = (namespace: string, workload: string) =>
  step("Move one workload", { NAMESPACE: namespace, WORKLOAD: workload });

/** Lets a workload choose its injection templates, or have the mesh's default ones again; waits for its new pod. */
async function chooseTemplates(namespace: string, workload: string, templates: string | null): Promise<void> {
  const template = { metadata: { annotations: { "inject.istio.io/templates": templates } } };
  const patch = JSON.stringify({ spec: { template } });
  await shell(`kubectl -n ${namespace} patch deployment ${workload} -p '${patch}'`);
  await restart(namespace);
}

describe("from istiod's CA, workload by workload", () => {
  it("in plaintext meanwhile: no request is lost", LONG, async () => {
    await takeBack("pod");
    const { failed } = await underLoad("workload by workload, in plaintext", async () => {
      await plaintext("before");
      await move(SERVERS, "server");
      await expectIssuers("istiod", "teleport");
      await move(CLIENTS, "client");
      await expectIssuers("teleport", "teleport");
      await plaintext("after");
    });
    expect(failed).toEqual([]);
    expect(await outOfScope()).toMatch(
      /^2 sidecars of pods that name the template teleport; 0 meshed pods out of scope$/,
    );
  });

  it("a pod that names the template may mount no other hostPath; others may", async () => {
    const named = await withHostPath(CLIENTS, { "inject.istio.io/templates": "teleport,sidecar" });
    expect(named).toContain("a meshed pod may mount no hostPath but");
    expect(await withHostPath(CLIENTS)).toBe("admitted");
  });
});

describe("a second istiod of the revision teleport", () => {
  it("serves the namespaces that move, by revision and by tag: no request is lost", LONG, async () => {
    // Nobody is in scope, and nobody names a template that the first istiod will not have.
    files.setScope({ namespaces: ["nobody"] });
    await upgrade([]);
    await istiodOfOld();
    await chooseTemplates(CLIENTS, "client", null);
    await chooseTemplates(SERVERS, "server", null);
    await expectIssuers("istiod", "istiod");
    files.setScope({ namespaces: [SERVERS, CLIENTS] });
    const { failed } = await underLoad("second istiod, in plaintext", async () => {
      await plaintext("before");
      await step("A second istiod");
      await step("Move a namespace to the second istiod", { NAMESPACE: SERVERS });
      await expectIssuers("istiod", "teleport");
      await shell("istioctl tag set production --revision teleport");
      await shell(`kubectl label namespace ${CLIENTS} istio-injection- istio.io/rev=production --overwrite`);
      await restart(CLIENTS);
      await expectIssuers("teleport", "teleport");
      await plaintext("after");
    });
    expect(failed).toEqual([]);
    const mesh = await shell("kubectl -n istio-system get configmap istio -o jsonpath='{.data.mesh}'");
    expect(mesh).toContain("trustDomain: cluster.local");
    const second = await shell("kubectl -n istio-system get configmap istio-teleport -o jsonpath='{.data.mesh}'");
    expect(second).toContain(`trustDomain: ${TELEPORT_CLUSTER_NAME}`);
  });

  if (SOAK) {
    it("gives a namespace back to the first one: no request is lost", LONG, async () => {
      const { failed } = await underLoad("back to the first istiod, in plaintext", async () => {
        await plaintext("before");
        files.setScope({ namespaces: [SERVERS] });
        await upgrade([]);
        await step("Move a namespace back to the first istiod", { NAMESPACE: CLIENTS });
        await expectIssuers("istiod", "teleport");
        await shell(`kubectl label namespace ${CLIENTS} istio-injection- istio.io/rev=production --overwrite`);
        files.setScope({ namespaces: [SERVERS, CLIENTS] });
        await upgrade([]);
        await restart(CLIENTS);
        await expectIssuers("teleport", "teleport");
        await plaintext("after");
      });
      expect(failed).toEqual([]);
    });
  }
});

/** As users of SPIRE have it in Istio's values: the agent's directory in place of Istio's own volume. */
const SPIRE_TEMPLATE = `
spec:
  initContainers:
  - name: istio-proxy
    volumeMounts:
    - name: workload-socket
      mountPath: /var/run/secrets/workload-spiffe-uds
      readOnly: true
  volumes:
  - name: workload-socket
    hostPath:
      path: ${SPIRE_SOCKETS}
      type: Directory
`;

if (SPIRE) {
  describe("from SPIRE, whose agent runs beside tbot", () => {
    let spire: Spire;

    beforeAll(async () => {
      spire = await startSpire([
        { namespace: CLIENTS, serviceAccount: "client" },
        { namespace: SERVERS, serviceAccount: "server" },
      ]);
      files.setIstiodValues({ ...ALIAS, sidecarInjectorWebhook: { templates: { spire: SPIRE_TEMPLATE } } });
      files.setScope("pod", "/run/teleport/sockets");
      await step("Apply the scope");
      await istiodAnswers();
      for (const namespace of [CLIENTS, SERVERS])
        await shell(`kubectl label namespace ${namespace} istio.io/rev- istio-injection=enabled --overwrite`);
      await stayWithSpire();
    });
    afterAll(() => spire?.stop());

    const stayWithSpire = async () => {
      await chooseTemplates(CLIENTS, "client", "sidecar,spire");
      await chooseTemplates(SERVERS, "server", "sidecar,spire");
      await expectIssuers("spire", "spire", spire);
    };

    it("in plaintext meanwhile: no request is lost", LONG, async () => {
      const { failed } = await underLoad("from SPIRE, workload by workload, in plaintext", async () => {
        await plaintext("before");
        await move(SERVERS, "server");
        await expectIssuers("spire", "teleport", spire);
        await move(CLIENTS, "client");
        await expectIssuers("teleport", "teleport", spire);
        await plaintext("after");
      });
      expect(failed).toEqual([]);
    });

    it("without plaintext, both workloads at once: calls between pods of both kinds are lost", LONG, async () => {
      await stayWithSpire();
      await exposeFailures(MOVING);
      await underLoad("from SPIRE, cut-over", async () => {
        await Promise.all([move(SERVERS, "server"), move(CLIENTS, "client")]);
      });
      await expectIssuers("teleport", "teleport", spire);
      const after = await underLoad("after the cut-over from SPIRE", async () => {});
      expect(after.failed).toEqual([]);
      await repeatNothing(MOVING);
    });
  });
}
