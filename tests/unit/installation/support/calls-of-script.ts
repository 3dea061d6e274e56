import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "vitest";
import { changeOf } from "./fake-programs.ts";

/**
 * The calls of helm, kubectl and tctl that a shell makes of a script, in the form of `FakePrograms.changes`. The programs
 * only note how they are called.
 */
export async function callsOfScript(script: string): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "script-test-"));
  try {
    for (const program of ["helm", "kubectl", "tctl"]) {
      const file = join(directory, program);
      await writeFile(
        file,
        `#!/bin/sh\n{ printf '%s\\n' ${program} "$#" "$@"; cat; printf '\\0'; } >>'${directory}/calls'\n`,
      );
      await chmod(file, 0o755);
    }
    await writeFile(join(directory, "script"), script);
    const env = { ...process.env, PATH: `${directory}${delimiter}${process.env.PATH}` };
    const { stderr, status } = spawnSync("sh", [join(directory, "script")], { encoding: "utf8", env });
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const calls = (await readFile(join(directory, "calls"), "utf8")).split("\0").slice(0, -1);
    return calls.map((call) => {
      const [program = "", count = "", ...lines] = call.split("\n");
      const args = lines.slice(0, Number(count));
      const stdin = lines.slice(Number(count)).join("\n");
      return changeOf({ program, args, ...(stdin !== "" && { stdin }) });
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}
