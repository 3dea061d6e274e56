import { beforeEach, expect, it, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { type ClusterChoice, kubectl } from "../../../tools/programs/kubectl.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { type FakeKubectl, fakeKubectl } from "../support/fake-kubectl.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

let fake: FakeKubectl;
beforeEach(() => {
  fake = fakeKubectl();
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

// The texts are kubectl's own, recorded with 1.32 and 1.37.
it.each([
  [
    'error: context "nope" does not exist',
    "the kubeconfig has no such context; `kubectl config get-contexts` lists them",
  ],
  ["error: cannot locate context nope", "no such context"],
  ["error: cannot locate context nope\nerror: context was not found for specified context: nope", "no such context"],
  [
    "error: current-context must exist in order to minify",
    "no cluster is selected; name one with --context, or set KUBECONFIG",
  ],
  [
    "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
    "no cluster is selected",
  ],
  ["error: stat /nope: no such file or directory", "the kubeconfig cannot be read; check the path"],
  ["error: You must be logged in to the server (Unauthorized)", "does not accept your credentials (401); log in"],
  ["error: EOF", "does not accept your credentials (401); log in"],
  [
    'Error from server (Forbidden): forbidden: User "nobody" cannot get path "/openid/v1/jwks"',
    'the API server forbids it (403); use an account that may, or have the right granted: Error from server (Forbidden): forbidden: User "nobody"',
  ],
  [
    'Error from server (NotFound): pods "x" not found',
    'no such object; correct the name: Error from server (NotFound): pods "x" not found',
  ],
  [
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "certificate is not trusted",
  ],
  [
    "The connection to the server 10.200.0.1:1 was refused - did you specify the right host or port?",
    "the API server does not answer",
  ],
  [
    "Unable to connect to the server: dial tcp: lookup nope.invalid on 10.255.255.53:53: i/o timeout",
    "the API server does not answer",
  ],
  [
    "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
    "credential plugin failed; log in with the tool that it calls",
  ],
  ["E1124 some log line\nerror: something new.", 'kubectl says "something new"; fix that and try again'],
  ["error: \u001b[31mred\u0007", 'says "[31mred"'],
  ["", 'says "nothing"'],
])("explains %j", async (stderr, meaning) => {
  fake.answer([{ when: "get", stderr, code: 1 }]);
  const message = await sentence();
  expect(message).toMatch(/^Could not read the cluster's keys: .+\.$/);
  expect(message).toContain(meaning);
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
