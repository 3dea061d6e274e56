import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { istioCharts } from "../../lab/build/toolbox.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { page } from "../../tools/base/documentation.ts";
import { helmTemplate } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { metricsIn } from "../support/promql.ts";
import { scenarioInputs } from "../support/scenarios.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { untilReady } from "./testkit/cluster/pods.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { applyLayers } from "./testkit/installation/layers.ts";
import { setFlags, tryUpgrade, upgrade } from "./testkit/installation/releases.ts";
import { createMonitoringKinds, deleteMonitoringKinds, Prometheus } from "./testkit/monitoring/prometheus.ts";

/**
 * The chart's monitoring against real metrics: Istio's agent and Envoy are real, tbot is the Teleport double's, whose
 * metrics have the names of tbot's own sources. The Prometheus Operator is not in the lab; lib/prometheus.ts translates.
 */

const ALERTS_TEST = join(REPOSITORY, "tests", "rules", "alerts.yaml");

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

async function renderedRules(): Promise<Rules> {
  const showOnly = ["templates/monitoring/rules.yaml"];
  const text = await helmTemplate(systemRunner, {
    inputs: await scenarioInputs("monitoring"),
    namespace: "teleport-system",
    showOnly,
  });
  return (parse(text) as { spec: Rules }).spec;
}

/** What is expected, with each runbook's page as the running version's URL. */
function expectedAlerts(): string {
  const text = readFileSync(ALERTS_TEST, "utf8");
  return text.replaceAll(/(?<=runbook_url: )docs\/\S+/g, (path) => page(path as Parameters<typeof page>[0]));
}

async function restartTestApp(): Promise<void> {
  await shell("kubectl -n test-app rollout restart deployment");
  for (const app of ["server", "allowed-client", "other-client"])
    await shell(`kubectl -n test-app rollout status deployment/${app} --timeout=120s`);
}

describe("the alerts, by promtool", () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lab-rules-"));
    writeFileSync(join(folder, "rules.yaml"), stringify(await renderedRules()));
    writeFileSync(join(folder, "alerts.yaml"), expectedAlerts());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are rules that Prometheus takes", async () => {
    await shell("promtool check rules --lint=all --lint-fatal rules.yaml", { cwd: folder });
  });

  it("fire on what they are for, and on nothing else", async () => {
    await shell("promtool test rules alerts.yaml", { cwd: folder });
  });

  it("each has a series on which it fires, and a healthy mesh on which it does not", async () => {
    const tested = readFileSync(ALERTS_TEST, "utf8");
    const alerts = (await renderedRules()).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(alerts.length).toBeGreaterThan(0);
    for (const alert of alerts) expect(tested).toMatch(new RegExp(`alertname: ${alert}\\n +exp_alerts:\\n`));
  });
});

