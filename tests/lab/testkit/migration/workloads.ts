import { stringify } from "yaml";
import { shell } from "../cluster/shell.ts";
import type { Route } from "../traffic/load.ts";

/** The two namespaces that a migration moves: the client in the one calls the server in the other. */
export const CLIENTS = "moving-a";
export const SERVERS = "moving-b";
/** The test app's namespace, which has Teleport's identities all the time. */
export const TEST_APP_NAMESPACE = "test-app";

export const MOVING: Route = { namespace: CLIENTS, client: "client", host: `server.${SERVERS}.svc.cluster.local` };

const CONTAINER = { imagePullPolicy: "Never", securityContext: { runAsNonRoot: true, runAsUser: 65532 } };

/**
 * Creates the client and the server, and waits until both are available. The server's old pod serves for 5 s after it was
 * asked to end: without that every rollout, whoever the issuer is, loses a request now and then, for callers hear of the
 * pod's end after the pod.
 */
export async function deployWorkloads(): Promise<void> {
  const objects = [
    ...workload(CLIENTS, {
      ...CONTAINER,
      name: "client",
      image: "lab.local/client:lab",
      // Deaf to SIGTERM: whoever calls from its old pod has some seconds to stop.
      command: ["sleep", "infinity"],
    }),
    ...workload(SERVERS, {
      ...CONTAINER,
      name: "server",
      image: "lab.local/go-httpbin:lab",
      ports: [{ containerPort: 8080 }],
      readinessProbe: { httpGet: { path: "/headers", port: 8080 } },
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
    }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "server", namespace: SERVERS },
      spec: {
        selector: { "app.kubernetes.io/name": "server" },
        ports: [{ name: "http", port: 80, targetPort: 8080 }],
      },
    },
  ];
  await shell("kubectl apply -f -", { input: objects.map((object) => stringify(object)).join("---\n") });
  for (const namespace of [CLIENTS, SERVERS])
    await shell(`kubectl -n ${namespace} rollout status deployment --timeout=120s`);
}

function workload(namespace: string, container: { name: string; [key: string]: unknown }): object[] {
  const labels = { "app.kubernetes.io/name": container.name };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: container.name, namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: container.name, namespace },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { serviceAccountName: container.name, terminationGracePeriodSeconds: 10, containers: [container] },
        },
      },
    },
  ];
}
