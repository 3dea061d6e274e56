import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { join } from "node:path";
import { ENVIRONMENT, installDependencies, PACKAGE } from "./build.ts";
import { ROOT, stage, stageDocs } from "./stage.ts";

/**
 * Serves the site on this machine until Ctrl-C.
 *
 * @param command `dev`: as docs/ is, and as it changes; `preview`: as it was built
 */
export async function serveDocs(command: "dev" | "preview"): Promise<void> {
  await installDependencies();
  if (command === "dev") {
    await stage();
    for (const written of ["docs", "site/home.md"]) {
      watch(join(ROOT, written), { recursive: true }, () => void stageDocs()).unref();
    }
  }
  const server = spawn("npx", ["vitepress", command], {
    cwd: PACKAGE,
    env: { ...process.env, ...ENVIRONMENT },
    stdio: "inherit",
  });
  await once(server, "exit");
}