describe("a real Prometheus", () => {
  /** Layers b and c of docs/explain/security.md are off, so that a pod can have istiod's certificate. */
  const SETS = ["monitoring.enabled=true", "istio.blockIstiodCertificates=false", "mesh.admission.enabled=false"];
  let prometheus: Prometheus;

  /** Names of the alerts that fire or are about to. */
  const alerts = async () => (await prometheus.query("ALERTS")).map(({ metric }) => metric.alertname);

  beforeAll(async () => {
    await requireInstalled();
    // Where applyLayers looks whether a layer holds.
    await createNamespace("probe", { meshed: true });
    const refused = await tryUpgrade(SETS);
    expect(refused.stderr).toContain("The Prometheus Operator's CRDs are not in this cluster");
    await createMonitoringKinds();
    const taken = await tryUpgrade(SETS);
    expect(taken.code, taken.stderr).toBe(0);
    const istiod = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
    await shell(
      `npx -p istio-teleport istio-teleport render istio -f values.yaml ${setFlags(SETS)} |
       helm upgrade istiod '${istiod}' -n istio-system -f - -f '${ISTIO_LAB_VALUES}' --wait`,
      { cwd: USER_DIR },
    );
    // Envoy reads at its start which statistics it shows.
    await restartTestApp();
    await until(
      "only the restarted pods are there",
      60,
      async () => (await shell("kubectl -n test-app get pods -o name")).trim().split("\n").length === 3,
    );
    prometheus = await Prometheus.start();
    await until("four targets", 60, async () => (await prometheus.query("up == 1")).length === 4);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await deleteNamespace("unlike");
    await upgrade([]);
    await deleteMonitoringKinds();
    await applyLayers({ pod: true, istiod: true, admission: true });
    await deleteNamespace("probe");
    await restartTestApp();
  });

  it("finds tbot and each sidecar, and the series of the rules' tests have the labels that it records", async () => {
    const up = await prometheus.query("up");
    expect(up.map(({ metric }) => metric.job).sort()).toEqual([
      ...Array(3).fill("teleport-system/istio-teleport-sidecars"),
      "teleport-system/tbot",
    ]);
    const tests = parse(readFileSync(ALERTS_TEST, "utf8")) as { tests: { input_series: { series: string }[] }[] };
    const all = tests.tests.flatMap(({ input_series }) => input_series.map(({ series }) => series));
    // Labels whose values are the metric's own, and no name of a pod or node.
    const own = ["grpc_service", "grpc_type", "server", "listener_address"];
    for (const series of all.filter((each) =>
      /^(up.*teleport-system|tbot_|grpc_|envoy_|istio_agent_start)/.test(each),
    )) {
      const [, name, labels] = /^(\w+)\{(.*)\}$/.exec(series) as unknown as [string, string, string];
      const wanted = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(
        ([, label, value]) => [label, value] as [string, string],
      );
      // The failures of a task have the labels of its iterations.
      const recorded = await prometheus.query(
        name === "tbot_task_iterations_failed" ? "tbot_task_iterations_total" : name,
      );
      const fits = recorded.some(({ metric }) =>
        wanted.every(([label, value]) => label in metric && (!own.includes(label) || metric[label] === value)),
      );
      expect(fits, `${series} is not like ${JSON.stringify(recorded[0]?.metric)}`).toBe(true);
    }
  });

  it("takes each expression of the alerts and dashboards, and has each of their metrics", async () => {
    const folder = join(REPOSITORY, "chart", "dashboards");
    const dashboards = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    const panels = dashboards.flatMap(
      (text) => (JSON.parse(text) as { panels: { targets: { expr: string }[] }[] }).panels,
    );
    const expressions = [
      ...(await renderedRules()).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
      ...panels.flatMap(({ targets }) =>
        targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$namespace", ".*")),
      ),
    ];
    for (const expression of expressions) await prometheus.query(expression);
    // Not yet: of a fault, of a pod that came later, and of kube-state-metrics.
    const later = /^(tbot_task_iterations_failed|istio_agent_cert_expiry_seconds|kube_.*)$/;
    for (const metric of new Set(expressions.flatMap(metricsIn))) {
      if (!later.test(metric)) expect(await prometheus.query(metric), metric).not.toEqual([]);
    }
  });

  it("raises no alert on a healthy mesh, and sees how long certificates live", async () => {
    // What it evaluated before it had scraped anything ends first.
    await until("no alert is left of Prometheus' own start", 20, async () => (await alerts()).length === 0);
    const left = await prometheus.query("envoy_listener_ssl_certificate_default_expiration_unix_time_seconds - time()");
    expect(left.length).toBe(3);
    for (const { value } of left) {
      expect(Number(value[1])).toBeGreaterThan(2400 - 60);
      expect(Number(value[1])).toBeLessThanOrEqual(3600);
    }
  });

  it("fires for a sidecar with a certificate of istiod's CA, and for that one only", async () => {
    await createNamespace("unlike", { meshed: true });
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "opted-out",
        namespace: "unlike",
        labels: { app: "opted-out" },
        annotations: { "inject.istio.io/templates": "sidecar" },
      },
      spec: {
        containers: [
          { name: "app", image: "lab.local/client:lab", imagePullPolicy: "Never", command: ["sleep", "infinity"] },
        ],
      },
    };
    await shell("kubectl create -f -", { input: JSON.stringify(pod) });
    await untilReady("unlike", "app=opted-out", 60);
    const firing = await until("the alert fires", 60, async () => {
      const found = await prometheus.query('ALERTS{alertname="IstioTeleportIstiodCertificate",alertstate="firing"}');
      return found.length > 0 && found;
    });
    expect(firing.map(({ metric }) => `${metric.namespace}/${metric.pod}`)).toEqual(["unlike/opted-out"]);
    await deleteNamespace("unlike");
    await until("the alert ends with the pod", 60, async () => (await alerts()).length === 0);
  });

  it("sees the node without tbot, and the streams that break meanwhile", async () => {
    const before = await prometheus.query("sum(envoy_sds_default_update_failure)");
    const selector = (value: string) =>
      shell(
        `kubectl -n teleport-system patch daemonset tbot --type merge -p '{"spec":{"template":{"spec":{"nodeSelector":{"nowhere":${value}}}}}}'`,
      );
    await selector('"x"');
    try {
      await until("both alerts are about to fire", 60, async () => {
        const raised = await alerts();
        return raised.includes("IstioTeleportTbotAbsent") && raised.includes("IstioTeleportTbotMissingOnNode");
      });
      // More often than the alert asks for: more than 5 times in 10 minutes for each sidecar.
      await until("Envoy counts the attempts", 60, async () => {
        const [now] = await prometheus.query("sum(envoy_sds_default_update_failure)");
        return Number(now?.value[1]) - Number(before[0]?.value[1]) >= 3 * 2;
      });
    } finally {
      await selector("null");
    }
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    await until("no alert is left but those that look back", 60, async () => {
      const left = new Set(await alerts());
      left.delete("IstioTeleportIdentityStreamFailing");
      return left.size === 0;
    });
  });
});
