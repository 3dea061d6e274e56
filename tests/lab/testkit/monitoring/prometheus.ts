import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { toolPath } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell, until } from "../cluster/shell.ts";

const ADDRESS = "127.0.0.1:19090";

/** A relabelling step as the Prometheus Operator's objects write it. */
interface Relabeling {
  readonly action?: string;
  readonly sourceLabels?: readonly string[];
  readonly regex?: string;
  readonly targetLabel?: string;
  readonly replacement?: string;
}

/** What the chart's PodMonitors use of that kind. */
interface PodMonitor {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly namespaceSelector?: { readonly any?: boolean };
    readonly podMetricsEndpoints: readonly {
      readonly port: string;
      readonly path: string;
      readonly relabelings?: readonly Relabeling[];
      readonly metricRelabelings?: readonly Relabeling[];
    }[];
  };
}

/** One series of an answer: its labels and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/**
 * A scrape configuration for each endpoint, as the Prometheus Operator, which the lab does not run, makes it of a
 * PodMonitor (prometheus-operator pkg/prometheus/promcfg.go).
 */
function scrapeConfigs({ metadata, spec }: PodMonitor): object[] {
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map(([label, value]) => ({
    action: "keep",
    source_labels: [`__meta_kubernetes_pod_label_${label.replaceAll(/[^A-Za-z0-9_]/g, "_")}`],
    regex: value,
  }));
  const fixed = (targetLabel: string, source: string) => ({ source_labels: [source], target_label: targetLabel });
  return spec.podMetricsEndpoints.map((endpoint, index) => ({
    job_name: `podMonitor/${metadata.namespace}/${metadata.name}/${index}`,
    metrics_path: endpoint.path,
    kubernetes_sd_configs: [
      {
        role: "pod",
        kubeconfig_file: process.env.KUBECONFIG,
        ...(spec.namespaceSelector?.any ? {} : { namespaces: { names: [metadata.namespace] } }),
      },
    ],
    relabel_configs: [
      { action: "drop", source_labels: ["__meta_kubernetes_pod_phase"], regex: "(Failed|Succeeded)" },
      ...labels,
      { action: "keep", source_labels: ["__meta_kubernetes_pod_container_port_name"], regex: endpoint.port },
      fixed("namespace", "__meta_kubernetes_namespace"),
      fixed("container", "__meta_kubernetes_pod_container_name"),
      fixed("pod", "__meta_kubernetes_pod_name"),
      { target_label: "job", replacement: `${metadata.namespace}/${metadata.name}` },
      ...(endpoint.relabelings ?? []).map(plain),
    ],
    metric_relabel_configs: (endpoint.metricRelabelings ?? []).map(plain),
  }));
}

function plain({ sourceLabels, targetLabel, ...rest }: Relabeling): object {
  return {
    ...rest,
    ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels }),
    ...(targetLabel === undefined ? {} : { target_label: targetLabel }),
  };
}

