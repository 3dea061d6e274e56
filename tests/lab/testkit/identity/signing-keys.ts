import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { startNodeDaemon } from "../cluster/node-daemons.ts";
import { onePod } from "../cluster/pods.ts";
import { shell } from "../cluster/shell.ts";

/** A key for service account tokens: the lab's own, or the one that takes its place for a while. */
export type SigningKey = "service-account" | "service-account-new";

const file = (key: SigningKey, ending: "key" | "pub") => join(labPaths().pki, `${key}.${ending}`);

const KNOWN_FLAG = "--service-account-key-file=";
const SIGNING_FLAGS = ["--service-account-signing-key-file=", "--service-account-private-key-file="];

export async function makeNewKey(): Promise<void> {
  const { pki } = labPaths();
  await shell(`set -e\n${shellBlock("docs/operate/key-rotation.md#new-key")}`, { cwd: pki });
  for (const ending of ["key", "pub"] as const)
    renameSync(join(pki, `sa-new.${ending}`), file("service-account-new", ending));
}

/** Removes the new key's files; nothing may run with them any longer. */
export function removeNewKey(): void {
  for (const ending of ["key", "pub"] as const) rmSync(file("service-account-new", ending), { force: true });
}

/**
 * Restarts the API server so that it knows these keys, and it and the controller manager so that they sign with one of
 * them. What runs with these flags already is left alone. With the lab's own key alone the flags are the lab's own.
 */
export async function useSigningKeys(signing: SigningKey, known: readonly SigningKey[]): Promise<void> {
  const replace = (flags: readonly string[]) =>
    flags.flatMap((flag) => {
      if (flag.startsWith(KNOWN_FLAG)) return known.map((key) => `${KNOWN_FLAG}${file(key, "pub")}`);
      const signs = SIGNING_FLAGS.find((each) => flag.startsWith(each));
      return [signs === undefined ? flag : `${signs}${file(signing, "key")}`];
    });
  await startNodeDaemon("kube-apiserver", replace);
  await startNodeDaemon("kube-controller-manager", replace);
}

/** The IDs of the keys that the API server publishes. */
export async function publishedKids(): Promise<string[]> {
  const { keys } = JSON.parse(await shell("kubectl get --raw /openid/v1/jwks")) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

/** The ID of the key that signed the join token of tbot's running pod, from the file that the kubelet put there. */
export async function kidOfJoinToken(): Promise<string> {
  const { metadata } = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
  const pods = join(labPaths().state, "kubelet", "pods");
  const volume = join(pods, metadata.uid, "volumes", "kubernetes.io~projected", "join-token");
  const [name] = readdirSync(volume).filter((entry) => !entry.startsWith(".."));
  if (name === undefined) throw new Error(`no token in ${volume}`);
  const [header = ""] = readFileSync(join(volume, name), "utf8").split(".");
  return (JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string }).kid;
}
