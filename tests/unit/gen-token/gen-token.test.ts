import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { genTokenCommand } from "../../../tools/gen-token.ts";
import { CUT, cutOff, type Runner } from "../../../tools/programs/run.ts";
import { type CapturedOutput, captureOutput } from "../support/captured-output.ts";
import { type Answer, type FakeKubectl, fakeKubectl } from "../support/fake-kubectl.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

const current = rsaKey("current");
const previous = rsaKey("previous");

let directory: string;
let kubectl: FakeKubectl;
let output: CapturedOutput;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gen-token-"));
  kubectl = fakeKubectl();
  output = captureOutput();
  await writeFile(join(directory, "jwks.json"), jwksBytes(current.jwk));
  await writeFile(join(directory, "old.json"), jwksBytes(previous.jwk));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true });
});

const file = (name: string) => join(directory, name);
const genToken = (...args: string[]) => genTokenCommand(kubectl.runner).parseAsync(["node", "gen-token", ...args]);
const keysOf = (document: string) =>
  JSON.parse(parse(document).spec.kubernetes.static_jwks.jwks).keys.map(({ kid }: { kid: string }) => kid);

async function refused(code: number, ...args: string[]): Promise<string> {
  const message = await refusal(() => genToken(...args), code);
  expect(output.stdout).toBe("");
  return message;
}

/** A cluster with one key, an issuer and, when `pod` is given, a pod whose token `pod.jwt` is. */
function cluster(facts: { issuer?: string; server?: string } = {}, pod?: { jwt: string; name: string }): Answer[] {
  const { issuer = "https://kubernetes.default.svc", server = "https://api.example:6443" } = facts;
  const object = pod && {
    metadata: { name: pod.name, namespace: "teleport-system", uid: "7f" },
    spec: { serviceAccountName: "tbot", containers: [{ name: "tbot" }] },
  };
  return [
    { when: "/openid/v1/jwks", stdout: jwksBytes(current.jwk).toString() },
    { when: "openid-configuration", stdout: JSON.stringify({ issuer }) },
    { when: "config view", stdout: JSON.stringify({ "current-context": "kind", clusters: [{ cluster: { server } }] }) },
    { when: "get pods", stdout: JSON.stringify({ items: object ? [object] : [] }) },
    { when: "get pod ", stdout: JSON.stringify(object) },
    { when: "create token", stdout: `${pod?.jwt}\n` },
  ];
}

async function podToken(claims: object = {}, key = current): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    sub: "system:serviceaccount:teleport-system:tbot",
    aud: ["example.teleport.sh"],
    iat: now,
    exp: now + 600,
    "kubernetes.io": { pod: { name: "tbot-1" } },
    ...claims,
  })
    .setProtectedHeader({ alg: "RS256", kid: key.jwk.kid })
    .sign(key.privateKey);
}

