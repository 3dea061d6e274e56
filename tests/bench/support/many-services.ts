import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { shell } from "../../lab/testkit/cluster/shell.ts";
import { REPOSITORY, USER_DIR } from "../../lab/testkit/installation/installation.ts";

const CALLERS = 5;
const nameOf = (index: number) => `s${index}`;

/** ServiceEntries for services without pods, one address each: to istiod and to a sidecar they are services as any. */
export function serviceEntries(namespace: string, from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, step) => {
    const index = from + step;
    return {
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: { name: nameOf(index), namespace },
      spec: {
        hosts: [`${nameOf(index)}.${namespace}.example`],
        location: "MESH_INTERNAL",
        resolution: "STATIC",
        ports: [{ name: "http", number: 80, protocol: "HTTP", targetPort: 8080 }],
        endpoints: [{ address: `10.${100 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}` }],
      },
    };
  });
}

/** What the chart makes of a graph of so many services, each called by five others. */
export async function compiledPolicies(namespace: string, services: number): Promise<object[]> {
  const graph = Object.fromEntries(
    Array.from({ length: services }, (_, index) => [
      nameOf(index),
      {
        labels: { app: nameOf(index) },
        serviceAccount: nameOf(index),
        ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
        callers: Array.from({ length: CALLERS }, (_, step) => ({ service: nameOf((index + step + 1) % services) })),
      },
    ]),
  );
  const file = join(USER_DIR, "many-services.yaml");
  writeFileSync(file, stringify({ mesh: { applications: { many: { namespace, services: graph } } } }));
  const rendered = await shell(
    `helm template istio-teleport '${REPOSITORY}/chart' -f values.yaml -f '${file}' --show-only templates/graph/applications.yaml`,
    { cwd: USER_DIR },
  );
  return parseAllDocuments(rendered)
    .map((document) => document.toJS() as object | null)
    .filter((document) => document !== null);
}

/** Creates objects. */
export async function create(items: readonly object[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items };
  await shell("kubectl create --validate=false -f -", { input: JSON.stringify(list) });
}

/** Removes all policies that `compiledPolicies` made for a namespace, in one request a kind. */
export async function deletePolicies(namespace: string): Promise<void> {
  for (const kind of ["authorizationpolicies", "peerauthentications"])
    await shell(`kubectl delete --raw /apis/security.istio.io/v1/namespaces/${namespace}/${kind}`);
}
