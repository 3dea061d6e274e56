import { afterEach, beforeEach, expect, it } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { kubectl } from "../../../tools/programs/kubectl.ts";
import { type FakeKubectl, fakeKubectl } from "../support/fake-kubectl.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

let fake: FakeKubectl;
beforeEach(async () => {
  fake = await fakeKubectl();
});
afterEach(async () => {
  await fake.remove();
});

const sentence = (access: object = {}) =>
  refusal(() => kubectl(access, "read the cluster's keys", ["get", "--raw", "/openid/v1/jwks"]), EXIT.unavailable);

it("returns stdout and passes the cluster on", async () => {
  await fake.answer([{ when: "get", stdout: '{"keys":[]}' }]);
  const access = { context: "prod", kubeconfig: "/tmp/a b" };
  expect((await kubectl(access, "x", ["get", "--raw", "/x"])).toString()).toBe('{"keys":[]}');
  expect(await fake.calls()).toEqual(["--kubeconfig=/tmp/a b --context=prod --request-timeout=20s get --raw /x"]);
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
    "no cluster is selected; name one with --context or --kubeconfig",
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
  [
    "E1124 some log line\nerror: something new.",
    'kubectl failed and says "error: something new"; fix that and try again',
  ],
  ["error: \u001b[31mred\u0007", 'says "error: [31mred"'],
  ["", 'says "it gave no reason"'],
])("explains %j", async (stderr, meaning) => {
  await fake.answer([{ when: "get", stderr, code: 1 }]);
  const message = await sentence();
  expect(message).toMatch(/^Could not read the cluster's keys: .+\.$/);
  expect(message).toContain(meaning);
});

it("names the context that was asked for", async () => {
  await fake.answer([{ when: "get", stderr: "error: x", code: 1 }]);
  expect(await sentence({ context: "prod" })).toContain('(context "prod")');
});

it("says that kubectl is missing", async () => {
  const path = process.env.PATH;
  process.env.PATH = MISSING;
  try {
    expect(await sentence()).toBe("Could not read the cluster's keys: kubectl is not on the PATH; install it.");
    const instead = () => kubectl({}, "read the keys", ["get"], "give a saved JWKS with --jwks-file");
    expect(await refusal(instead, EXIT.unavailable)).toBe(
      "Could not read the keys: kubectl is not on the PATH; install it, or give a saved JWKS with --jwks-file.",
    );
  } finally {
    process.env.PATH = path;
  }
});
