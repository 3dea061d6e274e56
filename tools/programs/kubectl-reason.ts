import { lastWords, linesOf } from "./last-words.ts";

/** What kubectl says → what it means and the fix; the texts are those of kubectl 1.32 to 1.37. */
const CAUSES: readonly { pattern: RegExp; meaning: string; quote?: true }[] = [
  {
    pattern: /context .*does not exist|context was not found|cannot locate context/,
    meaning: "the kubeconfig has no such context; `kubectl config get-contexts` lists them",
  },
  {
    pattern: /current-context (is not set|must exist)|no configuration has been provided|localhost:8080/,
    meaning: "no cluster is selected; name one with --context, or set KUBECONFIG",
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

/**
 * Why a call of kubectl failed, and the fix.
 *
 * @param args of the call; the context that they name is named
 */
export function kubectlReason(args: readonly string[], stderr: string): string {
  const flag = "--context=";
  const given = args.find((argument) => argument.startsWith(flag))?.slice(flag.length);
  const context = given === undefined ? "" : ` (context ${JSON.stringify(given)})`;
  const said = linesOf(stderr).join(" ");
  const cause = CAUSES.find(({ pattern }) => pattern.test(said));
  if (cause === undefined) return `kubectl${context} says "${lastWords(stderr)}"; fix that and try again`;
  return `${cause.meaning}${context}${cause.quote ? `: ${lastWords(stderr)}` : ""}`;
}