describe("the document", () => {
  it("has the chart's default names, and stdout holds nothing else", async () => {
    await genToken("--jwks-file", file("jwks.json"));
    expect(parse(output.stdout)).toMatchObject({
      kind: "token",
      version: "v2",
      metadata: { name: "istio-tbot-k8s-join" },
      spec: {
        bot_name: "istio-tbot",
        kubernetes: { type: "static_jwks", allow: [{ service_account: "teleport-system:tbot" }] },
      },
    });
    expect(keysOf(output.stdout)).toEqual(["current"]);
    expect(output.stderr).toBe(
      'gen-token: 1 key: RS256 "current".\ngen-token: Next: pipe this document to `tctl create -f`.\n',
    );
  });

  it("takes its names from values, and flags win", async () => {
    await writeFile(
      file("values.yaml"),
      "global: {teleport: {clusterName: c, proxyAddr: 'c:443', bot: {name: b}, join: {tokenName: t}}}\ntbot: {namespace: {name: ns}}\n",
    );
    await genToken("-f", file("values.yaml"), "--set", "tbot.serviceAccount.name=sa", "--jwks-file", file("jwks.json"));
    expect(parse(output.stdout)).toMatchObject({
      metadata: { name: "t" },
      spec: { bot_name: "b", kubernetes: { allow: [{ service_account: "ns:sa" }] } },
    });
    output.stdout = "";
    await genToken(
      ...["-f", file("values.yaml"), "--jwks-file", file("jwks.json"), "--token-name", "t2", "--bot-name", "b2"],
      ...["--service-account", "x:y", "--service-account", "z:y"],
    );
    expect(parse(output.stdout)).toMatchObject({
      metadata: { name: "t2" },
      spec: { bot_name: "b2", kubernetes: { allow: [{ service_account: "x:y" }, { service_account: "z:y" }] } },
    });
  });

  it("gives the names of values the cluster's suffix, and those of flags none", async () => {
    await writeFile(
      file("values.yaml"),
      "global: {teleport: {clusterName: c, proxyAddr: 'c:443', cluster: prod, bot: {name: b}}}\n",
    );
    await genToken("-f", file("values.yaml"), "--jwks-file", file("jwks.json"));
    expect(parse(output.stdout)).toMatchObject({
      metadata: { name: "istio-tbot-k8s-join-prod" },
      spec: { bot_name: "b-prod" },
    });
    output.stdout = "";
    const flags = ["--token-name", "t2", "--bot-name", "b2"];
    await genToken("-f", file("values.yaml"), "--jwks-file", file("jwks.json"), ...flags);
    expect(parse(output.stdout)).toMatchObject({ metadata: { name: "t2" }, spec: { bot_name: "b2" } });
  });

  it("holds old and new keys for a rotation", async () => {
    await genToken("--jwks-file", file("jwks.json"), "--extra-jwks", file("old.json"));
    expect(keysOf(output.stdout)).toEqual(["current", "previous"]);
  });

  it("leaves out a key that signs no ServiceAccount token, and names it", async () => {
    await writeFile(file("mixed.json"), jwksBytes({ kty: "AKP", alg: "ML-DSA-65", kid: "pq", pub: "AA" }, current.jwk));
    await genToken("--jwks-file", file("mixed.json"));
    expect(keysOf(output.stdout)).toEqual(["current"]);
    expect(output.stderr).toContain(
      `gen-token: Warning: Key 1 from the file ${file("mixed.json")} (kid "pq") is left out: it has the key type "AKP"`,
    );
  });

  it("takes the keys from stdin", async () => {
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([jwksBytes(current.jwk)]) as never);
    await genToken("--jwks-file", "-", "--extra-jwks", file("old.json"));
    expect(keysOf(output.stdout)).toEqual(["current", "previous"]);
  });

  it("takes the values from stdin", async () => {
    const values = "global: {teleport: {clusterName: c, proxyAddr: 'c:443', join: {tokenName: piped}}}\n";
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([Buffer.from(values)]) as never);
    await genToken("-f", "-", "--jwks-file", file("jwks.json"));
    expect(parse(output.stdout).metadata.name).toBe("piped");
  });

  it("needs no keys for oidc and in_cluster", async () => {
    await genToken("--type", "oidc", "--issuer", "https://oidc.eks.eu-west-1.amazonaws.com/id/X");
    expect(parse(output.stdout).spec.kubernetes.oidc).toEqual({
      issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/X",
    });
    output.stdout = "";
    await genToken("--type", "in_cluster", "--format", "operator");
    expect(parse(output.stdout)).toMatchObject({
      kind: "TeleportProvisionToken",
      spec: { kubernetes: { type: "in_cluster" } },
    });
    expect(output.stderr).toMatch(/Next: pipe this document to `kubectl apply .*-f -`/);
    output.stdout = "";
    await genToken("--type", "in_cluster", "--format", "terraform");
    expect(output.stdout).toContain('resource "teleport_provision_token" "istio-tbot-k8s-join" {');
    expect(output.stderr).toContain("Next: save this document as a .tf file and run `terraform apply`.");
  });

  it("goes to a file, and stdout stays empty", async () => {
    await genToken("--jwks-file", file("jwks.json"), "--format", "json", "--output", file("token.json"));
    expect(JSON.parse(await readFile(file("token.json"), "utf8"))).toMatchObject({ kind: "token" });
    expect(output.stdout).toBe("");
    expect(output.stderr).toContain(`Next: \`tctl create -f ${file("token.json")}\`.`);
    expect(await refused(EXIT.refused, "--jwks-file", file("jwks.json"), "--output", file("token.json"))).toContain(
      "already exists",
    );
    await genToken("--jwks-file", file("jwks.json"), "--output", file("token.json"), "--force");
    expect(parse(await readFile(file("token.json"), "utf8"))).toMatchObject({ kind: "token" });
  });
});

