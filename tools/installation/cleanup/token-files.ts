import { readdir, readFile, stat } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { ExitError } from "../../base/exit-error.ts";
import { MAX_JSON_BYTES } from "../../teleport/join/json-strict.ts";
import { type StoredToken, storedTokens } from "../../teleport/join/stored-token.ts";
import { teleportNames } from "../../teleport/names.ts";
import type { Values } from "../../values/types.ts";

/** Files of the working directory that hold our join token, as `gen-token --output` writes it, and nothing else. */
export async function tokenFiles({ global }: Pick<Values, "global">): Promise<string[]> {
  const { joinToken, bot } = teleportNames({ global });
  const found: string[] = [];
  for (const file of (await readdir(".")).filter((name) => /\.(ya?ml|json)$/.test(name)).sort()) {
    const { size, isFile } = await stat(file).then((info) => ({ size: info.size, isFile: info.isFile() }));
    if (!isFile || size > MAX_JSON_BYTES) continue;
    const token = onlyToken(await readFile(file, "utf8"), file);
    if (token?.name === joinToken && token.botName === bot) found.push(file);
  }
  return found;
}

function onlyToken(text: string, file: string): StoredToken | undefined {
  try {
    const [token, second] = storedTokens(text, file);
    return second === undefined && parseAllDocuments(text).length === 1 ? token : undefined;
  } catch (error) {
    if (error instanceof ExitError) return undefined;
    throw error;
  }
}
