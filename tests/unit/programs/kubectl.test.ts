import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { type ClusterChoice, kubectl } from "../../../tools/programs/kubectl.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { type FakeKubectl, fakeKubectl } from "../support/fake-kubectl.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

/** A kubeconfig that leads to a cluster, so that kubectl's own words are what tells. */
const directory = mkdtempSync(join(tmpdir(), "kubectl-test-"));
const kubeconfig = join(directory, "config");
writeFileSync(
  kubeconfig,
  JSON.stringify({
    "current-context": "a",
    contexts: ["a", "nope"].map((name) => ({ name, context: { cluster: "c" } })),
    clusters: [{ name: "c" }],
  }),
);
afterAll(() => rmSync(directory, { recursive: true }));

let fake: FakeKubectl;
beforeEach(() => {
  fake = fakeKubectl();
  vi.stubEnv("KUBECONFIG", kubeconfig);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const sentence = (choice: ClusterChoice = {}) =>
  refusal(
    () => kubectl({ ...choice, runner: fake.runner }, "read the cluster's keys", ["get", "--raw", "/openid/v1/jwks"]),
    EXIT.unavailable,
  );

it("returns stdout and passes the cluster on", async () => {
  fake.answer([{ when: "get", stdout: '{"keys":[]}' }]);
  const access = { runner: fake.runner, context: "prod", kubeconfig: "/tmp/a b" };
  expect((await kubectl(access, "x", ["get", "--raw", "/x"])).toString()).toBe('{"keys":[]}');
  expect(fake.calls).toEqual(["--kubeconfig=/tmp/a b --context=prod --request-timeout=20s get --raw /x"]);
});

const NO_PLUGIN = `Unable to connect to the server: getting credentials: exec: executable aws not found

It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
`;
const NO_BROWSER = `E1128 14:48:21.415009   31195 memcache.go:381] "Couldn't get current server API group list" err="Get "https://127.0.0.1:6444/api?timeout=5s": getting credentials: exec: executable kubelogin failed with exit code 1"
error: could not open the browser: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH
E1128 14:48:21.416178   31195 memcache.go:381] "Couldn't get current server API group list" err="Get "https://127.0.0.1:6444/api?timeout=5s": getting credentials: exec: executable kubelogin failed with exit code 1"
error: could not open the browser: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH
E1128 14:48:21.417135   31195 memcache.go:381] "Couldn't get current server API group list" err="Get "https://127.0.0.1:6444/api?timeout=5s": getting credentials: exec: executable kubelogin failed with exit code 1"
Unable to connect to the server: getting credentials: exec: executable kubelogin failed with exit code 1
`;
const EXPIRED_SESSION = `ERROR: This CLI session has expired, so it cannot currently be used to run commands
Unable to connect to the server: getting credentials: exec: executable oci failed with exit code 1
`;
const LOG_LINES = `E1128 14:48:21.036672   31125 memcache.go:381] "Couldn't get current server API group list" err="Get "https://api.nope.invalid/api?timeout=5s": dial tcp: lookup api.nope.invalid on 10.255.255.53:53: no such host"
Unable to connect to the server: dial tcp: lookup api.nope.invalid on 10.255.255.53:53: no such host
`;
const FAILED_CREDENTIALS = "gives no credentials: log in with the tool that it calls";
const NOT_TRUSTED = "is not trusted: check the certificate authority in the kubeconfig";
const SILENT = "the API server does not answer: check that the cluster runs";
const NO_FILE = "cannot be read: check the path given with --kubeconfig or in KUBECONFIG";
const LOGIN_PAGE = "something else answers in place of the API server, such as a login page or a proxy";

// The texts are kubectl's own, recorded with 1.32 and 1.37; those of plugins are from reports of their users. The words
// that are quoted stand in the text; the fix follows them.
it.each<[string, string, string?]>([
  ['error: context "nope" does not exist', "no such context: `kubectl config get-contexts` lists them"],
  ["error: cannot locate context nope", "no such context"],
  [
    "error: cannot locate context nope\nerror: context was not found for specified context: nope",
    "no such context",
    "context was not found for specified context: nope",
  ],
  [
    "error: current-context must exist in order to minify",
    "no cluster is selected: name one with --context, or set KUBECONFIG",
  ],
  [
    "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
    "no cluster is selected",
  ],
  ["error: stat /nope: no such file or directory", NO_FILE],
  [
    "error: unable to read certificate-authority /nope/ca.pem for c due to open /nope/ca.pem: no such file or directory",
    "names a file that cannot be read: write the kubeconfig anew",
  ],
  [
    "Error in configuration: \n* unable to read client-cert /nope/a.pem for u due to open /nope/a.pem: no such file or directory",
    "names a file that cannot be read",
    "Error in configuration: * unable to read client-cert /nope/a.pem for u due to open /nope/a.pem: no such file or directory",
  ],
  [
    'error: error loading config file "/etc/rancher/k3s/k3s.yaml": open /etc/rancher/k3s/k3s.yaml: permission denied',
    "you may not read or run that file",
  ],
  [
    'error: error loading config file "k": yaml: mapping values are not allowed in this context',
    "the kubeconfig is not valid: correct it",
  ],
  ["error: You must be logged in to the server (Unauthorized)", "(401): log in to the cluster again"],
  [
    "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
    "(401): log in",
  ],
  [
    "Unable to connect to the server: remote error: tls: expired certificate",
    "does not accept the kubeconfig's client certificate: renew it",
  ],
  ["error: EOF", SILENT],
  ["Unable to connect to the server: EOF", SILENT],
  ["error: context deadline exceeded - error from a previous attempt: EOF", SILENT],
  [
    'Error from server (Forbidden): forbidden: User "nobody" cannot get path "/openid/v1/jwks"',
    "forbids it (403): use an account that may, or have the right granted",
  ],
  ['Error from server (NotFound): pods "x" not found', "no such object: correct the name"],
  [
    'error: the server doesn\'t have a resource type "deployments"',
    "does not know this kind of object: check that it is the right cluster",
  ],
  [
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    NOT_TRUSTED,
  ],
  [
    "Unable to connect to the server: tls: failed to verify certificate: x509: “kube-apiserver” certificate is not trusted",
    NOT_TRUSTED,
  ],
  [
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-28T14:48:38Z is after 2020-01-02T00:00:00Z",
    "renew the API server's certificate, or correct this machine's clock",
  ],
  [
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate is valid for kubernetes, not localhost",
    "has other names: name the server in the kubeconfig as its certificate does",
  ],
  ["error: invalid character '<' looking for beginning of value", LOGIN_PAGE],
  ["error: unable to parse the server version: invalid character '<' looking for beginning of value", LOGIN_PAGE],
  ["/usr/local/bin/kubectl: line 1: '<!doctype html>'", LOGIN_PAGE],
  [
    LOG_LINES,
    "name does not resolve here: check the VPN, DNS and the server",
    "Unable to connect to the server: dial tcp: lookup api.nope.invalid on 10.255.255.53:53: no such host",
  ],
  [
    "Unable to connect to the server: dial tcp: lookup nope.invalid on 10.255.255.53:53: i/o timeout",
    "does not resolve here",
  ],
  ["The connection to the server 10.200.0.1:1 was refused - did you specify the right host or port?", SILENT],
  ["Unable to connect to the server: net/http: TLS handshake timeout", SILENT],
  [
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
    "is overloaded or only starts: try again in a minute",
  ],
  [
    "Error from server (TooManyRequests): the server has received too many requests and has asked us to try again later",
    "is overloaded",
  ],
  [
    "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
    FAILED_CREDENTIALS,
  ],
  [
    EXPIRED_SESSION,
    FAILED_CREDENTIALS,
    'This CLI session has expired, so it cannot currently be used to run commands", then "Unable to connect to the server: getting credentials: exec: executable oci failed with exit code 1',
  ],
  [
    "Unable to connect to the server: failed to refresh token: oauth2: cannot fetch token: 400 Bad Request",
    FAILED_CREDENTIALS,
  ],
  [
    'error: The gcp auth plugin has been removed.\nPlease use the "gke-gcloud-auth-plugin" kubectl/client-go credential plugin instead.',
    FAILED_CREDENTIALS,
    'The gcp auth plugin has been removed. Please use the "gke-gcloud-auth-plugin" kubectl/client-go credential plugin instead',
  ],
  [
    NO_PLUGIN,
    "is missing: install it, or put it on the PATH",
    "Unable to connect to the server: getting credentials: exec: executable aws not found It looks like",
  ],
  ["/usr/local/bin/kubectl: line 3: kubelogin: command not found", "is missing: install it"],
  ["sh: 1: aws: not found", "is missing: install it"],
  [
    NO_BROWSER,
    "needs a browser: log in where there is one",
    'could not open the browser: exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH", then "Unable to connect to the server: getting credentials: exec: executable kubelogin failed with exit code 1',
  ],
  ["E1124 some log line\nerror: something new.", "fix that and try again", "something new"],
  ["error: \u001b[31mred\u0007", "fix that", "red"],
  ["", "fix that", "nothing"],
])("quotes %j and says the fix", async (stderr, fix, quoted = stderr.replace(/^error: /, "")) => {
  fake.answer([{ when: "get", stderr, code: 1 }]);
  const message = await sentence();
  expect(message).toMatch(/^Could not read the cluster's keys: kubectl says ".+"; .+\.$/);
  expect(message).toContain(`kubectl says "${quoted}`);
  expect(message.slice(message.lastIndexOf('"; '))).toContain(fix);
});

it("names the context that was asked for", async () => {
  fake.answer([{ when: "get", stderr: "error: x", code: 1 }]);
  expect(await sentence({ context: "prod" })).toContain('(context "prod")');
});

it("says that kubectl is missing", async () => {
  vi.stubEnv("PATH", MISSING);
  try {
    const plain = () => kubectl({ runner: systemRunner }, "read the keys", ["get"]);
    expect(await refusal(plain, EXIT.unavailable)).toBe(
      "Could not read the keys: kubectl is not on the PATH; install it.",
    );
    const instead = { instead: "give a saved JWKS with --jwks-file" };
    const read = () => kubectl({ runner: systemRunner }, "read the keys", ["get"], instead);
    expect(await refusal(read, EXIT.unavailable)).toBe(
      "Could not read the keys: kubectl is not on the PATH; install it, or give a saved JWKS with --jwks-file.",
    );
  } finally {
    vi.unstubAllEnvs();
  }
});

it.each([
  [{ context: "" }, "--context is empty; name a context, or leave the flag out for the current cluster."],
  [{ kubeconfig: "" }, "--kubeconfig is empty; name a kubeconfig, or leave the flag out for the current cluster."],
])("does not take %j, as of a variable that is not set, for the current cluster", async (choice, refused) => {
  expect(await refusal(() => kubectl({ ...choice, runner: fake.runner }, "read x", ["get"]))).toBe(refused);
  expect(fake.calls).toEqual([]);
});
