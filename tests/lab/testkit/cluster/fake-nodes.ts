import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { componentDir } from "../../../../lab/build/components.ts";
import { KWOK_RECIPE } from "../../../../lab/build/recipes.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { logFile } from "../../../../lab/machine/processes.ts";
import { groupBy } from "../../../../tools/base/group-by.ts";
import { shell, until } from "./shell.ts";

/** Where the kubelets of fake nodes, and pods on them, would answer: addresses of the node's own network that nobody has. */
const FAKE_NODE_IP = "10.200.0.127";
const FAKE_POD_CIDR = "10.200.0.128/25";

/** An annotation by which KWOK knows its nodes. */
const ANNOTATION = "kwok.x-k8s.io/node";

/** What KWOK makes nodes and pods go through, of its own stages. */
const STAGES = [
  "node/fast/node-initialize.yaml",
  "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
  "pod/fast/pod-ready.yaml",
  "pod/fast/pod-delete.yaml",
];

/** Nodes without a machine. */
export interface FakeNodes {
  readonly names: readonly string[];
  /** Ends KWOK and removes the nodes with what is left of the pods on them. */
  remove(): Promise<void>;
}

/**
 * Real Node objects, kept Ready by KWOK, which also plays the pods on them: the API server knows no difference. Nothing
 * answers where their kubelets should: no log, no port-forward.
 */
export async function fakeNodes(amount: number): Promise<FakeNodes> {
  const names = Array.from({ length: amount }, (_, index) => `fake-${index}`);
  const items = names.map((name) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/os": "linux" }, annotations: { [ANNOTATION]: "fake" } },
    // A kubelet says its version when it registers the node, as it is done here; KWOK would make up one.
    status: { nodeInfo: { kubeletVersion: "v1.37.2" } },
  }));
  // Unchecked, for what a kubelet says besides.
  await shell("kubectl create --validate=false -f -", {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
  const child = startKwok();
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const remove = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    await shell(`kubectl delete node ${names.join(" ")} --ignore-not-found`);
    const leases = names.map((name) => `lease/${name}`).join(" ");
    await shell(`kubectl -n kube-node-lease delete ${leases} --ignore-not-found`);
    await removePodsOf(names);
  };
  try {
    const ready = await until("the fake nodes are Ready", 60, async () => {
      if (child.exitCode !== null) return "ended";
      const lines = await shell("kubectl get nodes --no-headers");
      return lines.split("\n").filter((line) => /^fake-\d+ +Ready /.test(line)).length === amount && "ready";
    });
    if (ready === "ended") throw new Error(`kwok ended; see ${logFile(labPaths(), "kwok")}`);
  } catch (error) {
    await remove();
    throw error;
  }
  return { names, remove };
}

function startKwok(): ChildProcess {
  const paths = labPaths();
  const component = componentDir(paths, KWOK_RECIPE);
  const log = openSync(logFile(paths, "kwok"), "a");
  const child = spawn(
    join(component, "kwok"),
    [
      `--kubeconfig=${paths.kubeconfig}`,
      ...STAGES.map((file) => `--config=${join(component, "stages", file)}`),
      `--manage-nodes-with-annotation-selector=${ANNOTATION}=fake`,
      `--node-ip=${FAKE_NODE_IP}`,
      `--cidr=${FAKE_POD_CIDR}`,
      "--node-lease-duration-seconds=40",
    ],
    { stdio: ["ignore", log, log] },
  );
  closeSync(log);
  return child;
}

/** Removes what the DaemonSet placed on nodes, where nobody ends it any more. */
async function removePodsOf(nodes: readonly string[]): Promise<void> {
  const { items } = JSON.parse(await shell("kubectl get pods -A -o json")) as {
    items: readonly { metadata: { namespace: string; name: string }; spec: { nodeName?: string } }[];
  };
  const own = groupBy(
    items.filter(({ spec }) => nodes.includes(spec.nodeName ?? "")),
    ({ metadata }) => metadata.namespace,
  );
  for (const [namespace, pods] of own) {
    const pod = pods.map(({ metadata }) => metadata.name).join(" ");
    await shell(`kubectl -n ${namespace} delete pod ${pod} --ignore-not-found --force`);
  }
}
