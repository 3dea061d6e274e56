import { spawn } from "node:child_process";
import { basename } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { lastWords } from "../../tools/programs/last-words.ts";

/**
 * What may publish in our name: each is handed only to the programs that need it. What builds runs code of hundreds of
 * packages.
 */
const SECRETS = {
  github: ["GH_TOKEN", "GITHUB_TOKEN"],
  identity: ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"],
  key: ["RELEASE_PGP_KEY"],
} as const;

/** Where and with what a program of the release runs. */
export interface RunOptions {
  /** Default: the repository's root, which is where `npm run` starts. */
  readonly cwd?: string;
  /** Which secret it gets; without it, none. */
  readonly secret?: keyof typeof SECRETS;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from standard input; without it, nothing. */
  readonly stdin?: string;
}

/** What a program left, whatever its exit code. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @throws ExitError (unavailable) when it is not on the PATH
 */
export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: { ...environment(options.secret), ...options.env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "is not on the PATH; install it" : `did not start (${error.code})`;
      reject(new ExitError(`${program} ${reason}.`, EXIT.unavailable));
    });
    child.on("close", (code) => {
      resolve({ code: code ?? 1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
    // A program that ends before it has read everything says why by itself.
    child.stdin.on("error", () => {}).end(options.stdin ?? "");
  });
}

/** The environment of this process, without the secrets but one. */
function environment(secret: RunOptions["secret"]): NodeJS.ProcessEnv {
  const kept: readonly string[] = secret === undefined ? [] : SECRETS[secret];
  const hidden = new Set<string>(Object.values(SECRETS).flat());
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.includes(name) || !hidden.has(name)));
}

/**
 * Runs a program that must succeed and returns its standard output.
 *
 * @throws ExitError (unavailable) with the program's own last words
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(program, args, options);
  if (code === 0) return stdout;
  const words = lastWords(stderr.trim() === "" ? stdout : stderr);
  throw new ExitError(`${shown([basename(program), ...args.slice(0, 2)])} failed: ${words}.`, EXIT.unavailable);
}

/** A command as a person would type it. */
export function shown(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
