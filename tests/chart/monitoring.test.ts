import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { page } from "../../tools/base/documentation.ts";
import { metricsIn } from "../support/promql.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { type Rendered, renderObjects } from "../support/scenarios.ts";

const OURS = /^(PodMonitor|PrometheusRule)$/;

function monitoring(objects: readonly Rendered[]): Rendered[] {
  return objects.filter(
    ({ kind, metadata }) => OURS.test(kind) || (kind === "ConfigMap" && metadata.name.includes("dashboard")),
  );
}

async function named(kind: string, name: string, ...sets: string[]): Promise<Rendered> {
  const found = (await renderObjects("monitoring", ...sets)).find(
    (object) => object.kind === kind && object.metadata.name === name,
  );
  if (!found) throw new Error(`${kind} ${name} is not rendered`);
  return found;
}

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

async function rules(...sets: string[]): Promise<Rule[]> {
  const { spec } = await named("PrometheusRule", "istio-teleport", ...sets);
  return spec.groups.flatMap((group: { rules: Rule[] }) => group.rules);
}

async function thresholdOf(alert: string, ...sets: string[]): Promise<string | undefined> {
  return /[<>] (\d+)$/.exec((await rules(...sets)).find((rule) => rule.alert === alert)?.expr ?? "")?.[1];
}

const DASHBOARDS = readdirSync(repositoryPath("chart/dashboards"));

function dashboard(file: string) {
  return JSON.parse(readFileSync(join(repositoryPath("chart/dashboards"), file), "utf8"));
}

