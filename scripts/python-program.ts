import { execFile } from "node:child_process";
import { access, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Path of a program from PyPI, in a Python environment of its own below `$XDG_CACHE_HOME/istio-teleport` (default
 * `~/.cache`); made at the first use, and again when its requirements change.
 *
 * @param name the program and its distribution
 * @param requirements path of a requirements.txt that pins it and all that it needs
 */
export async function pythonProgram(name: string, requirements: string): Promise<string> {
  const pins = await readFile(requirements, "utf8");
  const version = new RegExp(`^${name}==(\\S+)`, "m").exec(pins)?.[1];
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "istio-teleport", `${name}-${version}`);
  const program = join(folder, "bin", name);
  const complete = join(folder, "complete");
  const made = await readFile(complete, "utf8").catch(() => "");
  if (made !== pins) {
    process.stderr.write(`installing ${name} ${version} from PyPI (about a minute)\n`);
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    await run(join(folder, "bin", "pip"), ["install", "--quiet", "--only-binary=:all:", "-r", requirements]);
    await writeFile(complete, pins);
  }
  await access(program);
  return program;
}
