import { spawn } from "node:child_process";
import { EXIT, ExitError } from "../base/exit-error.ts";

/** Which cluster kubectl talks to; without both, the current context of the user's kubeconfig. */
export interface ClusterAccess {
  context?: string;
  kubeconfig?: string;
}

/** The flags by which kubectl finds the cluster. */
export function accessFlags({ kubeconfig, context }: ClusterAccess): string[] {
  return [
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
  ];
}

/** How long one call may take, in milliseconds; a credential plugin may open a browser to log in meanwhile. */
const TIMEOUT = 60_000;

/**
 * Runs the user's kubectl, so that every credential plugin of the kubeconfig works, and returns its stdout.
 *
 * @param purpose what the call is for, as the sentences put it: "read the cluster's JWKS"
 * @param instead what to do where there is no kubectl: "give a saved JWKS with --jwks-file"
 * @throws ExitError (unavailable) with the fix when kubectl is missing, finds no cluster or is refused
 */
export async function kubectl(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
  instead?: string,
): Promise<Buffer> {
  const all = [...accessFlags(access), "--request-timeout=20s", ...args];
  return await new Promise((resolve, reject) => {
    // Without stdin: a question of kubectl or of a credential plugin would wait unseen, since its text is captured.
    const child = spawn("kubectl", all, { stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "kubectl is not on the PATH" : `kubectl did not start (${error.code})`;
      const hint = instead === undefined ? "install it" : `install it, or ${instead}`;
      reject(new ExitError(`Could not ${purpose}: ${reason}; ${hint}.`, EXIT.unavailable));
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(stdout));
      const said =
        signal === null ? Buffer.concat(stderr).toString() : `no answer within ${TIMEOUT / 1000} s (timeout)`;
      reject(new ExitError(`Could not ${purpose}: ${explain(said, access)}.`, EXIT.unavailable));
    });
  });
}

/** What kubectl says → what it means and the fix; the texts are those of kubectl 1.32 to 1.37. */
const CAUSES: readonly { pattern: RegExp; meaning: string; quote?: true }[] = [
  {
    pattern: /context .*does not exist|context was not found|cannot locate context/,
    meaning: "the kubeconfig has no such context; `kubectl config get-contexts` lists them",
  },
  {
    pattern: /current-context (is not set|must exist)|no configuration has been provided|localhost:8080/,
    meaning: "no cluster is selected; name one with --context or --kubeconfig",
  },
  {
    pattern: /stat .*no such file|error loading config file|cannot read file/,
    meaning: "the kubeconfig cannot be read; check the path given with --kubeconfig or in KUBECONFIG",
  },
  {
    pattern: /Unauthorized|must be logged in|provide credentials|^error: EOF$/,
    meaning: "the API server does not accept your credentials (401); log in to the cluster again",
  },
  {
    pattern: /getting credentials/,
    meaning: "the kubeconfig's credential plugin failed; log in with the tool that it calls",
    quote: true,
  },
  {
    pattern: /forbidden/i,
    meaning: "the API server forbids it (403); use an account that may, or have the right granted",
    quote: true,
  },
  { pattern: /not found/i, meaning: "the cluster has no such object; correct the name", quote: true },
  {
    pattern: /x509|certificate/,
    meaning: "the API server's certificate is not trusted; check the certificate authority in the kubeconfig",
  },
  {
    pattern: /refused|no such host|timeout|timed out|deadline exceeded|Unable to connect|no route to host|EOF/,
    meaning: "the API server does not answer; check that the cluster runs and that you reach it",
  },
];

function explain(stderr: string, access: ClusterAccess): string {
  const lines = stderr
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what another program says must not steer the terminal
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const last = (lines.at(-1) ?? "it gave no reason").slice(0, 300).replace(/\.$/, "");
  const cause = CAUSES.find(({ pattern }) => pattern.test(lines.join(" ")));
  const context = access.context === undefined ? "" : ` (context ${JSON.stringify(access.context)})`;
  if (cause === undefined) return `kubectl${context} failed and says "${last}"; fix that and try again`;
  return `${cause.meaning}${context}${cause.quote ? `: ${last}` : ""}`;
}
