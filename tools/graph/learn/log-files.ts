import { createReadStream } from "node:fs";
import { ExitError } from "../../base/exit-error.ts";

/**
 * The lines of a file, or of stdin for `-`, as they arrive.
 *
 * @throws ExitError (refused) while reading, when the file cannot be read
 */
export async function* linesOf(file: string, stdin: NodeJS.ReadStream = process.stdin): AsyncGenerator<string> {
  const input = file === "-" ? stdin.setEncoding("utf8") : createReadStream(file, "utf8");
  let rest = "";
  try {
    for await (const chunk of input) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const reason = code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a directory" : `fails (${code})`;
    throw new ExitError(`The access log ${file} ${reason}: name an existing file with --log, or - for stdin.`);
  }
  if (rest !== "") yield rest;
}
