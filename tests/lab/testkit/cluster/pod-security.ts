import { parseAllDocuments } from "yaml";
import { shell, tryShell } from "./shell.ts";

const LEVELS = ["restricted", "baseline", "privileged"] as const;
type PodSecurityLevel = (typeof LEVELS)[number];

interface PodTemplate {
  readonly template?: { readonly spec?: Readonly<Record<string, unknown>> };
}

interface Workload {
  readonly kind?: string;
  readonly metadata: { readonly name: string };
  /** A CronJob's pods are those of its Jobs. */
  readonly spec?: PodTemplate & { readonly jobTemplate?: { readonly spec?: PodTemplate } };
}

function podSpec({ spec }: Workload): Readonly<Record<string, unknown>> | undefined {
  return (spec?.template ?? spec?.jobTemplate?.spec?.template)?.spec;
}

/** A workload, "Kind name", and the strictest Pod Security level at which the API server takes its pods. */
interface Judged {
  readonly workload: string;
  readonly level: PodSecurityLevel;
}

/**
 * Has the API server judge the pods of each workload of rendered manifests, before Istio injects anything. Nothing is created
 * but three namespaces, which are removed.
 */
export async function podSecurityLevels(manifests: string): Promise<Judged[]> {
  const workloads = parseAllDocuments(manifests)
    .map((document) => document.toJS() as Workload | null)
    .filter((workload) => workload !== null && podSpec(workload) !== undefined) as Workload[];
  const levels = new Map<number, PodSecurityLevel>();
  const namespace = (level: PodSecurityLevel) => `pod-security-${level}`;
  try {
    // The loosest first, so that a stricter one that takes the pod, too, has the last word.
    for (const level of LEVELS.toReversed()) {
      await shell("kubectl apply -f -", { input: JSON.stringify(namespaceOf(namespace(level), level)) });
      const pods = workloads.map((workload, index) => podOf(workload, `pod-${index}`, namespace(level)));
      const list = { apiVersion: "v1", kind: "List", items: pods };
      const { stdout, stderr } = await tryShell("kubectl create --dry-run=server -o name -f -", {
        input: JSON.stringify(list),
      });
      const lines = new Set(stdout.split("\n"));
      const taken = [...workloads.keys()].filter((index) => lines.has(`pod/pod-${index}`));
      const refused = stderr.split("\n").filter((line) => line.includes("violates PodSecurity"));
      if (taken.length + refused.length !== workloads.length) throw new Error(stderr);
      for (const index of taken) levels.set(index, level);
    }
  } finally {
    await shell(`kubectl delete namespace ${LEVELS.map(namespace).join(" ")} --ignore-not-found`);
  }
  return workloads.map(({ kind, metadata }, index) => ({
    workload: `${kind} ${metadata.name}`,
    level: levels.get(index) ?? "privileged",
  }));
}

function namespaceOf(name: string, level: PodSecurityLevel): object {
  const labels = { "pod-security.kubernetes.io/enforce": level };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** A pod of a workload's, without what the namespace or the cluster must have for it. */
function podOf(workload: Workload, name: string, namespace: string): object {
  const { serviceAccountName: _account, priorityClassName: _class, ...own } = podSpec(workload) ?? {};
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec: own };
}
