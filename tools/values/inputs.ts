import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { isMap, isNode, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import { ExitError } from "../base/exit-error.ts";
import { unreadable } from "../base/unreadable.ts";
import { type Assignment, setFlag } from "../programs/assignments.ts";
import type { ValuesInputs } from "../programs/helm.ts";
import type { Runner } from "../programs/run.ts";

/** Where a user's values come from. */
export interface ValuesOptions {
  /** Values files in order; `-` is stdin and may be named once. */
  files?: readonly string[];
  /** Assignments in Helm's syntax, applied after the files. */
  sets?: readonly Assignment[];
  /** Name or alias of the chart in a parent chart, whose values the files hold; absent when the chart's are at the top. */
  key?: string | undefined;
  /** What `-` reads; default: the process's stdin. */
  stdin?: NodeJS.ReadableStream;
}

/**
 * Reads a user's values files and refuses what Helm would take silently: duplicate keys (the last one wins), further
 * documents (ignored), files that are no map, and `null` for our keys below `global` (mostly ignored: the default comes
 * back through the subcharts).
 *
 * @throws ExitError naming file, line and column.
 */
export async function readValuesInputs(runner: Runner, options: ValuesOptions): Promise<ValuesInputs> {
  const { files = [], sets = [], key, stdin } = options;
  if (files.filter((file) => file === "-").length > 1) {
    throw new ExitError("-f - is given twice, but stdin can be read only once: put the second one into a file.");
  }
  const read: ValuesInputs["files"] = [];
  for (const file of files) {
    const name = file === "-" ? "stdin" : file;
    const text = file === "-" ? await readStream(stdin ?? process.stdin) : await readText(file);
    checkValuesYaml(name, text, key);
    read.push({ name, text });
  }
  const ignored = sets.find(isNullInGlobal);
  if (ignored !== undefined) throw new ExitError(`${setFlag(ignored).replace("=", " ")}: ${NULL_IN_GLOBAL}`);
  const unprintable = sets.find((assignment) => UNPRINTABLE.test(setFlag(assignment)));
  if (unprintable !== undefined) throw new ExitError(`${JSON.stringify(setFlag(unprintable))}: ${CONTROL_CHARACTER}`);
  const inputs = { files: read, sets: [...sets] };
  if (key === undefined) return inputs;
  const { valuesUnderKey } = await import("./nested.ts");
  return valuesUnderKey(runner, inputs, key);
}

/** What YAML cannot hold and JSON does not escape: for a map with one Helm's templates print nothing, without a word. */
const UNPRINTABLE = /[\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]/;
const CONTROL_CHARACTER =
  "a control character stands there, at which Helm would leave out the whole map or list: remove it.";

const NULL_IN_GLOBAL =
  "a key below global.teleport cannot be null: leave it out for its default, or give it another value.";

function isNullInGlobal(assignment: Assignment): boolean {
  if (typeof assignment === "string") return /(^|[,.])global\.teleport\b[^,]*=null(,|$)/.test(assignment);
  const { flag, text } = assignment;
  return flag === "--set-json" && /^global(\.teleport\b|=)/.test(text) && /[=:,[]\s*null\s*([,}\]]|$)/.test(text);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const reason = unreadable(error as NodeJS.ErrnoException);
    throw new ExitError(`The values file ${file} ${reason}: name an existing file with -f, or - for stdin.`);
  }
}

function checkValuesYaml(name: string, text: string, key: string | undefined): void {
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
  if (!isMap(contents)) return;
  visit(contents, {
    Scalar: (_, { value, range }) => {
      if (typeof value !== "string" || !UNPRINTABLE.test(value)) return;
      const { line, col } = lines.linePos(range?.[0] ?? 0);
      throw new ExitError(`${name}:${line}:${col}: ${CONTROL_CHARACTER}`);
    },
  });
  for (const above of key === undefined ? [[]] : [[], [key]]) {
    const ours = contents.getIn([...above, "global", "teleport"], true);
    if (!isNode(ours)) continue;
    visit(ours, {
      Scalar: (role, { value, range }) => {
        if (value !== null || role === "key") return;
        const { line, col } = lines.linePos(range?.[0] ?? 0);
        throw new ExitError(`${name}:${line}:${col}: ${NULL_IN_GLOBAL}`);
      },
    });
  }
}
