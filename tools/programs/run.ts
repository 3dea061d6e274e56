import { EXIT, ExitError } from "../base/exit-error.ts";
import { kubectlReason } from "./kubectl-reason.ts";
import { lastWords, linesOf } from "./last-words.ts";

/** One call of another program, as a person would type it. */
export interface ExternalCommand {
  program: string;
  args: readonly string[];
  /** What it reads from standard input; without it, nothing. */
  stdin?: string;
}

/** What a call is for and how long it may take. */
export interface CallOptions {
  /** As sentences put it: "install istiod". */
  purpose: string;
  /** After which the program and what it started are ended; default 60, since a person may have to log in or touch a security key meanwhile. */
  timeoutSeconds?: number;
  /** What to do where the program is missing; default "install it". */
  ifMissing?: string;
  /** Ends the program when nobody wants its answer any more. */
  signal?: AbortSignal;
}

/** What a finished call left. */
export interface Outcome {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** What a program that keeps running is for, and when it is ready. */
export interface ServeOptions extends Pick<CallOptions, "purpose" | "timeoutSeconds"> {
  /** It serves once it has printed this on stdout. */
  ready: string;
  /** Called when a signal ends this process, whose `finally` blocks do not run then. */
  onInterrupt(): void;
}

/** Runs other programs. Command files hand in the real one (tools/programs/system-runner.ts), tests a fake. */
export interface Runner {
  /**
   * Runs a program to its end, whatever its exit code. What it writes to stderr is shown when it still runs two seconds
   * later, as a credential plugin that waits for somebody to log in.
   *
   * @throws ExitError (unavailable) when it is missing, takes too long or is killed, or when the user interrupts
   */
  run(command: ExternalCommand, options: CallOptions): Promise<Outcome>;
  /**
   * Starts a program that serves until it is stopped; it never outlives this process.
   *
   * @returns what stops it
   * @throws ExitError (unavailable) when it does not serve in time
   */
  serve(command: ExternalCommand, options: ServeOptions): Promise<() => Promise<void>>;
}

/**
 * Runs a program that must succeed and returns its standard output.
 *
 * @throws ExitError (unavailable) with the program's own last words
 */
export async function mustRun(runner: Runner, command: ExternalCommand, options: CallOptions): Promise<string> {
  const { code, stdout, stderr } = await runner.run(command, options);
  if (code === 0) return stdout.toString();
  throw failed(command, options.purpose, stderr);
}

/** The failure of a program that ended by itself, with its own last words and the fix where it is known. */
export function failed({ program, args }: ExternalCommand, purpose: string, stderr: string): ExitError {
  // Helm asks the cluster by the same library; of localhost:8080 it says where no kubeconfig names a cluster.
  const asksCluster =
    program === "kubectl" || (program === "helm" && /localhost:8080|cluster unreachable/.test(stderr));
  const says = `${program} says "${lastWords(stderr)}"`;
  const reason = asksCluster ? kubectlReason(program, args, stderr) : program === "tctl" ? `${says}; ${LOG_IN}` : says;
  return new ExitError(`Could not ${purpose}: ${reason}.`, EXIT.unavailable);
}

const LOG_IN = "log in with `tsh login` as somebody who may manage roles, bots, tokens and workload identities";

/** Why a program did not come to an end of its own, and the fix. */
export const CUT = {
  missing: (fix = "install it") => `is not on the PATH; ${fix}`,
  /** @param code the operating system's: EACCES */
  refused: (code: string | undefined) =>
    code === "E2BIG"
      ? "did not start (E2BIG), since its arguments are too long; put values into a file"
      : `did not start (${code}); check that you may run it`,
  late: (seconds: number) => `gave no answer within ${seconds} s; run the same command again`,
  killed: (signal: NodeJS.Signals | null) => `was ended by ${signal}; run the same command again`,
  tooLong: (mebibytes: number) => `printed more than ${mebibytes} MiB; ask for less`,
} as const;

/** A program did not come to an end of its own, so what it would have said is not known. */
export class CutOff extends ExitError {
  /** @param message one sentence: what did not end, why, and the fix */
  constructor(message: string) {
    super(message, EXIT.unavailable);
  }
}

/** The user wants the command to stop: nobody may forgive this one and continue. */
export class Interrupted extends CutOff {}

/**
 * The failure of a program that did not come to an end of its own.
 *
 * @param why one of `CUT`
 * @param said what it wrote to stderr last, unless the user has seen it
 */
export function cutOff({ program }: ExternalCommand, purpose: string, why: string, said = ""): CutOff {
  const words = linesOf(said).length === 0 ? "" : `said "${lastWords(said)}", then `;
  return new CutOff(`Could not ${purpose}: ${program} ${words}${why}.`);
}

/** Whether something outside did not answer or refused, which callers that can do without may forgive. */
export function isUnavailable(error: unknown): error is ExitError {
  return error instanceof ExitError && error.code === EXIT.unavailable && !(error instanceof Interrupted);
}
