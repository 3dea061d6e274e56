import { readFile } from "node:fs/promises";
import { ExitError } from "../../base/exit-error.ts";

/**
 * The headers that `--prometheus-header` gives, each `Name: value`, or `@file` with one per line: what stands on a command
 * line can be read by everybody on the machine.
 *
 * @throws ExitError (refused) for what is no header; the sentence never has its value, which may be a secret
 */
export async function readHeaders(flags: readonly string[]): Promise<Headers> {
  const headers = new Headers();
  for (const flag of flags) {
    const isFile = flag.startsWith("@");
    const lines = isFile ? (await readText(flag.slice(1))).split(/\r?\n/) : [flag];
    const source = isFile ? `the file ${flag.slice(1)}` : "--prometheus-header";
    for (const line of lines.filter((text) => text.trim() !== "")) {
      const [, name, value] = /^([A-Za-z0-9-]+):\s*([!-~][ -~]*?)\s*$/.exec(line) ?? [];
      try {
        if (name === undefined || value === undefined) throw new TypeError();
        headers.append(name, value);
      } catch {
        throw new ExitError(`A line of ${source} is no header: give it as "Name: value".`);
      }
    }
  }
  return headers;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(`The file ${file} of --prometheus-header cannot be read (${code}): name a file with headers.`);
  }
}
