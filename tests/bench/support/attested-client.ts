import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { containerPids } from "../../lab/testkit/cluster/containers.ts";
import { createNamespace } from "../../lab/testkit/cluster/namespaces.ts";
import { untilReady } from "../../lab/testkit/cluster/pods.ts";
import { shell } from "../../lab/testkit/cluster/shell.ts";
import { SPIRE_SOCKETS } from "../../lab/testkit/identity/spire.ts";

const SOURCE = fileURLToPath(new URL("./workload-api-client.ts", import.meta.url));
/** The user of Istio's sidecars. */
const USER = 1337;

/** The sockets of the SPIFFE Workload API on the node, and the directories they are in. */
const SOCKETS = { tbot: "/run/spire/sockets", spire: SPIRE_SOCKETS } as const;

/** A process in a pod, which is attested as any of that pod. */
export interface AttestedClient {
  /** How many SVIDs came in so many seconds from tbot or from SPIRE's agent, with some requests at once. */
  fetch(from: keyof typeof SOCKETS, atOnce: number, seconds: number): Promise<number>;
}

/** Starts a pod without a sidecar that has both sockets, under the ServiceAccount `default` of a new namespace. */
export async function startAttestedClient(namespace: string): Promise<AttestedClient> {
  await createNamespace(namespace, { meshed: false });
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "client", namespace, labels: { app: "client" } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "client",
          image: "lab.local/client:lab",
          imagePullPolicy: "Never",
          volumeMounts: Object.keys(SOCKETS).map((name) => ({ name, mountPath: `/sockets/${name}`, readOnly: true })),
        },
      ],
      volumes: Object.entries(SOCKETS).map(([name, path]) => ({ name, hostPath: { path, type: "Directory" } })),
    },
  };
  await shell("kubectl create -f -", { input: JSON.stringify(pod) });
  await untilReady(namespace, "app=client", 60);
  const [pid] = await containerPids(namespace, "client", "client");
  const { code } = await transform(await readFile(SOURCE, "utf8"), { loader: "ts", format: "cjs" });
  return {
    async fetch(from, atOnce, seconds) {
      // The container has no Node: it is opened outside and run inside.
      const enter = `nsenter --target=${pid} --mount --pid --setuid=${USER} --setgid=${USER} -- /proc/self/fd/9`;
      const line = `exec 9<'${process.execPath}'; ${enter} - /sockets/${from}/socket ${atOnce} ${seconds}`;
      return Number(await shell(line, { input: code }));
    },
  };
}
