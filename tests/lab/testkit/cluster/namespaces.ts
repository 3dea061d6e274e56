import { shell } from "./shell.ts";

export async function namespaceExists(name: string): Promise<boolean> {
  return (await shell(`kubectl get namespace ${name} --ignore-not-found -o name`)) !== "";
}

/** Creates a namespace, or takes the one that is there; `meshed` gives it the label by which istiod injects sidecars. */
export async function createNamespace(name: string, options: { meshed: boolean }): Promise<void> {
  const labels = options.meshed ? { "istio-injection": "enabled" } : {};
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  await shell("kubectl apply -f -", { input: JSON.stringify(namespace) });
}

/** Deletes a namespace with all that is in it, and waits until it is gone: the next run starts from nothing. */
export async function deleteNamespace(name: string): Promise<void> {
  // The pods' `sleep` ends by no signal but SIGKILL, and the namespace alone would give each its 30 s of grace.
  await shell(`kubectl -n ${name} delete pods --all --grace-period=1 --wait=false`);
  await shell(`kubectl delete namespace ${name} --ignore-not-found --wait --timeout=180s`);
}
