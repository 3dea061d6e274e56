import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { type Pod, untilReady } from "./testkit/cluster/pods.ts";
import { rbacFilters } from "./testkit/cluster/rbac-filters.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { upgrade } from "./testkit/installation/releases.ts";

const NAMESPACE = "graph-scale";
const SERVICES = 100;
const CALLERS = 5;

const nameOf = (index: number) => `s${index % SERVICES}`;
const callersOf = (index: number) => Array.from({ length: CALLERS }, (_, step) => nameOf(index + step + 1));

/** A graph of 100 services, each called by the five behind it. */
const VALUES = {
  mesh: {
    applications: {
      scale: {
        namespace: NAMESPACE,
        services: Object.fromEntries(
          Array.from({ length: SERVICES }, (_, index) => [
            nameOf(index),
            {
              labels: { app: nameOf(index) },
              serviceAccount: nameOf(index),
              ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
              callers: callersOf(index).map((service) => ({ service })),
            },
          ]),
        ),
      },
    },
  },
};

/** The one service of the graph that runs. */
const SERVICE_0 = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: s0}
---
apiVersion: v1
kind: Service
metadata: {name: s0}
spec:
  selector: {app: s0}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: s0, labels: {app: s0}}
spec:
  serviceAccountName: s0
  containers: [{name: s0, image: "lab.local/client:lab", imagePullPolicy: Never}]
`;

let pod: Pod;

/** The commands of docs/operate/policies.md that move the application `shop`, for the graph above. */
function documentedMove(): string {
  return shellBlock("docs/operate/policies.md#large")
    .replaceAll("-n shop ", `-n ${NAMESPACE} `)
    .replaceAll(/\bshop\b/g, "scale")
    .replaceAll("-f values.yaml", "-f values.yaml -f scale.yaml")
    .replaceAll(" istio-teleport/istio-teleport ", ` '${REPOSITORY}/chart' `);
}

const policies = async () => {
  const listed = await shell(`kubectl -n ${NAMESPACE} get authorizationpolicies,peerauthentications -o json`);
  return (JSON.parse(listed) as { items: { metadata: Metadata; spec: object }[] }).items;
};

interface Metadata {
  name: string;
  uid: string;
  annotations: Record<string, string>;
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace(NAMESPACE, { meshed: true });
  writeFileSync(join(USER_DIR, "scale.yaml"), stringify(VALUES));
  await shell(`helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml -f scale.yaml`, {
    cwd: USER_DIR,
  });
  await shell(`kubectl -n ${NAMESPACE} apply -f -`, { input: SERVICE_0 });
  pod = await untilReady(NAMESPACE, "app=s0", 90);
});

afterAll(async () => {
  await shell("helm uninstall scale-policies -n teleport-system --ignore-not-found");
  await upgrade([]);
  await deleteNamespace(NAMESPACE);
});

describe(`a graph of ${SERVICES} services with ${CALLERS} callers each`, () => {
  it("is one policy per service, one deny-all and one PeerAuthentication", async () => {
    const objects = await shell(`kubectl -n ${NAMESPACE} get authorizationpolicies,peerauthentications -o name`);
    const names = objects.trim().split("\n");
    expect(names.filter((name) => name.includes("/allow-"))).toHaveLength(SERVICES);
    expect(names).toHaveLength(SERVICES + 2);
  });

  it("a sidecar holds its own service's callers and nobody else's", async () => {
    const own = callersOf(0).map((name) => `${TELEPORT_CLUSTER_NAME}/ns/${NAMESPACE}/sa/${name}`);
    const filters = await until("the sidecar has the policies", 60, async () => {
      const seen = await rbacFilters(NAMESPACE, pod.metadata.name);
      return seen.principals.length > 0 && seen;
    });
    process.stderr.write(
      `RBAC filters of one sidecar, ${SERVICES} services: ${filters.count} filters, ${filters.bytes} bytes as JSON, the longest ${filters.longest}\n`,
    );
    expect(filters.principals).toEqual(own.toSorted());
  });

  it("moves into a release of its own: the same objects, which the former release no longer holds", async () => {
    const before = await policies();
    await shell(`set -e\n${documentedMove()}`, { cwd: USER_DIR });
    const after = await policies();
    const kept = (objects: typeof before) => objects.map(({ metadata: { name, uid }, spec }) => ({ name, uid, spec }));
    expect(kept(after)).toEqual(kept(before));
    expect(new Set(after.map(({ metadata }) => metadata.annotations["meta.helm.sh/release-name"]))).toEqual(
      new Set(["scale-policies"]),
    );
    expect(after.filter(({ metadata }) => "helm.sh/resource-policy" in metadata.annotations)).toEqual([]);
    expect(await shell("helm get manifest istio-teleport -n teleport-system")).not.toContain(NAMESPACE);
    const checked = "npx -p istio-teleport istio-teleport doctor --pre --only helm-releases -f rest-values.yaml";
    expect(await shell(checked, { cwd: USER_DIR })).toContain("helm-releases");
  });
});
