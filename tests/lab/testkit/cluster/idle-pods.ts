import { readFileSync, writeFileSync } from "node:fs";
import { isReady, livePods } from "./pods.ts";
import { shell, until } from "./shell.ts";

const LABELS = { app: "idle" };

/** A pod that does nothing. It asks for next to no CPU, so that the test app's pods go before it where CPU is short. */
const POD = {
  metadata: {
    labels: LABELS,
    annotations: { "sidecar.istio.io/proxyCPU": "1m", "sidecar.istio.io/proxyMemory": "64Mi" },
  },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "idle",
        image: "lab.local/pause:lab",
        imagePullPolicy: "Never",
        resources: { requests: { cpu: "1m" } },
      },
    ],
  },
};

/** Makes the Deployment `idle` of a namespace. */
export async function createIdlePods(namespace: string, replicas: number): Promise<void> {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "idle", namespace },
    spec: { replicas, selector: { matchLabels: LABELS }, template: POD },
  };
  await shell("kubectl create -f -", { input: JSON.stringify(deployment) });
}

/** Changes how many pods the Deployment `idle` has, and waits until all of them are Ready and no other one is left. */
export async function scaleIdlePods(namespace: string, replicas: number): Promise<void> {
  await shell(`kubectl -n ${namespace} scale deployment idle --replicas=${replicas}`);
  await until(`${replicas} pods are Ready`, 900, async () => {
    const pods = await livePods(namespace);
    return pods.length === replicas && pods.every(isReady);
  });
}

/**
 * Each sidecar takes two of these of the user 1337 (Istio's agent watches its files), and the kernel's default is 128:
 * 64 sidecars per node. Managed Kubernetes raises it; the machine under the lab may not have.
 */
const INOTIFY_INSTANCES = "/proc/sys/fs/inotify/max_user_instances";
const ENOUGH = 1024;

/** Lets the machine run more sidecars than its default; returns what takes that back. */
export function allowManySidecars(): () => void {
  const before = readFileSync(INOTIFY_INSTANCES, "utf8").trim();
  if (Number(before) < ENOUGH) writeFileSync(INOTIFY_INSTANCES, String(ENOUGH));
  return () => writeFileSync(INOTIFY_INSTANCES, before);
}
