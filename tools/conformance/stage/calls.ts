import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { failed } from "../../programs/run.ts";
import { pause } from "../interruption.ts";
import type { ClientName } from "./objects.ts";
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

/** How long the mesh may take to have the policies everywhere, in milliseconds, and the pause between two calls. */
const SETTLED = 30_000;
const PAUSE = 1_000;

/** curl's exit codes for no answer at all, and for a reset. */
const ENDED = [52, 56];

/**
 * Has a client call a URL by curl.
 *
 * @throws ExitError (unavailable) when kubectl cannot run it there
 */
export async function call({ access, namespace, stop }: Stage, client: ClientName, url: string): Promise<Call> {
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
  const command = kubectlCommand(access, [
    "exec",
    `--namespace=${namespace}`,
    client,
    "--container=app",
    "--",
    ...curl,
  ]);
  const purpose = `call ${url} from ${client}`;
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

/** Calls until the server's answer has this status, or the mesh had its time; the last answer counts. */
export async function callUntil(stage: Stage, client: ClientName, url: string, status: number) {
  const deadline = Date.now() + SETTLED;
  for (let calls = 1; ; calls++) {
    const last = await call(stage, client, url);
    if ((last.kind === "answered" && last.status === status) || Date.now() >= deadline) return { last, calls };
    await pause(PAUSE, stage.stop);
  }
}

/** For people: "answered 403", "the connection was ended without an answer (curl 52)". */
export function described(last: Call): string {
  if (last.kind === "answered") return `answered ${last.status}`;
  if (last.kind === "ended") return `the connection was ended without an answer (curl ${last.code})`;
  return `nothing was reached: curl says "${last.words}" (${last.code})`;
}
