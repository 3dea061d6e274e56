import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { ENVIRONMENT, installDependencies, PACKAGE } from "./build.ts";
import { DOCS, HOME, stage, stageFile, stageHome } from "./stage.ts";

/**
 * Serves the site on this machine until Ctrl-C.
 *
 * @param command `dev`: as docs/ is, and as it changes; `preview`: as it was built
 */
export async function serveDocs(command: "dev" | "preview"): Promise<void> {
  await installDependencies();
  if (command === "dev") {
    await stage();
    let work = stageHome();
    const afterwards = (restage: () => Promise<void>) => {
      work = work.then(restage);
    };
    watch(HOME, () => afterwards(stageHome)).unref();
    watch(DOCS, { recursive: true }, (_, path) => {
      if (path !== null) afterwards(() => stageFile(path));
    }).unref();
  }
  const server = spawn("npx", ["vitepress", command], {
    cwd: PACKAGE,
    env: { ...process.env, ...ENVIRONMENT },
    stdio: "inherit",
  });
  await once(server, "exit");
}
