import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** Makes a folder that only its owner reads. Returns its path. */
export async function madeFolder(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path, { mode: 0o700 });
  return path;
}

let made = 0;

/** A folder that is empty: for somebody who comes from nowhere. */
export function newFolder({ scratch }: { readonly scratch: string }, name: string): Promise<string> {
  return madeFolder(scratch, `${name}-${++made}`);
}
