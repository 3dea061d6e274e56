import { parseAllDocuments } from "yaml";
import { shell, tryShell } from "./shell.ts";

const LEVELS = ["restricted", "baseline", "privileged"] as const;
export type PodSecurityLevel = (typeof LEVELS)[number];

interface Workload {
  readonly kind?: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly template?: { readonly spec?: Readonly<Record<string, unknown>> } };
}

/**
 * The strictest Pod Security level at which the API server takes the pods of each workload of rendered manifests, before
 * Istio injects anything, by "Kind name". Nothing is created but three namespaces, which are removed.
 */
export async function podSecurityLevels(manifests: string): Promise<Record<string, PodSecurityLevel>> {
  const pods = parseAllDocuments(manifests)
    .map((document) => document.toJS() as Workload | null)
    .filter((workload) => workload?.spec?.template?.spec !== undefined) as Workload[];
  const levels: Record<string, PodSecurityLevel> = {};
  const namespace = (level: PodSecurityLevel) => `pod-security-${level}`;
  try {
    // The loosest first, so that a stricter one that takes the pod, too, has the last word.
    for (const level of LEVELS.toReversed()) {
      await shell("kubectl apply -f -", { input: JSON.stringify(namespaceOf(namespace(level), level)) });
      for (const pod of pods) {
        const { code, stderr } = await tryShell(`kubectl create --dry-run=server -f -`, {
          input: JSON.stringify(podOf(pod, namespace(level))),
        });
        if (code === 0) levels[`${pod.kind} ${pod.metadata.name}`] = level;
        else if (!stderr.includes("violates PodSecurity")) throw new Error(stderr);
      }
    }
  } finally {
    await shell(`kubectl delete namespace ${LEVELS.map(namespace).join(" ")} --ignore-not-found`);
  }
  return levels;
}

function namespaceOf(name: string, level: PodSecurityLevel): object {
  const labels = { "pod-security.kubernetes.io/enforce": level };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** A pod of a workload's, without what the namespace or the cluster must have for it. */
function podOf({ metadata, spec }: Workload, namespace: string): object {
  const { serviceAccountName: _account, priorityClassName: _class, ...own } = spec?.template?.spec ?? {};
  return { apiVersion: "v1", kind: "Pod", metadata: { name: metadata.name, namespace }, spec: own };
}