describe("a live cluster", () => {
  it("gives its keys through kubectl, and is named", async () => {
    kubectl.answer(cluster());
    await genToken("--context", "prod", "--kubeconfig", "/tmp/config");
    expect(keysOf(output.stdout)).toEqual(["current"]);
    expect(output.stderr).toContain('1 key of context "prod" (https://api.example:6443): RS256 "current".');
    expect(output.stderr).not.toContain("Warning");
    for (const call of kubectl.calls) expect(call).toMatch(/^--kubeconfig=\/tmp\/config --context=prod /);
  });

  it("is the current context without flags, and old keys join its own", async () => {
    kubectl.answer(cluster());
    await genToken("--extra-jwks", file("old.json"));
    expect(keysOf(output.stdout)).toEqual(["current", "previous"]);
    expect(output.stderr).toContain('2 keys of context "kind"');
  });

  it("is enough without the right to read the discovery document", async () => {
    const answers = cluster();
    answers[1] = { when: "openid-configuration", stderr: "Error from server (Forbidden): forbidden", code: 1 };
    kubectl.answer(answers);
    await genToken();
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it("is enough when the discovery document is not JSON", async () => {
    const answers = cluster();
    answers[1] = { when: "openid-configuration", stdout: "<html>" };
    kubectl.answer(answers);
    await genToken();
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it("behind a kubeconfig that does not exist is named so", async () => {
    kubectl.answer([
      { when: "config view", stderr: "error: current-context must exist in order to minify", code: 1 },
      { when: "get", stderr: "error: stat /nope: no such file or directory", code: 1 },
    ]);
    const message = await refusal(() => genToken("--kubeconfig", MISSING), EXIT.unavailable);
    expect(message).toBe(
      `Could not read the cluster's keys: --kubeconfig names ${MISSING}, which does not exist; correct the path.`,
    );
  });

  it("that refuses is exit code 2", async () => {
    const answers = cluster();
    answers[0] = {
      when: "/openid/v1/jwks",
      stderr: "error: You must be logged in to the server (Unauthorized)",
      code: 1,
    };
    kubectl.answer(answers);
    expect(await refused(EXIT.unavailable)).toContain("log in to the cluster again");
  });

  it.each([
    [
      { issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/X" },
      "EKS signs with other keys",
      "--issuer https://oidc.eks.eu-west-1.amazonaws.com/id/X",
    ],
    [
      { issuer: "", server: "https://0A1B.gr7.eu-west-1.eks.amazonaws.com" },
      "EKS signs with other keys",
      "--issuer <the cluster's issuer URL>",
    ],
    [{ issuer: "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c" }, "GKE changes", "--type oidc"],
    [{ issuer: "https://westeurope.oic.prod-aks.azure.com/t/u/" }, "AKS changes", "--type oidc"],
    [{ server: "https://x.hcp.westeurope.azmk8s.io:443" }, "AKS changes", "--type oidc"],
  ])("of %j is warned about", async (facts, why, hint) => {
    kubectl.answer(cluster(facts));
    await genToken();
    expect(output.stderr).toContain(`Warning: ${why}`);
    expect(output.stderr).toContain(hint);
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it("whose issuer only the cluster resolves is warned about", async () => {
    await genToken("--type", "oidc", "--issuer", "https://kubernetes.default.svc.cluster.local");
    expect(output.stderr).toContain("Warning: Teleport's Auth Service must reach the issuer");
  });
});

describe("a live cluster beside values", () => {
  const values = (text: string) => writeFile(file("values.yaml"), text);
  const NAMES = "global: {teleport: {clusterName: c, proxyAddr: 'c:443'";

  it("is asked while Helm still merges them", async () => {
    await values(`${NAMES}}}\n`);
    kubectl.answer(cluster());
    let callsWhenHelmEnded = 0;
    const run: Runner["run"] = async (command, options) => {
      const outcome = await kubectl.runner.run(command, options);
      if (command.program === "helm") callsWhenHelmEnded = kubectl.calls.length;
      return outcome;
    };
    await genTokenCommand({ ...kubectl.runner, run }).parseAsync(["node", "gen-token", "-f", file("values.yaml")]);
    expect(callsWhenHelmEnded).toBe(3);
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it("is not asked for a token without keys", async () => {
    await values(`${NAMES}, join: {type: in_cluster}}}\n`);
    await genToken("-f", file("values.yaml"));
    await values(`${NAMES}}}\n`);
    await genToken("-f", file("values.yaml"), "--set", "global.teleport.join.type=in_cluster");
    await genToken("-f", file("values.yaml"), "--type", "in_cluster");
    expect(kubectl.calls).toEqual([]);
  });

  it("need not answer for a wrong value to be told, and is not asked any longer then", async () => {
    await values(`${NAMES}}}\ntbot: {credentialTTL: soon}\n`);
    const ended: string[] = [];
    const run: Runner["run"] = (command, options) =>
      command.program === "helm"
        ? kubectl.runner.run(command, options)
        : new Promise((_, reject) => {
            options.signal?.addEventListener("abort", () => {
              ended.push(options.purpose);
              reject(cutOff(command, options.purpose, CUT.killed("SIGTERM")));
            });
          });
    const attempt = () =>
      genTokenCommand({ ...kubectl.runner, run }).parseAsync(["node", "gen-token", "-f", file("values.yaml")]);
    expect(await refusal(attempt)).toContain('tbot.credentialTTL is "soon"');
    expect(ended.sort()).toEqual(["read the cluster's keys", "read the kubeconfig"]);
  });

  it("is asked for its issuer only after its keys: a credential plugin would ask for two logins at once", async () => {
    kubectl.answer([{ when: "", stderr: "error: You must be logged in to the server (Unauthorized)", code: 1 }]);
    expect(await refused(EXIT.unavailable)).toContain("log in to the cluster again");
    expect(kubectl.calls.join("\n")).toContain("/openid/v1/jwks");
    expect(kubectl.calls.join("\n")).not.toContain("openid-configuration");
  });

  it("is named when it does not answer", async () => {
    await values(`${NAMES}}}\n`);
    kubectl.answer([{ when: "", stderr: "Unable to connect to the server: dial tcp: i/o timeout", code: 1 }]);
    expect(await refused(EXIT.unavailable, "-f", file("values.yaml"))).toContain("the API server does not answer");
  });
});

describe("--verify", () => {
  const named = ["--cluster-name", "example.teleport.sh"];

  it("asks for the token that the kubelet would give to tbot's pod", async () => {
    kubectl.answer(cluster({}, { jwt: await podToken(), name: "tbot-1" }));
    await genToken(...named, "--verify");
    expect(output.stderr).toContain(
      "Verified with tbot's own pod: the token of the pod teleport-system/tbot-1, signed with key \"current\", passes Teleport's checks, the allow list included.",
    );
    expect(kubectl.calls.slice(-2)).toEqual([
      "--request-timeout=20s get pods --namespace=teleport-system --selector=app.kubernetes.io/name=tbot,app.kubernetes.io/part-of=istio-teleport --field-selector=status.phase=Running --output=json",
      "--request-timeout=20s create token tbot --namespace=teleport-system --audience=example.teleport.sh --bound-object-kind=Pod --bound-object-name=tbot-1 --bound-object-uid=7f --duration=600s",
    ]);
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it("takes another pod, whose ServiceAccount need not be allowed", async () => {
    const jwt = await podToken({ sub: "system:serviceaccount:teleport-system:other" });
    kubectl.answer(cluster({}, { jwt, name: "other-1" }));
    await genToken(...named, "--verify-as", "teleport-system/other-1");
    expect(output.stderr).toContain("Verified with another pod (--verify-as)");
    expect(output.stderr).toContain("whether tbot's ServiceAccount is allowed was not checked");
  });

  it("checks a saved JWKS against the live cluster", async () => {
    kubectl.answer(cluster({}, { jwt: await podToken(), name: "tbot-1" }));
    const args = [...named, "--verify", "--context", "prod", "--jwks-file"];
    expect(await refused(EXIT.refused, ...args, file("old.json"))).toBe(
      'Teleport would refuse the ServiceAccount token of the pod teleport-system/tbot-1: it is signed with the key "current", and the join token holds "previous"; the join token was not written.',
    );
    await genToken(...args, file("jwks.json"));
    expect(keysOf(output.stdout)).toEqual(["current"]);
  });

  it.each([
    [{ aud: ["other"] }, "its audience is"],
    [{ sub: "system:serviceaccount:default:tbot" }, "its subject is"],
    [{ "kubernetes.io": {} }, "it is not bound to a pod"],
  ])("refuses a token with %j and writes nothing", async (claims, reason) => {
    kubectl.answer(cluster({}, { jwt: await podToken(claims), name: "tbot-1" }));
    expect(await refused(EXIT.refused, ...named, "--verify", "--output", file("token.yaml"))).toContain(reason);
    expect(await readdir(directory)).not.toContain("token.yaml");
  });

  it("says when tbot does not run yet", async () => {
    kubectl.answer(cluster());
    expect(await refused(EXIT.unavailable, ...named, "--verify")).toContain("name any running pod with --verify-as");
  });

  it("needs Teleport's cluster name", async () => {
    expect(await refused(EXIT.refused, "--verify")).toContain("give --cluster-name, or -f with");
  });
});

it.each<[string, string[], string]>([
  [
    "a pod without namespace",
    ["--cluster-name", "c", "--verify-as", "pod"],
    '--verify-as is "pod"; write it as NAMESPACE/POD',
  ],
  ["oidc without issuer", ["--type", "oidc"], "The type oidc needs the issuer"],
  [
    "an issuer without oidc",
    ["--issuer", "https://a.b"],
    "--issuer belongs to the type oidc, and the type is static_jwks",
  ],
  ["an issuer that is none", ["--type", "oidc", "--issuer", "a.b"], 'spec.kubernetes.oidc.issuer is "a.b"'],
  [
    "two sources",
    ["--jwks-file", "x", "--context", "y"],
    "--jwks-file and --context both say where the keys come from",
  ],
  ["two sources, the other way", ["--jwks-file", "x", "--kubeconfig", "y"], "--jwks-file and --kubeconfig both say"],
  ["a cluster name that is none", ["--cluster-name", "Bad Name!"], '--cluster-name is "Bad Name!"; give the name'],
  ["force without a file", ["--force"], "--force lets --output replace a file"],
  [
    "keys for oidc",
    ["--type", "oidc", "--issuer", "https://a.b", "--jwks-file", "x"],
    "--jwks-file concerns the keys in the token, and a token of type oidc has none",
  ],
  ["more keys for in_cluster", ["--type", "in_cluster", "--extra-jwks", "x"], "--extra-jwks concerns the keys"],
  ["a cluster for in_cluster", ["--type", "in_cluster", "--context", "x"], "--context concerns the keys"],
  ["a verification of oidc", ["--type", "oidc", "--issuer", "https://a.b", "--verify"], "--verify concerns the keys"],
  ["a pod for in_cluster", ["--type", "in_cluster", "--verify-as", "a/b"], "--verify-as concerns the keys"],
  ["stdin twice", ["--jwks-file", "-", "--extra-jwks", "-"], "stdin can be read only once"],
  ["stdin for values and keys", ["-f", "-", "--jwks-file", "-"], "both read stdin"],
  ["a file without end", ["--jwks-file", "/dev/zero"], "What the file /dev/zero holds is larger than 1 MiB"],
  ["a file that does not exist", ["--jwks-file", MISSING], `The JWKS file ${MISSING} could not be read (ENOENT)`],
])("refuses %s", async (_, args, sentence) => {
  expect(await refused(EXIT.refused, ...args)).toContain(sentence);
});

describe("--check", () => {
  const other = rsaKey("current");

  /** The token that gen-token makes of the given JWKS files, as `tctl get token/… --format json` prints it. */
  async function stored(edit: (token: StoredDocument) => void = () => {}, ...extra: string[]): Promise<string> {
    await genToken("--jwks-file", file("jwks.json"), ...extra);
    const token = { ...(parse(output.stdout) as StoredDocument) };
    Object.assign(token.metadata, { revision: "af3b" });
    edit(token);
    await writeFile(file("stored.json"), JSON.stringify([token], null, 4));
    output.stdout = "";
    output.stderr = "";
    return file("stored.json");
  }

  interface StoredDocument {
    metadata: { name: string; expires?: string };
    spec: {
      roles: string[];
      bot_name: string;
      kubernetes: { type: string; static_jwks?: { jwks: string }; allow: object[] };
    };
  }

  /** What is on stdout, and the sentence. */
  async function differs(...args: string[]): Promise<{ lines: string[]; sentence: string }> {
    const sentence = await refusal(() => genToken(...args), EXIT.different);
    return { lines: output.stdout.trimEnd().split("\n"), sentence };
  }
  const jwksFlag = () => ["--jwks-file", file("jwks.json")];

  it("finds the same token, whatever Teleport adds and in whatever form it prints it", async () => {
    const path = await stored();
    await genToken(...jwksFlag(), "--check", path);
    expect(output.stdout).toBe("");
    expect(output.stderr).toContain('gen-token: The join token "istio-tbot-k8s-join" is up to date.');
    for (const format of ["yaml", "operator"]) {
      output.stdout = "";
      await genToken(...jwksFlag(), "--format", format, "--output", file(format));
      await genToken(...jwksFlag(), "--check", file(format));
      expect(output.stdout).toBe("");
    }
  });

  it("takes it from stdin, among others", async () => {
    const tokens = JSON.parse(await readFile(await stored(), "utf8"));
    const all = JSON.stringify([{ kind: "token", metadata: { name: "other" } }, ...tokens, { kind: "role" }]);
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([Buffer.from(all)]) as never);
    await genToken(...jwksFlag(), "--check", "-");
    expect(output.stdout).toBe("");
  });

  it("compares with the live cluster", async () => {
    const path = await stored();
    kubectl.answer(cluster());
    await genToken("--check", path);
    expect(output.stderr).toContain('1 key of context "kind"');
  });

  it("names a key that the token lacks", async () => {
    const path = await stored();
    expect(await differs(...jwksFlag(), "--extra-jwks", file("old.json"), "--check", path)).toEqual({
      lines: ['missing key "previous" (RS256): tbot cannot join with a token that it signs'],
      sentence:
        'The join token "istio-tbot-k8s-join" differs in 1 point: recreate it without --check and pipe it to `tctl create -f`.',
    });
  });

  it("names a key that only the token has, and what a rotation asks for", async () => {
    const path = await stored(undefined, "--extra-jwks", file("old.json"));
    const { lines, sentence } = await differs(...jwksFlag(), "--check", path);
    expect(lines).toEqual(['extra   key "previous" (RS256): anyone with its private key can join']);
    expect(sentence).toContain("tbot can join. During a rotation, name these keys with --extra-jwks");
    output.stdout = "";
    await genToken(...jwksFlag(), "--extra-jwks", file("old.json"), "--check", path);
    expect(output.stdout).toBe("");
  });

  it.each([
    ["an encryption key", () => ({ ...previous.jwk, use: "enc" }), 'extra   key "previous" (RS256): anyone with'],
    [
      "an Ed25519 key",
      () => ({ ...generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }), kid: "ed" }),
      'extra   key "ed" (OKP): anyone with its private key can join',
    ],
  ])("names %s, which Teleport takes though Kubernetes does not sign with it", async (_, key, line) => {
    const jwks = jwksBytes(current.jwk, key()).toString();
    const path = await stored((token) => {
      token.spec.kubernetes.static_jwks = { jwks };
    });
    expect((await differs(...jwksFlag(), "--check", path)).lines).toEqual([expect.stringContaining(line)]);
  });

  it("names another key under the same kid", async () => {
    const jwks = jwksBytes(other.jwk).toString();
    const path = await stored((token) => {
      token.spec.kubernetes.static_jwks = { jwks };
    });
    expect((await differs(...jwksFlag(), "--check", path)).lines).toEqual([
      'changed key "current" (RS256): another key under this kid; signatures of the cluster\'s key do not fit it',
    ]);
  });

  it.each<[string, (token: StoredDocument) => void, string]>([
    [
      "a JWKS whose quotes a sed script escaped",
      ({ spec }) => {
        spec.kubernetes.static_jwks = { jwks: String.raw`{\"keys\": []}` };
      },
      "changed spec.kubernetes.static_jwks.jwks: tbot cannot join: ",
    ],
    [
      "another bot",
      ({ spec }) => {
        spec.bot_name = "other";
      },
      'changed spec.bot_name: "other" in place of "istio-tbot"; tbot would join as another bot',
    ],
    [
      "another role",
      ({ spec }) => {
        spec.roles = ["Bot", "Node"];
      },
      'changed spec.roles: "Bot, Node" in place of "Bot"',
    ],
    [
      "a ServiceAccount that may join, too",
      ({ spec }) => {
        spec.kubernetes.allow.push({ service_account: "default:tbot" });
      },
      'extra   spec.kubernetes.allow "default:tbot": it may join, too',
    ],
    [
      "a pattern that lets everybody join",
      ({ spec }) => {
        spec.kubernetes.allow = [{ service_account_name: "*", service_account_namespace: "*" }];
      },
      String.raw`extra   spec.kubernetes.allow "{\"service_account_name\":\"*\",\"service_account_namespace\":\"*\"}": it may join, too`,
    ],
    [
      "a rule that says more than a ServiceAccount",
      ({ spec }) => {
        spec.kubernetes.allow = [{ service_account: "teleport-system:tbot", service_account_name: "x" }];
      },
      'missing spec.kubernetes.allow "teleport-system:tbot"',
    ],
    [
      "no ServiceAccount of tbot",
      ({ spec }) => {
        spec.kubernetes.allow = [];
      },
      'missing spec.kubernetes.allow "teleport-system:tbot": it may not join',
    ],
    [
      "a token that expires",
      ({ metadata }) => {
        metadata.expires = "2030-01-01T00:00:00Z";
      },
      'extra   metadata.expires: "2030-01-01T00:00:00Z"; tbot cannot join any longer then',
    ],
    [
      "another type",
      ({ spec }) => {
        spec.kubernetes = { type: "in_cluster", allow: spec.kubernetes.allow };
      },
      'changed spec.kubernetes.type: "in_cluster" in place of "static_jwks"',
    ],
  ])("names %s", async (_, edit, line) => {
    const { lines } = await differs(...jwksFlag(), "--check", await stored(edit));
    expect(lines.some((found) => found.startsWith(line))).toBe(true);
  });

  it("compares the issuer where there are no keys", async () => {
    const oidc = (issuer: string) => ["--type", "oidc", "--issuer", issuer];
    await genToken(...oidc("https://a.example"), "--output", file("oidc.yaml"));
    await genToken(...oidc("https://a.example"), "--check", file("oidc.yaml"));
    const { lines } = await differs(...oidc("https://b.example"), "--check", file("oidc.yaml"));
    expect(lines).toEqual([
      'changed spec.kubernetes.oidc.issuer: "https://a.example" in place of "https://b.example"; keys are read from another issuer',
    ]);
  });

  it.each<[string, string, string[], string]>([
    [
      "another token",
      "[{kind: token, metadata: {name: b}}]",
      [],
      'holds not it but "b"; give it what `tctl get token/',
    ],
    ["no token at all", "[]", [], "holds no join token"],
    ["no YAML", "a: [", [], "is neither JSON nor YAML (line 1)"],
    ["a flag that has nothing to act on", "[]", ["--output", "x"], "so --output has nothing to act on"],
    ["a format", "[]", ["--format", "json"], "so --format has nothing to act on"],
    ["a verification", "[]", ["--verify", "--cluster-name", "c"], "so --verify has nothing to act on"],
  ])("refuses %s", async (_, content, args, sentence) => {
    await writeFile(file("x"), content);
    expect(await refused(EXIT.refused, ...jwksFlag(), "--check", file("x"), ...args)).toContain(sentence);
  });

  it("refuses stdin twice and an input without end", async () => {
    expect(await refused(EXIT.refused, "--jwks-file", "-", "--check", "-")).toContain("--check - reads stdin");
    expect(await refused(EXIT.refused, ...jwksFlag(), "--check", "/dev/zero")).toContain("is larger than 1 MiB");
    expect(await refused(EXIT.refused, ...jwksFlag(), "--check", "/nope")).toContain("The token file /nope could not");
  });
});

describe("--check-key-ids", () => {
  beforeEach(() => kubectl.answer(cluster()));

  it("finds the cluster's keys among the IDs", async () => {
    await genToken("--check-key-ids", "current");
    expect(output.stdout).toBe("");
    expect(output.stderr).toContain("The cluster's keys are those with these IDs.");
  });

  it.each([
    [
      "previous",
      ['missing key "current" (RS256): tbot cannot', 'extra   key "previous": the cluster no'],
      "recreate the",
    ],
    ["current, previous", ['extra   key "previous": the cluster no'], "tbot can join. After a rotation"],
  ])("of %s names what differs", async (ids, differences, hint) => {
    const sentence = await refusal(() => genToken("--check-key-ids", ids), EXIT.different);
    expect(sentence).toContain(`The cluster's keys differ in ${differences.length} point`);
    expect(sentence).toContain(hint);
    expect(output.stdout.trimEnd().split("\n")).toEqual(differences.map((line) => expect.stringContaining(line)));
  });

  it.each([
    [["--check-key-ids", "a,,b"], '--check-key-ids "a,,b" has an empty key ID'],
    [["--check-key-ids", "a", "--check", "x"], "so --check-key-ids has nothing to act on"],
    [["--check-key-ids", "a", "--output", "x"], "--check-key-ids compares a token and creates none, so --output has"],
    [["--check-key-ids", "a", "--type", "in_cluster"], "--check-key-ids concerns the keys in the token"],
  ])("refuses %j", async (args, sentence) => {
    expect(await refused(EXIT.refused, ...args)).toContain(sentence);
  });
});
