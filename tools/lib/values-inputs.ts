import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { isMap, isScalar, parseAllDocuments } from "yaml";
import { ExitError } from "./exit-error.ts";
import type { ValuesInputs } from "./helm.ts";

/** Where a user's values come from. */
export interface ValuesOptions {
  /** Values files in order; `-` is stdin and may be named once. */
  files?: readonly string[];
  /** `--set` assignments in Helm's syntax, applied after the files. */
  sets?: readonly string[];
  /** What `-` reads; default: the process's stdin. */
  stdin?: NodeJS.ReadableStream;
}

/**
 * Reads a user's values files and refuses what Helm would take silently: duplicate keys (the last one wins), further
 * documents (ignored) and files that are no map.
 *
 * @throws ExitError naming file, line and column.
 */
export async function readValuesInputs({ files = [], sets = [], stdin }: ValuesOptions): Promise<ValuesInputs> {
  if (files.filter((file) => file === "-").length > 1) {
    throw new ExitError("-f - is given twice, but stdin can be read only once: put the second one into a file.");
  }
  const read: ValuesInputs["files"] = [];
  for (const file of files) {
    const name = file === "-" ? "stdin" : file;
    const text = file === "-" ? await readStream(stdin ?? process.stdin) : await readText(file);
    checkValuesYaml(name, text);
    read.push({ name, text });
  }
  return { files: read, sets: [...sets] };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "does not exist" : code === "EISDIR" ? "is a directory" : `is not readable (${code})`;
    throw new ExitError(`The values file ${file} ${reason}: name an existing file with -f, or - for stdin.`);
  }
}

function checkValuesYaml(name: string, text: string): void {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return;
  const [first, second] = documents;
  const error = first?.errors[0];
  if (error) {
    const [start] = error.linePos ?? [];
    const place = start ? `${name}:${start.line}:${start.col}` : name;
    const reason = error.message.split(/ at line \d+/)[0];
    throw new ExitError(`${place}: ${reason}: correct the YAML of this values file.`);
  }
  if (second)
    throw new ExitError(`${name} holds more than one YAML document, of which Helm reads only the first: split it.`);
  const contents = first?.contents ?? null;
  if (contents !== null && !isMap(contents) && !(isScalar(contents) && contents.value === null)) {
    throw new ExitError(`${name} is not a map of values: it must look like \`global: {teleport: {...}}\`.`);
  }
}
