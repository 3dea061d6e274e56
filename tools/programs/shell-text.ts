import type { ExternalCommand } from "./run.ts";

/**
 * The call as text for a POSIX shell; what it reads from standard input is a here-document.
 *
 * @param mayFail whether a script with `set -e` continues when it fails
 */
export function shellText({ program, args, stdin }: ExternalCommand, mayFail = false): string {
  const line = [program, ...args].map(shellWord).join(" ");
  const end = mayFail ? " || true\n" : "\n";
  if (stdin === undefined) return `${line}${end}`;
  let mark = "END";
  while (stdin.split("\n").includes(mark)) mark += "_";
  return `${line} <<'${mark}'${end}${stdin}${stdin.endsWith("\n") ? "" : "\n"}${mark}\n`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
