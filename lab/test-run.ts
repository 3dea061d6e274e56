import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { insideLab } from "./namespaces.ts";
import { LAB_SOURCES, type LabPaths } from "./paths.ts";
import { labEnvironment } from "./toolbox.ts";

/** Runs the lab tests (vitest project `lab`) inside the lab. Returns vitest's exit code. */
export function runTests(paths: LabPaths, filters: readonly string[]): Promise<number> {
  const repository = dirname(LAB_SOURCES);
  const vitest = [
    process.execPath,
    join(repository, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--project",
    "lab",
    ...filters,
  ];
  const [file, ...args] = insideLab(paths, vitest) as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...labEnvironment(paths) };
    const child = spawn(file, args, { cwd: repository, env, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
