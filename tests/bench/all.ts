/**
 * `npm run bench`: all benchmarks that need no lab, one after the other; with `--lab` also those that run in one that is
 * up. Their results are saved, the table of all ratios is printed, and tables and pictures in docs/performance are made
 * anew. One that fails is named at the end, and the others run on.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { repositoryPath } from "../support/run-helm.ts";
import { ratioTable } from "./support/ratio-table.ts";
import type { Result } from "./support/result.ts";

const WITHOUT_LAB = ["start", "token", "render", "graph", "release", "report", "doctor"];
const IN_LAB = ["identity", "load", "push", "attestations"];

const npm = (...args: string[]) => spawnSync("npm", ["run", "--silent", ...args], { stdio: "inherit" }).status === 0;

const { values: flags } = parseArgs({ options: { lab: { type: "boolean", default: false } } });
const chosen = [...WITHOUT_LAB, ...(flags.lab ? IN_LAB : [])];
const failed = chosen.filter((name) => {
  process.stderr.write(`bench:${name}\n`);
  return !npm(`bench:${name}`, "--", "--save");
});
if (!npm("gen-schema")) failed.push("gen-schema");

const folder = repositoryPath("docs/performance/results");
const results = readdirSync(folder).map((file) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Result);
process.stdout.write(`## At a glance\n\n${ratioTable(results)}`);
if (failed.length > 0) {
  process.stderr.write(`bench: ${failed.join(", ")} failed; their results are those of before.\n`);
  process.exitCode = 1;
}
