import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctor } from "./testkit/doctor/doctor.ts";
import { SPIRE_TEMPLATE, type Spire, startSpire } from "./testkit/identity/spire.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";
import { upgrade, upgradeIstiod } from "./testkit/installation/releases.ts";
import { runDocumented } from "./testkit/installation/run-documented.ts";
import {
  applyValues,
  chooseTemplates,
  expectIssuers,
  istiodOfOld,
  move,
  outOfScope,
  plaintext,
  restart,
  underLoad,
  withHostPath,
} from "./testkit/migration/moves.ts";
import { editUserFiles, type Scope, type UserFiles } from "./testkit/migration/scope.ts";
import { CLIENTS, deployWorkloads, MOVING, SERVERS, TEST_APP_NAMESPACE } from "./testkit/migration/workloads.ts";
import { SOAK } from "./testkit/run/soak.ts";
import { SPIRE } from "./testkit/run/spire.ts";
import { exposeFailures, repeatNothing } from "./testkit/traffic/load.ts";

const LONG = { timeout: 300_000 };
/** What the user adds to istiod's values: the trust domain that the mesh had so far stays valid. */
const ALIAS = { meshConfig: { trustDomainAliases: ["cluster.local"] } };

let files: UserFiles;

const applyScope = (scope: Scope) => {
  files.setScope(scope);
  return applyValues();
};

/** As docs/operate/migration.md says of the way back: the chart first, so that admission refuses nobody. */
async function takeBack(scope: Scope): Promise<void> {
  files.setScope(scope);
  await upgrade([]);
  await applyValues();
  await Promise.all([restart(CLIENTS), restart(SERVERS)]);
  await expectIssuers("istiod", "istiod");
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

if (SOAK) {
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
        await runDocumented(shellBlock("docs/operate/migration.md#second-istiod"));
        await runDocumented(shellBlock("docs/operate/migration.md#to-the-second"), { NAMESPACE: SERVERS });
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

    it("gives a namespace back to the first one: no request is lost", LONG, async () => {
      const { failed } = await underLoad("back to the first istiod, in plaintext", async () => {
        await plaintext("before");
        files.setScope({ namespaces: [SERVERS] });
        await upgrade([]);
        await runDocumented(shellBlock("docs/operate/migration.md#to-the-first"), { NAMESPACE: CLIENTS });
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
  });
}

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
      await applyValues();
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
