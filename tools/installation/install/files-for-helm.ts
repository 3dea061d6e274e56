import { stat } from "node:fs/promises";
import { ExitError } from "../../base/exit-error.ts";
import type { InstallFlags } from "./flags.ts";

/** Names of standard input as a file, which is another one in a program that is started. */
const STDIN = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/**
 * The flags with `-` for every name of standard input. Helm reads values files by itself, after they were checked, and a
 * script of --dry-run later still: what is read once has to come on standard input.
 *
 * @throws ExitError (refused) for another pipe, as `<(sops decrypt values.yaml)` is one
 */
export async function withFilesForHelm(flags: InstallFlags): Promise<InstallFlags> {
  return {
    ...flags,
    values: await Promise.all(flags.values.map((file) => forHelm(file, "-f"))),
    istiodValues: await Promise.all(flags.istiodValues.map((file) => forHelm(file, "--istiod-values"))),
  };
}

async function forHelm(file: string, flag: string): Promise<string> {
  if (file === "-" || STDIN.includes(file)) return "-";
  // Whoever reads it says what is wrong with a file that is not there.
  const info = await stat(file).catch(() => undefined);
  if (info === undefined || !(info.isFIFO() || info.isSocket())) return file;
  throw new ExitError(
    `${flag} ${file} can be read only once, and Helm reads it again; ${flag === "-f" ? "pipe it to -f -, or " : ""}save it in a file.`,
  );
}
