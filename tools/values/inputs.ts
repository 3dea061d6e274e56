import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { isMap, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import { ExitError } from "../base/exit-error.ts";
import { type Assignment, setFlag } from "../programs/assignments.ts";
import type { ValuesInputs } from "../programs/helm.ts";

/** Where a user's values come from. */
export interface ValuesOptions {
  /** Values files in order; `-` is stdin and may be named once. */
  files?: readonly string[];
  /** Assignments in Helm's syntax, applied after the files. */
  sets?: readonly Assignment[];
  /** What `-` reads; default: the process's stdin. */
  stdin?: NodeJS.ReadableStream;
}

/**
 * Reads a user's values files and refuses what Helm would take silently: duplicate keys (the last one wins), further
 * documents (ignored), files that are no map, and `null` below `global` (mostly ignored: the default comes back
 * through the subcharts).
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
  const ignored = sets.find(isNullInGlobal);
  if (ignored !== undefined) throw new ExitError(`${setFlag(ignored).replace("=", " ")}: ${NULL_IN_GLOBAL}`);
  return { files: read, sets: [...sets] };
}

const NULL_IN_GLOBAL = "a key below global cannot be null: leave it out for its default, or give it another value.";

function isNullInGlobal(assignment: Assignment): boolean {
  if (typeof assignment === "string") return /(^|,)global\.[^,]*=null(,|$)/.test(assignment);
  const { flag, text } = assignment;
  return flag === "--set-json" && /^global[.=]/.test(text) && /[=:,[]\s*null\s*([,}\]]|$)/.test(text);
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
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
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
    throw new ExitError(`${name} holds more than one YAML document, and Helm reads only the first: split it.`);
  const contents = first?.contents ?? null;
  if (contents !== null && !isMap(contents) && !(isScalar(contents) && contents.value === null)) {
    throw new ExitError(`${name} is not a map of values: it must look like \`global: {teleport: {...}}\`.`);
  }
  const global = isMap(contents) ? contents.get("global", true) : undefined;
  if (!isMap(global)) return;
  visit(global, {
    Pair: (_, { value }) => {
      if (value !== null && !(isScalar(value) && value.value === null)) return;
      const { line, col } = lines.linePos(value?.range?.[0] ?? 0);
      throw new ExitError(`${name}:${line}:${col}: ${NULL_IN_GLOBAL}`);
    },
  });
}
