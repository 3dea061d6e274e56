/**
 * `npm run security-scan`: checkov over what the chart renders for each scenario of chart/ci. Each of its findings is either
 * accepted, with a reason, in accepted-findings.yaml, or fails; so does an accepted one that is no longer found.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { pythonProgram } from "../python-program.ts";
import { type Accepted, compareFindings, type Finding } from "./findings.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const REQUIREMENTS = join(HERE, "requirements.txt");
const SNAPSHOTS = fileURLToPath(new URL("../../tests/chart/__snapshots__/", import.meta.url));
const MAX_BYTES = 64 * 1024 * 1024;

const run = promisify(execFile);

/** What checkov finds in the rendered objects, each once. */
async function findings(): Promise<Finding[]> {
  const program = await pythonProgram("checkov", REQUIREMENTS);
  const folder = await mkdtemp(join(tmpdir(), "security-scan-"));
  try {
    await mkdir(join(folder, "objects"));
    for (const scenario of await readdir(SNAPSHOTS)) {
      await copyFile(join(SNAPSHOTS, scenario, "manifests.yaml"), join(folder, "objects", `${scenario}.yaml`));
    }
    const arguments_ = ["--directory", join(folder, "objects"), "--framework", "kubernetes", "--output", "json"];
    const { stdout } = await run(program, [...arguments_, "--compact", "--quiet", "--soft-fail", "--skip-download"], {
      maxBuffer: MAX_BYTES,
      // It asks nobody else, and finds no configuration of the user's.
      env: { PATH: process.env.PATH ?? "", HOME: folder, LOG_LEVEL: "ERROR" },
      cwd: folder,
    });
    const report = JSON.parse(stdout) as {
      results: { failed_checks: { check_id: string; check_name: string; resource: string }[] };
      summary: { parsing_errors: number; resource_count: number };
    };
    if (report.summary.parsing_errors > 0 || report.summary.resource_count === 0) {
      throw new Error(`checkov read ${report.summary.resource_count} objects, ${report.summary.parsing_errors} not`);
    }
    return report.results.failed_checks.map(({ check_id, check_name, resource }) => ({
      check: check_id,
      says: check_name,
      object: resource,
    }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const accepted = parse(await readFile(join(HERE, "accepted-findings.yaml"), "utf8")) as Accepted[];
const found = await findings();
const complaints = compareFindings(found, accepted);
for (const complaint of complaints) process.stderr.write(`security-scan: ${complaint}\n`);
if (complaints.length > 0) process.exitCode = 1;
else process.stdout.write(`${found.length} findings, all accepted for a reason in ${accepted.length} entries.\n`);
