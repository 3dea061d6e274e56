import { shell } from "./shell.ts";

/** Kinds that change by themselves. */
const OF_NO_ONE = /^events(\.|$)/;

/**
 * All objects of all kinds in the cluster, with their labels, and all that the tools make in Teleport, a line each:
 * what "as before" means.
 */
export async function everything(): Promise<string[]> {
  const kinds = (await shell("kubectl api-resources --verbs=list -o name"))
    .split("\n")
    .filter((kind) => kind !== "" && !OF_NO_ONE.test(kind));
  const [objects, ...resources] = await Promise.all([
    shell(`kubectl get ${kinds.join(",")} -A -o json`),
    ...["role", "bot", "workload_identity", "token"].map((kind) => shell(`tctl get ${kind} --format json`)),
  ]);
  const { items } = JSON.parse(objects) as {
    items: { kind: string; metadata: { namespace?: string; name: string; labels?: object } }[];
  };
  const lines = items.map(
    ({ kind, metadata: { namespace = "", name, labels = {} } }) =>
      `${kind} ${namespace}/${name} ${JSON.stringify(labels)}`,
  );
  return [...lines.sort(), ...resources];
}
