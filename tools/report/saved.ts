import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { ExitError } from "../base/exit-error.ts";
import { isRecord, jsonIn } from "../base/json-value.ts";
import { schemaCheck } from "../base/schema-check.ts";
import { graphFromJson } from "../graph/graph-from-json.ts";
import { report as matchesSchema } from "./compiled-report-schema.ts";
import type { ReportDocument } from "./document.ts";

const check = schemaCheck(matchesSchema, {});

/**
 * A report that `--format json` has written.
 *
 * @param flag for the sentences: which flag names it
 * @param file its path, `-` for stdin
 * @throws ExitError (refused) for anything else
 */
export async function readReport(flag: string, file: string): Promise<ReportDocument> {
  const what = file === "-" ? "stdin" : file;
  const document = jsonIn(file === "-" ? await readStream(process.stdin) : await readText(flag, file));
  if (!isRecord(document) || document.kind !== "istio-teleport report") {
    throw new ExitError(
      `${flag} ${what} is not a saved report: give it what \`istio-teleport report --format json\` printed.`,
    );
  }
  if (document.schemaVersion !== 1) {
    throw new ExitError(
      `${flag} ${what} has schemaVersion ${JSON.stringify(document.schemaVersion)}, and this istio-teleport reads 1: use the version that wrote it.`,
    );
  }
  check(document, `${flag} ${what}`);
  const report = document as unknown as ReportDocument;
  // Its callers must be in it, which a schema cannot say.
  if (report.graph !== null) graphFromJson(report.graph, `${flag} ${what}`);
  return report;
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(`${flag} ${file} could not be read (${code}); name a readable file, or - for stdin.`);
  }
}
