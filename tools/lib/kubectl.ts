import { spawn } from "node:child_process";
import { EXIT, ExitError } from "./exit-error.ts";

/** Which cluster kubectl talks to; without both, the current context of the user's kubeconfig. */
export interface ClusterAccess {
  context?: string;
  kubeconfig?: string;
}

/** How long one call may take, in milliseconds; credential plugins may ask the user to log in meanwhile. */
const TIMEOUT = 60_000;

/**
 * Runs the user's kubectl, so that every credential plugin of the kubeconfig works, and returns its stdout.
 *
 * @param purpose what the call is for, as the sentences put it: "read the cluster's JWKS"
 * @throws ExitError (unavailable) with the mend when kubectl is missing, finds no cluster or is refused
 */
export async function kubectl(access: ClusterAccess, purpose: string, args: readonly string[]): Promise<Buffer> {
  const all = [
    ...(access.kubeconfig === undefined ? [] : [`--kubeconfig=${access.kubeconfig}`]),
    ...(access.context === undefined ? [] : [`--context=${access.context}`]),
    "--request-timeout=20s",
    ...args,
  ];
  return await new Promise((resolve, reject) => {
    // stdin stays the user's for credential plugins that ask something.
    const child = spawn("kubectl", all, { stdio: ["inherit", "pipe", "pipe"], timeout: TIMEOUT });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "kubectl is not on the PATH" : `kubectl did not start (${error.code})`;
      reject(
        new ExitError(
          `Could not ${purpose}: ${reason}; install it, or give a saved JWKS with --jwks-file.`,
          EXIT.unavailable,
        ),
      );
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(stdout));
      const said =
        signal === null ? Buffer.concat(stderr).toString() : `no answer within ${TIMEOUT / 1000} s (timeout)`;
      reject(new ExitError(`Could not ${purpose}: ${explain(said, access)}.`, EXIT.unavailable));
    });
  });
}

/** What kubectl says → what it means and the mend; the texts are those of kubectl 1.32 to 1.37. */
const CAUSES: readonly { pattern: RegExp; says: string }[] = [
  {
    pattern: /context .*does not exist|context was not found/,
    says: "the kubeconfig has no such context; `kubectl config get-contexts` lists them",
  },
  {
    pattern: /current-context is not set|no configuration has been provided|localhost:8080/,
    says: "no cluster is selected; name one with --context or --kubeconfig",
  },
  {
    pattern: /stat .*no such file|error loading config file|cannot read file/,
    says: "the kubeconfig cannot be read; check the path given with --kubeconfig or in KUBECONFIG",
  },
  {
    pattern: /Unauthorized|must be logged in|provide credentials/,
    says: "the API server does not accept your credentials (401); log in to the cluster again",
  },
  {
    pattern: /Forbidden|forbidden/,
    says: "the API server forbids it (403); use an account with the needed right, for the JWKS the ClusterRole system:service-account-issuer-discovery",
  },
  {
    pattern: /certificate|x509/,
    says: "the API server's certificate is not trusted; check the certificate authority in the kubeconfig",
  },
  {
    pattern: /refused|no such host|timeout|timed out|deadline exceeded|Unable to connect|no route to host|EOF/,
    says: "the API server does not answer; check that the cluster runs and that you reach it",
  },
];

function explain(stderr: string, access: ClusterAccess): string {
  const lines = stderr
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what another program says must not steer the terminal
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const last = lines.at(-1)?.slice(0, 300) ?? "it gave no reason";
  const cause = CAUSES.find(({ pattern }) => pattern.test(lines.join(" ")));
  const where = access.context === undefined ? "" : ` (context ${JSON.stringify(access.context)})`;
  return cause === undefined
    ? `kubectl${where} says: ${last.replace(/\.$/, "")}; run \`kubectl get --raw /openid/v1/jwks\` to look into it`
    : `${cause.says}${where}`;
}
