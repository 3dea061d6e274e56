import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { say } from "../../tools/terminal/say.ts";
import { run } from "./run.ts";

/** Programs that the release needs and that no package registry has built: each from a Go module pinned by go.sum here. */
const PROGRAMS = {
  crane: { module: "small", package: "github.com/google/go-containerregistry/cmd/crane", takes: "a minute" },
  actionlint: { module: "small", package: "github.com/rhysd/actionlint/cmd/actionlint", takes: "half a minute" },
  // 1,765 packages. A module of its own: its dependencies are older than the others'.
  cosign: { module: "cosign", package: "github.com/sigstore/cosign/v3/cmd/cosign", takes: "ten minutes on two cores" },
} as const;

/**
 * Path of a program, built at its first use into `$XDG_CACHE_HOME/istio-teleport` (default `~/.cache`). It is built again
 * when its go.sum changes.
 *
 * @throws ExitError (unavailable) when Go is missing or the build fails
 */
export async function builtProgram(name: keyof typeof PROGRAMS): Promise<string> {
  const { module, package: path, takes } = PROGRAMS[name];
  const cwd = fileURLToPath(new URL(`programs/${module}`, import.meta.url));
  const pins = createHash("sha256")
    .update(await readFile(join(cwd, "go.sum")))
    .digest("hex");
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "istio-teleport", "release-programs");
  const program = join(folder, `${name}-${pins.slice(0, 12)}`);
  if (
    await access(program).then(
      () => true,
      () => false,
    )
  )
    return program;
  say(`building ${name} from its Go module (about ${takes})`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${program}.${process.pid}`;
  try {
    await run("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", partial, path], {
      cwd,
      env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
    });
    await rename(partial, program);
  } finally {
    await rm(partial, { force: true });
  }
  return program;
}