const CRDS = ["PodMonitor", "PrometheusRule"].map((kind) => {
  const singular = kind.toLowerCase();
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.monitoring.coreos.com` },
    spec: {
      group: "monitoring.coreos.com",
      scope: "Namespaced",
      names: { kind, singular, plural: `${singular}s`, listKind: `${kind}List` },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
});
const CRD_NAMES = CRDS.map(({ metadata }) => metadata.name).join(" ");

/** Makes the Prometheus Operator's two kinds that the chart uses, without the operator. */
export async function createMonitoringKinds(): Promise<void> {
  await shell("kubectl apply -f -", { input: CRDS.map((crd) => stringify(crd)).join("---\n") });
  await shell(`kubectl wait --for=condition=Established crd ${CRD_NAMES} --timeout=60s`);
}

/** Removes them, and every object of them: after the chart's own were removed, since Helm could not upgrade it else. */
export async function deleteMonitoringKinds(): Promise<void> {
  await shell(`kubectl delete crd --ignore-not-found ${CRD_NAMES}`);
}

/** A rule of a PrometheusRule, as far as it is read. */
interface Rule {
  readonly alert: string;
  readonly for?: string;
}

/** An alert that fires, or is about to. */
export interface Alert {
  readonly name: string;
  /** Since when its expression holds. */
  readonly since: Date;
}

/** A Prometheus that scrapes what the cluster's PodMonitors say, each second, and evaluates its PrometheusRules. */
export class Prometheus {
  readonly #process: ChildProcess;
  readonly #folder: string;
  /** How long each alert's expression must hold before it fires, as Prometheus writes durations ("5m"; "0s" for at once). */
  readonly waits: ReadonlyMap<string, string>;

  private constructor(process: ChildProcess, folder: string, waits: ReadonlyMap<string, string>) {
    this.#process = process;
    this.#folder = folder;
    this.waits = waits;
  }

  /**
   * Starts it with what is in the cluster now, and waits until it is ready.
   *
   * @param atOnce whether alerts fire without their own waiting time (`for`); `waits` has it in any case
   */
  static async start({ atOnce = false } = {}): Promise<Prometheus> {
    const list = async <T>(kind: string) =>
      (JSON.parse(await shell(`kubectl get ${kind} --all-namespaces -o json`)) as { items: T[] }).items;
    const monitors = await list<PodMonitor>("podmonitors.monitoring.coreos.com");
    const rules = await list<{ spec: { groups: { rules: Rule[] }[] } }>("prometheusrules.monitoring.coreos.com");
    const groups = rules.flatMap(({ spec }) => spec.groups);
    const waits = new Map(groups.flatMap((group) => group.rules.map((rule) => [rule.alert, rule.for ?? "0s"])));
    const evaluated = groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => (atOnce ? { ...rule, for: "0s" } : rule)),
    }));
    const folder = mkdtempSync(join(tmpdir(), "lab-prometheus-"));
    const second = { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
    writeFileSync(join(folder, "rules.yaml"), stringify({ groups: evaluated }));
    writeFileSync(
      join(folder, "prometheus.yaml"),
      stringify({ global: second, rule_files: ["rules.yaml"], scrape_configs: monitors.flatMap(scrapeConfigs) }),
    );
    const flags = [`--config.file=${folder}/prometheus.yaml`, `--storage.tsdb.path=${folder}/data`];
    const process = spawn(
      toolPath(labPaths(), "prometheus"),
      [...flags, `--web.listen-address=${ADDRESS}`, "--web.enable-admin-api"],
      { cwd: folder, stdio: "ignore" },
    );
    const started = new Prometheus(process, folder, waits);
    await until("Prometheus is ready", 30, async () => (await fetch(`http://${ADDRESS}/-/ready`)).ok);
    return started;
  }

  /** The instant answer to a PromQL expression; throws with Prometheus' words if it is none. */
  async query(expression: string): Promise<Sample[]> {
    const answer = await fetch(`http://${ADDRESS}/api/v1/query?${new URLSearchParams({ query: expression })}`);
    const body = (await answer.json()) as { error?: string; data?: { result: Sample[] } };
    if (body.data === undefined) throw new Error(`${expression}: ${body.error}`);
    return body.data.result;
  }

  /** The alerts that fire or are about to. */
  async alerts(): Promise<Alert[]> {
    const answer = await fetch(`http://${ADDRESS}/api/v1/alerts`);
    const { data } = (await answer.json()) as {
      data: { alerts: { labels: Record<string, string>; activeAt: string }[] };
    };
    return data.alerts.map(({ labels, activeAt }) => ({
      name: labels.alertname ?? "",
      since: new Date(activeAt),
    }));
  }

  /** Forgets every series: what follows is not told from what was before. */
  async forget(): Promise<void> {
    const all = new URLSearchParams({ "match[]": '{__name__=~".+"}' });
    const answer = await fetch(`http://${ADDRESS}/api/v1/admin/tsdb/delete_series?${all}`, { method: "POST" });
    if (!answer.ok) throw new Error(`delete_series: ${answer.status} ${await answer.text()}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    if (this.#process.exitCode === null && this.#process.kill()) await ended;
    rmSync(this.#folder, { recursive: true });
  }
}
