import { shell } from "../cluster/shell.ts";

/**
 * Takes kubectl out of an object's field owners: Helm 4 would refuse to change what somebody else owns, or not remove it.
 */
export async function giveBack(namespace: string, name: string): Promise<void> {
  const object = `-n ${namespace} ${name}`;
  const { metadata } = JSON.parse(await shell(`kubectl get ${object} -o json --show-managed-fields`)) as {
    metadata: { managedFields: { manager: string }[] };
  };
  const kept = metadata.managedFields.filter(({ manager }) => !manager.startsWith("kubectl"));
  if (kept.length === metadata.managedFields.length) throw new Error(`${name} was not edited: take it out of EDITED`);
  const patch = [{ op: "replace", path: "/metadata/managedFields", value: kept }];
  const quoted = JSON.stringify(patch).replaceAll("'", "'\\''");
  await shell(`kubectl patch ${object} --type=json -p '${quoted}'`);
}
