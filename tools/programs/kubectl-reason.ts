import { lastWords, withoutLog } from "./last-words.ts";

/** What kubectl says → the fix, the first that matches; the texts are those of kubectl 1.32 to 1.37 and of common plugins. */
const FIXES: readonly { pattern: RegExp; fix: string }[] = [
  {
    pattern: /context .*does not exist|context was not found|cannot locate context/,
    fix: "the kubeconfig has no such context: `kubectl config get-contexts` lists them",
  },
  {
    pattern: /current-context (is not set|must exist)|no configuration has been provided|localhost:8080/,
    fix: "no cluster is selected: name one with --context, or set KUBECONFIG",
  },
  {
    pattern: /permission denied/,
    fix: "you may not read or run that file: use a kubeconfig and programs of your own",
  },
  {
    pattern: /unable to read .* due to/,
    fix: "the kubeconfig names a file that cannot be read: write the kubeconfig anew",
  },
  {
    pattern: /stat .*no such file|cannot read file/,
    fix: "the kubeconfig cannot be read: check the path given with --kubeconfig or in KUBECONFIG",
  },
  { pattern: /error loading config file/, fix: "the kubeconfig is not valid: correct it, or write it anew" },
  {
    pattern: /browser|xdg-open/,
    fix: "the kubeconfig's credential plugin needs a browser: log in where there is one, or set up the plugin's login without one",
  },
  {
    pattern: /getting credentials: exec: executable \S+ not found|(command|: \S+:) not found|executable file not found/,
    fix: "a program that kubectl calls is missing: install it, or put it on the PATH",
  },
  {
    pattern: /getting credentials|failed to refresh token|auth plugin has been removed|no Auth Provider/i,
    fix: "the kubeconfig's credential plugin gives no credentials: log in with the tool that it calls",
  },
  {
    pattern: /Unauthorized|must be logged in|provide credentials/,
    fix: "the API server does not accept your credentials, or no longer (401): log in to the cluster again",
  },
  {
    pattern: /remote error: tls:/,
    fix: "the API server does not accept the kubeconfig's client certificate: renew it",
  },
  {
    pattern: /forbidden/i,
    fix: "the API server forbids it (403): use an account that may, or have the right granted",
  },
  {
    pattern: /\(NotFound\)|could not find the requested resource/,
    fix: "the cluster has no such object: correct the name",
  },
  {
    pattern: /doesn't have a resource type/,
    fix: "the cluster does not know this kind of object: check that it is the right cluster",
  },
  {
    pattern: /certificate has expired or is not yet valid/,
    fix: "renew the API server's certificate, or correct this machine's clock",
  },
  {
    pattern: /certificate is (not )?valid for|IP SANs/,
    fix: "the API server's certificate has other names: name the server in the kubeconfig as its certificate does",
  },
  {
    pattern: /x509|verify certificate/,
    fix: "the API server's certificate is not trusted: check the certificate authority in the kubeconfig",
  },
  {
    pattern: /invalid character '<'|<!doctype|<html|HTTP response to HTTPS client/i,
    fix: "something else answers in place of the API server, such as a login page or a proxy: log in there, or correct the server in the kubeconfig",
  },
  {
    pattern: /no such host|lookup \S+ on \S+: |server misbehaving/,
    fix: "the API server's name does not resolve here: check the VPN, DNS and the server in the kubeconfig",
  },
  {
    pattern: /TooManyRequests|too many requests|ServiceUnavailable|unable to handle the request/i,
    fix: "the API server is overloaded or only starts: try again in a minute",
  },
  {
    pattern:
      /refused|timeout|timed out|deadline exceeded|no route to host|unreachable|reset by peer|EOF|Unable to connect/,
    fix: "the API server does not answer: check that the cluster runs and that you reach it",
  },
];

/**
 * Why a call of kubectl failed, or of Helm for what it asks the cluster: its own last words, then the fix where it is known.
 *
 * @param args of the call; the context that they name is named
 */
export function kubectlReason(program: string, args: readonly string[], stderr: string): string {
  const given = args.find((argument) => /^--(kube-)?context=/.test(argument))?.replace(/^[^=]*=/, "");
  const context = given === undefined ? "" : ` (context ${JSON.stringify(given)})`;
  const words = lastWords(stderr);
  const plugin = words.includes("getting credentials") ? pluginsWords(stderr) : undefined;
  const fix = FIXES.find(({ pattern }) => pattern.test(`${plugin ?? ""} ${words}`))?.fix ?? "fix that and try again";
  return `${program}${context} says "${plugin === undefined ? "" : `${plugin}", then "`}${words}"; ${fix}`;
}

/** What a credential plugin said last, which kubectl passes through before it says that the plugin failed. */
function pluginsWords(stderr: string): string | undefined {
  const lines = withoutLog(stderr);
  const failure = lines.findLastIndex((line) => line.includes("getting credentials"));
  return lines[failure - 1]?.replace(/^error: /i, "").slice(0, 500);
}