/** Names of the metrics in all alerts and dashboards. */
async function used(): Promise<Set<string>> {
  const panels = DASHBOARDS.flatMap((file) => dashboard(file).panels as { targets: { expr: string }[] }[]);
  const expressions = [
    ...(await rules()).map(({ expr }) => expr),
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  return new Set(expressions.flatMap(metricsIn));
}

const document = readFileSync(repositoryPath("docs/operate/monitoring.md"), "utf8");

describe("monitoring", () => {
  test("is off by default, and on with one switch", async () => {
    expect(monitoring(await renderObjects("minimal"))).toEqual([]);
    expect(monitoring(await renderObjects("minimal", "monitoring.enabled=true"))).toHaveLength(3 + DASHBOARDS.length);
  });

  describe("alerts of certificates, with a scope", () => {
    const OFF = "istio.blockIstiodCertificates=false";
    const CERTIFICATES = /istio_agent_cert_expiry_seconds|expiration_unix_time_seconds|envoy_sds_default_update_time/;

    test("of namespaces: only of pods in these", async () => {
      const sets = [OFF, "istio.injection.scope=namespace", "istio.injection.namespaces={billing,shop}"];
      const judged = (await rules(...sets)).filter(({ expr }) => CERTIFICATES.test(expr));
      expect(judged.map(({ alert }) => alert)).toEqual([
        "IstioTeleportIstiodCertificate",
        "IstioTeleportCertificateNotRenewed",
        "IstioTeleportCertificateExpiring",
      ]);
      for (const { expr } of judged) {
        const selected = expr.match(new RegExp(`(${CERTIFICATES.source})\\{[^}]*namespace=~"billing\\|shop"\\}`, "g"));
        expect(selected).toHaveLength(expr.match(new RegExp(CERTIFICATES.source, "g"))?.length ?? 0);
      }
    });

    test("of pods, which no label of a series tells: none of istiod's certificates", async () => {
      const judged = (await rules(OFF, "istio.injection.scope=pod")).filter(({ expr }) => CERTIFICATES.test(expr));
      expect(judged.map(({ alert }) => alert)).toEqual([
        "IstioTeleportCertificateNotRenewed",
        "IstioTeleportCertificateExpiring",
      ]);
      for (const { expr } of judged) expect(expr).not.toContain("envoy_sds_default_update_time");
    });
  });

  test("the PodMonitor of tbot selects tbot's pods and a port that they have", async () => {
    const { spec } = await named("PodMonitor", "tbot");
    const { template } = (await named("DaemonSet", "tbot")).spec;
    expect(template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    const ports = template.spec.containers[0].ports.map(({ name }: { name: string }) => name);
    expect(ports).toContain(spec.podMetricsEndpoints[0].port);
  });

  test("of a sidecar's metrics exactly those are kept that alerts and dashboards use", async () => {
    const [{ metricRelabelings }] = (await named("PodMonitor", "istio-teleport-sidecars")).spec.podMetricsEndpoints;
    const keep = new RegExp(`^(?:${metricRelabelings[0].regex})$`);
    const ofSidecars = [...(await used())].filter((metric) => /^(istio|envoy)_/.test(metric));
    expect(ofSidecars.filter((metric) => !keep.test(metric))).toEqual([]);
    const kept = ["startup_duration", "cert_expiry"]
      .map((name) => `istio_agent_${name}_seconds`)
      .concat(
        "envoy_cluster_manager_cds_update_failure",
        "envoy_listener_ssl_certificate_default_expiration_unix_time_seconds",
        ["failure", "rejected", "success", "time"].map((name) => `envoy_sds_default_update_${name}`),
      );
    expect(ofSidecars.toSorted()).toEqual(kept.toSorted());
  });

  test("docs/operate/monitoring.md lists the metrics that are used, and no other", async () => {
    const listed = [...document.matchAll(/^\| `(\w+)` \|/gm)].map(([, metric]) => metric as string);
    // The first table's PodMonitor has a name like a metric's.
    expect(listed.filter((name) => name !== "tbot").toSorted()).toEqual([...(await used())].toSorted());
  });

  test("each alert leads to its section of docs/operate/monitoring.md, and each section is an alert's", async () => {
    const sections = [...document.matchAll(/^### (\w+)$/gm)].map(([, alert]) => alert);
    const alerts = await rules();
    expect(alerts.map(({ alert }) => alert)).toEqual(sections);
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(page(`docs/operate/monitoring.md#${alert.toLowerCase()}`));
    }
  });

  test("thresholds follow the life of certificates", async () => {
    expect(await thresholdOf("IstioTeleportCertificateNotRenewed")).toBe("2700");
    expect(await thresholdOf("IstioTeleportCertificateExpiring")).toBe("1500");
    const short = ["tbot.credentialTTL=60s", "tbot.renewalInterval=20s"];
    expect(await thresholdOf("IstioTeleportCertificateNotRenewed", ...short)).toBe("30");
    expect(await thresholdOf("IstioTeleportCertificateExpiring", ...short)).toBe("20");
  });

  test("rules and scrape configurations speak of the same jobs, in whatever namespace tbot is", async () => {
    const expressions = (await rules("tbot.namespace.name=identity")).map(({ expr }) => expr).join("\n");
    const jobs = new Set([...expressions.matchAll(/\bjob="([^"]*)"/g)].map(([, job]) => job));
    const monitors = (await renderObjects("monitoring", "tbot.namespace.name=identity")).filter(
      ({ kind }) => kind === "PodMonitor",
    );
    expect([...jobs].toSorted()).toEqual(
      monitors.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).toSorted(),
    );
  });

  test("without sidecars no rule needs their targets", async () => {
    const objects = await renderObjects("monitoring", "monitoring.sidecars=false");
    expect(objects.filter(({ kind }) => kind === "PodMonitor")).toHaveLength(1);
    expect(JSON.stringify(await rules("monitoring.sidecars=false"))).not.toContain("istio-teleport-sidecars");
  });

  test("labels of the user's are added, and replace none of ours", async () => {
    const sets = ["monitoring.labels.helm\\.sh/chart=x", "monitoring.labels.team=y"];
    const { labels } = (await named("PrometheusRule", "istio-teleport", ...sets)).metadata as unknown as {
      labels: Record<string, string>;
    };
    expect(labels).toMatchObject({ team: "y", release: "kube-prometheus-stack" });
    expect(labels["helm.sh/chart"]).toMatch(/^istio-teleport-/);
  });

  test.each(DASHBOARDS)("dashboard %s: panels with an ID and a place of their own, one data source", (file) => {
    const { panels, uid } = dashboard(file);
    expect(uid).toBe(`istio-teleport-${file.replace(/\.json$/, "")}`);
    const ids = panels.map(({ id }: { id: number }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }: { gridPos: Record<string, number> }) =>
      Array.from({ length: (w as number) * (h as number) }, (_, cell) => {
        return `${(x as number) + (cell % (w as number))},${(y as number) + Math.floor(cell / (w as number))}`;
      }),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { datasource } of panels) expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
  });
});
