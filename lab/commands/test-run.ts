import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { GO_ENVIRONMENT } from "../build/components.ts";
import { NODE_DRIVER_REGISTRAR_RECIPE, SOCK_SHOP_STAND_IN_RECIPE, TELEPORT_DOUBLE_RECIPE } from "../build/recipes.ts";
import { labEnvironment } from "../build/toolbox.ts";
import { insideLab } from "../machine/namespaces.ts";
import { LAB_SOURCES, type LabPaths } from "../machine/paths.ts";

/**
 * Runs the lab tests (vitest project `lab`) inside the lab. Returns vitest's exit code.
 *
 * @param vitestArguments filters (parts of file paths) and options of `vitest run`
 */
export function runTests(paths: LabPaths, vitestArguments: readonly string[]): Promise<number> {
  const repository = dirname(LAB_SOURCES);
  const vitest = [
    process.execPath,
    join(repository, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--project",
    "lab",
    ...vitestArguments,
  ];
  return visibly(insideLab(paths, vitest), repository, { ...labEnvironment(paths), LAB_CACHE_DIR: paths.root });
}

/** Runs a command inside the lab, in the current folder, with the lab's programs on its PATH. Returns its exit code. */
export function execute(paths: LabPaths, command: readonly string[]): Promise<number> {
  return visibly(insideLab(paths, command), process.cwd(), labEnvironment(paths));
}

/** Checks and tests the lab's own Go programs; needs Go, but no lab. Returns the exit code of the first command that fails, else 0. */
export async function runGoTests(): Promise<number> {
  for (const { module } of [TELEPORT_DOUBLE_RECIPE, SOCK_SHOP_STAND_IN_RECIPE, NODE_DRIVER_REGISTRAR_RECIPE]) {
    for (const command of [
      ["go", "vet", "./..."],
      ["go", "test", "./..."],
    ]) {
      const code = await visibly(command, join(LAB_SOURCES, module), GO_ENVIRONMENT);
      if (code !== 0) return code;
    }
  }
  return 0;
}

/** Runs a command with its output where ours goes. Returns its exit code. */
function visibly(command: readonly string[], cwd: string, extraEnv: Readonly<Record<string, string>>): Promise<number> {
  const [file, ...args] = command as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: { ...process.env, ...extraEnv }, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
