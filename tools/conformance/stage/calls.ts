import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { failed } from "../../programs/run.ts";
import { pause } from "../interruption.ts";
import type { Stage } from "./stage.ts";

/** What a client's curl met. */
export type Call =
  | { kind: "answered"; status: number; body: string }
  /** The connection was made, and the peer ended it without an answer. */
  | { kind: "ended"; code: number }
  /** Nothing was reached; by curl's own words. */
  | { kind: "failed"; code: number; words: string };

/** Seconds that one call may take. */
const CALL_TIMEOUT = 10;

/** Milliseconds between two calls. */
const PAUSE = 1_000;

/** curl's exit codes for no answer at all, and for a reset. */
const ENDED = [52, 56];

/**
 * Has a pod of the stage call a URL by curl.
 *
 * @throws ExitError (unavailable) when kubectl cannot run it there
 */
export async function call({ access, namespace, stop }: Stage, pod: string, url: string): Promise<Call> {
  const curl = [
    "curl",
    "--silent",
    "--show-error",
    `--max-time`,
    String(CALL_TIMEOUT),
    "--write-out",
    "\\n%{http_code}",
    url,
  ];
  const command = kubectlCommand(access, ["exec", `--namespace=${namespace}`, pod, "--container=app", "--", ...curl]);
  const purpose = `call ${url} from ${pod}`;
  const { code, stdout, stderr } = await access.runner.run(command, { purpose });
  stop.throwIfAborted();
  if (code === 0) {
    const text = stdout.toString();
    const end = text.lastIndexOf("\n");
    return { kind: "answered", status: Number(text.slice(end + 1)), body: text.slice(0, Math.max(end, 0)) };
  }
  // kubectl passes the exit code of what it ran on, and says so; its own failures it words otherwise.
  const own = /command terminated with exit code (\d+)/.exec(stderr)?.[1];
  if (own === undefined) throw failed(command, purpose, stderr);
  if (ENDED.includes(Number(own))) return { kind: "ended", code: Number(own) };
  const words = /^curl: \(\d+\) (.*?)\.?$/m.exec(stderr)?.[1] ?? "nothing";
  return { kind: "failed", code: Number(own), words };
}

/** Calls until the server's answer has this status, or the mesh had its time (`settledBy`); the last answer counts. */
export async function callUntil(stage: Stage, pod: string, url: string, status: number) {
  for (let calls = 1; ; calls++) {
    const last = await call(stage, pod, url);
    if ((last.kind === "answered" && last.status === status) || Date.now() >= stage.settledBy) return { last, calls };
    await pause(PAUSE, stage.stop);
  }
}

/** For people: "answered 403", "the connection was ended without an answer (curl 52)". */
export function described(last: Call): string {
  if (last.kind === "answered") return `answered ${last.status}`;
  if (last.kind === "ended") return `the connection was ended without an answer (curl ${last.code})`;
  return `nothing was reached: curl says "${last.words}" (${last.code})`;
}
