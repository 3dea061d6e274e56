import { createReadStream } from "node:fs";
import { ExitError } from "../base/exit-error.ts";
import { unreadable } from "../base/unreadable.ts";
import { MAX_JSON_BYTES } from "../teleport/join/json-strict.ts";

/**
 * A file's bytes, or those of stdin for `-`; of a longer (perhaps endless) input only its start, one chunk more than
 * `MAX_JSON_BYTES`: enough to see that it is too long.
 *
 * @param what how the sentence calls the file: "JWKS"
 * @throws ExitError (refused) when the file cannot be read
 */
export async function readBounded(file: string, what: string): Promise<Buffer> {
  if (file === "-") return readStart(process.stdin);
  try {
    return await readStart(createReadStream(file));
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === undefined) throw error;
    throw new ExitError(`The ${what} file ${file} ${unreadable(failure)}: name an existing file, or - for stdin.`);
  }
}

async function readStart(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_JSON_BYTES) break;
  }
  return Buffer.concat(chunks);
}
