import { appendFile, copyFile, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import { type SigningKey, signingKey } from "../signing-key.ts";
import { madeFolder, newFolder } from "./folders.ts";
import { downloads, type Stage } from "./stage.ts";

/** Changes a file while `use` runs, or removes it where there is no change. */
export async function whileChanged<T>(
  file: string,
  change: ((content: Buffer) => Buffer) | undefined,
  use: () => Promise<T>,
): Promise<T> {
  const content = await readFile(file);
  try {
    if (change === undefined) await rm(file);
    else await writeFile(file, change(content));
    return await use();
  } finally {
    await writeFile(file, content);
  }
}

/** The same archive by another system, as the tenth byte of gzip's header says: it unpacks to the same, so only a hash can tell. */
export function otherHeader(archive: Buffer): Buffer {
  const changed = Buffer.from(archive);
  changed[9] = (changed[9] ?? 0) ^ 1;
  return changed;
}

/** The same with one other byte in the middle. */
export function flipByte(content: Buffer): Buffer {
  const changed = Buffer.from(content);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}

/** Serves another chart of the same name and version, signed with another key and in the index, while `use` runs. */
export async function withStrangersChart<T>(stage: Stage, use: (archive: string) => Promise<T>): Promise<T> {
  const { release, served } = stage;
  const folder = await newFolder(stage, "stranger");
  const key: SigningKey = await signingKey(folder, { throwAway: true });
  const charts = await madeFolder(folder, "charts");
  const chart = join(folder, "istio-teleport");
  await cp(join(release.root, "chart"), chart, { recursive: true });
  await appendFile(join(chart, "values.yaml"), "# Not ours.\n");
  const sign = ["--sign", "--key", key.name, "--keyring", key.secretKeyring];
  await run("helm", ["package", chart, "--destination", charts, ...sign]);
  await run("helm", ["repo", "index", charts, "--url", release.archives]);
  const target = (name: string) => join(name === "index.yaml" ? served : downloads(stage, release.version), name);
  const names = await readdir(charts);
  const ours = await Promise.all(names.map((name) => readFile(target(name))));
  try {
    for (const name of names) await copyFile(join(charts, name), target(name));
    return await use(join(charts, `istio-teleport-${release.version}.tgz`));
  } finally {
    for (const [index, name] of names.entries()) await writeFile(target(name), ours[index] ?? "");
  }
}
