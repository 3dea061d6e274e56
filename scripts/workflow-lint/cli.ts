/**
 * `npm run workflow-lint`: actionlint and zizmor over .github/workflows. actionlint says what GitHub would not run, zizmor
 * what an attacker could use. Neither asks anybody else.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonProgram } from "../python-program.ts";
import { builtProgram } from "../release/programs.ts";
import { tryRun } from "../release/run.ts";

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const WORKFLOWS = fileURLToPath(new URL("../../.github/workflows/", import.meta.url));

const files = readdirSync(WORKFLOWS).map((file) => join(WORKFLOWS, file));
const linters = [
  // Without shellcheck, which may be on one machine and not on another.
  { program: await builtProgram("actionlint"), args: ["-no-color", "-shellcheck=", "-pyflakes=", ...files] },
  {
    program: await pythonProgram("zizmor", REQUIREMENTS),
    args: ["--offline", "--no-progress", "--color=never", "--persona=pedantic", ...files],
  },
];
for (const { program, args } of linters) {
  const { code, stdout, stderr } = await tryRun(program, args);
  if (code === 0) continue;
  process.stderr.write(`${stdout}${stderr}\n`);
  process.exitCode = 1;
}
if (process.exitCode === undefined) process.stdout.write(`${files.length} workflows, nothing found.\n`);
