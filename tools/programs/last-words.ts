import { COLOUR } from "../base/printable.ts";

/** How the last words of a program begin: Helm, kubectl and tctl each in their own way. */
const BEGINNING =
  /^(error: |error from server|error in configuration|unable to connect to the server|the connection to the server)/i;

/** Characters that are quoted: a whole page may be among them. */
const MOST = 500;

/** The reason in what a program wrote to stderr: its "Error: …" to the end, else its last line; one line, no controls. */
export function lastWords(stderr: string): string {
  const lines = withoutLog(stderr);
  const start = lines.findLastIndex((line) => BEGINNING.test(line));
  const words = (start === -1 ? lines.slice(-1) : lines.slice(start)).join(" ").replace(/^error: /i, "") || "nothing";
  return words.length > MOST ? `${words.slice(0, MOST)}…` : words.replace(/\.$/, "");
}

/** Whether a line is of kubectl's own log: "E1128 14:48:21.415009   31195 memcache.go:381] …". */
export function isLog(line: string): boolean {
  return /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ /.test(line);
}

/** The lines without those of kubectl's own log, if it says anything else. */
export function withoutLog(stderr: string): string[] {
  const lines = linesOf(stderr);
  const said = lines.filter((line) => !isLog(line));
  return said.length === 0 ? lines : said;
}

/**
 * Bearer tokens of clusters: JWTs, and those of EKS and GKE. A credential plugin that logs for debugging writes them to
 * stderr, and what is quoted of it ends in reports and CI logs.
 */
const TOKEN = /\beyJ[\w-]{5,}(?:\.[\w-]*)+|\bk8s-aws-v1\.[\w-]+|\bya29\.[\w.-]+/g;

/** The lines of what a program wrote that hold something, without tokens and what would steer the terminal. */
export function linesOf(stderr: string): string[] {
  return (
    stderr
      .replaceAll(COLOUR, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what another program says must not steer the terminal
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
      .replaceAll(TOKEN, "(a token)")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
  );
}
