import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { doctorCommand } from "../../../tools/doctor.ts";
import { installCommand } from "../../../tools/install.ts";
import type { InstallFlags } from "../../../tools/installation/install/flags.ts";
import { install as installAll } from "../../../tools/installation/install/run.ts";
import { type CapturedOutput, captureOutput } from "../support/captured-output.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { refusal } from "../support/refusal.ts";
import { callsOfScript } from "./support/calls-of-script.ts";
import { deployedRelease } from "./support/deployed-release.ts";
import { type FakePrograms, fakePrograms } from "./support/fake-programs.ts";
import type { FakeResource, FakeState } from "./support/fake-state.ts";

// Each runs Helm several times, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const key = rsaKey("current");
const otherKey = rsaKey("other");
const VALUES = "global: {teleport: {clusterName: example.teleport.sh, proxyAddr: 'example.teleport.sh:443'}}\n";

const emptyCluster = (): FakeState => ({
  kubernetes: "v1.37.2",
  releases: {},
  objects: [],
  missing: [],
  forbidden: [],
  jwks: jwksBytes(key.jwk).toString(),
  tbotReady: 1,
  teleport: { clusterName: "example.teleport.sh", version: "18.11.1", resources: [] },
  failures: [],
});

/** In place of the last step, which has tests of its own. */
const doctor = vi.fn();

let directory: string;
let fakes: FakePrograms;
let output: CapturedOutput;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "install-test-"));
  await writeFile(file("values.yaml"), VALUES);
  await writeFile(
    file("mine.yaml"),
    "pilot: {resources: {requests: {cpu: 10m}}}\nmeshConfig: {accessLogFile: /dev/stdout}\n",
  );
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  fakes = fakePrograms(emptyCluster());
  output = captureOutput();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const file = (name: string) => join(directory, name);
const change = (edit: (state: FakeState) => unknown) => edit(fakes.state);
/** The command as it is typed. */
const command = (...args: string[]) =>
  installCommand(fakes.runner)
    .action((flags: InstallFlags) => installAll(fakes.runner, flags, doctor))
    .parseAsync(["node", "install", ...args]);
const withValues = (...args: string[]) => command("-f", file("values.yaml"), "--yes", ...args);

const FLAGS: InstallFlags = {
  values: [],
  set: [],
  skipIstio: false,
  istiodValues: [],
  timeout: 300,
  dryRun: false,
  yes: true,
};
const install = (flags: Partial<InstallFlags> = {}) =>
  installAll(fakes.runner, { ...FLAGS, values: [file("values.yaml")], ...flags }, doctor);

/** The first words of each change, without what it read. */
const firstWords = (changes: string[]) =>
  changes.map((change) =>
    change
      .split("\n")[0]
      ?.split(" ")
      .filter((word) => !word.startsWith("-"))
      .slice(0, 3)
      .join(" "),
  );

const CHART = ["helm upgrade istio-teleport", "kubectl rollout status"];
const ALL = [
  "kubectl create",
  "helm upgrade istio-base",
  "helm upgrade istiod",
  "tctl create",
  "kubectl create",
  ...CHART,
];

describe("the question before the first change", () => {
  /** A terminal at which somebody answers; without an answer, no terminal. */
  function answering(answer?: string): void {
    const stdin = Object.assign(new PassThrough(), { isTTY: answer !== undefined });
    vi.spyOn(process, "stdin", "get").mockReturnValue(stdin as never);
    vi.spyOn(process.stderr, "isTTY", "get").mockReturnValue(answer !== undefined);
    if (answer !== undefined) stdin.end(answer);
  }

  beforeAll(() => {
    // Outside a terminal, the stream has no such property.
    if (!("isTTY" in process.stderr))
      Object.defineProperty(process.stderr, "isTTY", { configurable: true, get: () => false });
  });

  test.each(["y\n", "YES\n"])("is answered with %j: everything is installed", async (answer) => {
    answering(answer);
    await install({ yes: false });
    expect(firstWords(fakes.changes)).toEqual(ALL);
    expect(output.stderr.match(/Change the cluster .*\? \[y\/N\] /g)).toHaveLength(1);
  });

  test.each([["n\n"], ["\n"], ["yesterday\n"], [""]])("is answered with %j: nothing is changed", async (answer) => {
    answering(answer);
    expect(await refusal(() => install({ yes: false }))).toBe("Nothing was changed, as you wished.");
    expect(fakes.changes).toEqual([]);
  });

  test("cannot be asked without a terminal, and --yes is named", async () => {
    answering();
    expect(await refusal(() => install({ yes: false }))).toContain("Add --yes to go on without a question");
    expect(fakes.changes).toEqual([]);
  });

  test("is not asked where nothing is to be done", async () => {
    await install();
    const { length } = fakes.changes;
    answering();
    await install({ yes: false });
    expect(fakes.changes).toHaveLength(length);
  });
});

test("--yes and --dry-run contradict each other", async () => {
  expect(await refusal(() => install({ dryRun: true }))).toBe(
    "--yes and --dry-run contradict each other; leave out one of them.",
  );
  expect(fakes.changes).toEqual([]);
});

describe("an empty cluster", () => {
  test("gets everything, in the order of docs/start/installation.md", async () => {
    await withValues("--istiod-values", file("mine.yaml"), "--context", "lab");
    const changes = fakes.changes;
    expect(firstWords(changes)).toEqual(ALL);
    expect(output.stderr).toMatch(/5\/5 doctor:\n$/);
    expect(doctor.mock.lastCall).toMatchObject([
      fakes.runner,
      { values: [file("values.yaml")], context: "lab", wait: "60s", tctl: true },
    ]);
    expect(output.stdout).toBe("");
    const istio = "--repo=https://istio-release.storage.googleapis.com/charts --namespace=istio-system";
    expect(changes[1]).toBe(`helm upgrade --install istio-base base ${istio} --wait --timeout=300s --kube-context=lab`);
    expect(changes[2]).toContain(
      `helm upgrade --install istiod istiod ${istio} --version=1.31.0 --values=- --values=${file("mine.yaml")} --wait --timeout=300s --kube-context=lab\n`,
    );
    expect(parse(changes[2]?.split("\n").slice(1).join("\n") ?? "").meshConfig.trustDomain).toBe("example.teleport.sh");
    const teleport = parseAllDocuments(changes[3]?.split("\n").slice(1).join("\n") ?? "");
    expect(teleport.map((document) => document.get("kind"))).toEqual(["role", "bot", "workload_identity", "token"]);
    const namespaces = fakes.state.objects.map(({ metadata }) => metadata);
    expect(namespaces).toEqual([
      {
        name: "istio-system",
        labels: {
          "app.kubernetes.io/part-of": "istio-teleport",
          "app.kubernetes.io/managed-by": "istio-teleport",
        },
      },
      {
        name: "teleport-system",
        labels: {
          "app.kubernetes.io/part-of": "istio-teleport",
          "app.kubernetes.io/managed-by": "istio-teleport",
          "pod-security.kubernetes.io/enforce": "privileged",
          "istio-injection": "disabled",
        },
      },
    ]);
  });

  test("waits for tbot by the name of the values", async () => {
    await install({ set: ["tbot.nameOverride=mesh-tbot"] });
    expect(fakes.changes.at(-1)).toContain("kubectl rollout status daemonset/mesh-tbot --namespace=teleport-system");
  });

  test("is done for good: run again, it changes nothing", async () => {
    await install({ istiodValues: [file("mine.yaml")] });
    fakes.changes.length = 0;
    await install({ istiodValues: [file("mine.yaml")] });
    expect(fakes.changes).toEqual([]);
    expect(output.stderr).toContain("2/5 istiod: istiod 1.31.0 is there\n");
    expect(output.stderr).toContain(
      "4/5 the chart istio-teleport: istio-teleport 0.1.0 is there, tbot is ready on 1 of 1 nodes\n",
    );
  });

  test("--dry-run changes nothing and prints a script that does what the command does", async () => {
    await install({ dryRun: true, yes: false, istiodValues: [file("mine.yaml")] });
    expect(fakes.changes).toEqual([]);
    const script = output.stdout;
    await install({ istiodValues: [file("mine.yaml")] });
    // What is newest is known only when istio-base is there, so the script leaves the choice to Helm in both calls.
    const changes = fakes.changes.map((call) => call.replace(" --version=1.31.0", ""));
    expect(await callsOfScript(script)).toEqual(changes);
  });
});

/** Each change in turn, and what continues afterwards when a kill -9 came in it. */
describe.each([
  ["istio-base", "--install istio-base", 1],
  ["istiod", "--install istiod", 2],
  ["the chart", "--install istio-teleport", 5],
])("interrupted in %s", (_, when, index) => {
  test("by an error: the same command resumes", async () => {
    change((state) => state.failures.push({ when, how: "error", says: "Error: no route to host" }));
    expect(await refusal(() => install(), EXIT.unavailable)).toContain('helm says "no route to host"');
    expect(firstWords(fakes.changes)).toEqual(ALL.slice(0, index + 1));
    change((state) => Object.assign(state, { failures: [] }));
    fakes.changes.length = 0;
    await install();
    expect(firstWords(fakes.changes)).toEqual(ALL.slice(index));
    expect(output.stderr).toContain("the release is failed\n");
  });

  test("by kill -9 of Helm: it waits until nobody can be at it, recovers the release and continues", async () => {
    change((state) => state.failures.push({ when, how: "killed", says: "" }));
    expect(await refusal(() => install({ timeout: 1 }), EXIT.unavailable)).toContain("helm was ended by SIGKILL");
    change((state) => {
      state.failures = [];
      const release = Object.values(state.releases).find(({ status }) => status === "pending-install");
      // 11 s is the timeout and the margin. Waiting for their end takes its time, so only one of the three does.
      const age = when.includes("istiod") ? 9_000 : 60_000;
      Object.assign(release ?? {}, { updated: new Date(Date.now() - age).toISOString() });
    });
    fakes.changes.length = 0;
    await install({ timeout: 1 });
    if (when.includes("istiod"))
      expect(output.stderr).toMatch(/is pending-install since .*; waiting until it ends, at the latest until /);
    expect(firstWords(fakes.changes)).toEqual([`helm rollback ${when.replace("--install ", "")}`, ...ALL.slice(index)]);
  });
});

test("no word of another program becomes a command of the script", async () => {
  change((state) => {
    const updated = new Date().toISOString();
    state.releases.istiod = {
      ...deployedRelease("istiod-1.31.0", "istio-system"),
      status: "odd\nrm -rf /tmp/x",
      updated,
    };
  });
  await install({ dryRun: true, yes: false });
  expect(output.stdout).toContain("2/5 istiod: the release istiod is odd\\u{a}rm -rf /tmp/x since");
  expect(output.stdout).not.toMatch(/^rm /m);
});

test("interrupted in Teleport: only what is missing is sent", async () => {
  change((state) => state.failures.push({ when: "tctl create", how: "error", says: "ERROR: offline" }));
  expect(await refusal(() => install(), EXIT.unavailable)).toContain('tctl says "offline"');
  change((state) => {
    state.failures = [];
    state.teleport.resources = [
      {
        kind: "role",
        metadata: { name: "istio-workload-identity-issuer" },
        spec: {
          // Teleport adds such defaults.
          options: { max_session_ttl: "1h0m0s", ssh_file_copy: true },
          allow: {
            workload_identity_labels: { env: "dev", "part-of": "istio-teleport" },
            rules: [{ resources: ["workload_identity"], verbs: ["read", "list"] }],
          },
        },
        version: "v7",
      } as FakeResource,
    ];
  });
  fakes.changes.length = 0;
  await install();
  const [create = ""] = fakes.changes;
  expect(create.match(/^kind: .*/gm)).toEqual(["kind: bot", "kind: workload_identity", "kind: token"]);
});

test.each([
  ["", undefined],
  [", and continues when Helm cannot", { when: "helm rollback", how: "error", says: "Error: conflict" } as const],
])("a pending upgrade is rolled back before it is made again%s", async (_, failure) => {
  await install();
  change((state) => {
    if (failure !== undefined) state.failures.push(failure);
    Object.assign(state.releases.istiod ?? {}, {
      // A rollback that fails leaves the release so; the fake's does nothing at all.
      status: failure === undefined ? "pending-upgrade" : "pending-rollback",
      revision: 2,
      updated: "2026-01-01T00:00:00Z",
    });
  });
  fakes.changes.length = 0;
  output.stderr = "";
  if (failure === undefined) await install();
  else await refusal(() => install(), EXIT.unavailable);
  expect(firstWords(fakes.changes)).toEqual(["helm rollback istiod", "helm upgrade istiod"]);
  if (failure !== undefined) expect(output.stderr).toContain('failed, but that does not matter: helm says "conflict"');
  await install({ dryRun: true, yes: false });
  if (failure !== undefined)
    expect(output.stdout).toContain("helm rollback istiod --namespace=istio-system --kube-context=kind || true\n");
});

describe("what is not as the values say is fixed", () => {
  beforeEach(async () => {
    await install();
    fakes.changes.length = 0;
    output.stderr = "";
  });

  test.each<[string, (state: FakeState) => void, Partial<InstallFlags>, string[]]>([
    ["an object that somebody deleted", (state) => state.missing.push("DaemonSet"), {}, CHART],
    ["tbot that is not ready", (state) => Object.assign(state, { tbotReady: 0 }), {}, ["kubectl rollout status"]],
    [
      "another version of Istio that is asked for",
      () => {},
      { istioVersion: "1.30.2" },
      ["helm upgrade istio-base", "helm upgrade istiod"],
    ],
    [
      "a value that changed: Teleport's document and the chart",
      () => {},
      { set: ["tbot.credentialTTL=2h"] },
      ["tctl create", ...CHART],
    ],
    [
      "a role that somebody widened",
      ({ teleport }) => {
        const role = teleport.resources.find(({ kind }) => kind === "role") as unknown as {
          spec: { allow: { rules: object[] } };
        };
        role.spec.allow.rules.push({ resources: ["workload_identity"], verbs: ["create"] });
      },
      {},
      ["tctl create"],
    ],
    [
      "keys that the cluster changed",
      (state) => Object.assign(state, { jwks: jwksBytes(key.jwk, otherKey.jwk).toString() }),
      {},
      ["tctl create"],
    ],
    [
      "Istio's values",
      (state) => Object.assign(state.releases.istiod?.values as object, { env: {} }),
      {},
      ["helm upgrade istiod"],
    ],
  ])("%s", async (_, edit, flags, expected) => {
    change(edit);
    await install(flags);
    expect(firstWords(fakes.changes)).toEqual(expected);
  });

  test("but not more keys in the token than the cluster has: a rotation is under way", async () => {
    change((state) => {
      const token = state.teleport.resources.find(({ kind }) => kind === "token") as unknown as {
        spec: { kubernetes: { static_jwks: { jwks: string } } };
      };
      token.spec.kubernetes.static_jwks.jwks = jwksBytes(key.jwk, otherKey.jwk).toString();
    });
    await install();
    expect(fakes.changes).toEqual([]);
    expect(output.stderr).toContain("the token holds 1 more keys than the cluster");
    // Nor are they lost when the token is made anew for another reason.
    change(({ teleport }) => {
      const stored = teleport.resources.find(({ kind }) => kind === "token");
      Object.assign((stored as unknown as { spec: { kubernetes: object } }).spec.kubernetes, { allow: [] });
    });
    await install();
    const [create = ""] = fakes.changes;
    for (const { jwk } of [key, otherKey]) expect(create).toContain(String(jwk.n));
  });
});

test("of several clusters of one Teleport each gets its own resources, and touches none of another's", async () => {
  const names = () => fakes.state.teleport.resources.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  const named = (suffix: string) =>
    [
      "role/istio-workload-identity-issuer",
      "bot/istio-tbot",
      "workload_identity/istio-workloads",
      "token/istio-tbot-k8s-join",
    ].map((name) => `${name}${suffix}`);
  await install({ set: ["global.teleport.cluster=prod"] });
  expect(names()).toEqual(named("-prod"));
  const prod = structuredClone(fakes.state.teleport.resources);

  // Another cluster, with keys of its own, and the same Teleport.
  const { teleport } = fakes.state;
  fakes = fakePrograms({ ...emptyCluster(), jwks: jwksBytes(otherKey.jwk).toString(), teleport });
  await install({ set: ["global.teleport.cluster=dev"] });
  expect(names()).toEqual([...named("-prod"), ...named("-dev")]);
  expect(fakes.state.teleport.resources.slice(0, 4)).toEqual(prod);

  // With prod's values there, it stops before a change: it would take prod's tbots their way to join.
  fakes = fakePrograms({ ...emptyCluster(), jwks: jwksBytes(otherKey.jwk).toString(), teleport });
  await refusal(() => install({ set: ["global.teleport.cluster=prod"] }));
  expect(output.stderr).toContain("it holds keys of another cluster and none of this one's");
  expect(output.stderr).toContain("Name this cluster with global.teleport.cluster");
  expect(fakes.changes).toEqual([]);
});

const own = { "meta.helm.sh/release-name": "istio-teleport" };
const mesh = (name: string, text: string) => ({
  kind: "ConfigMap",
  metadata: { name, namespace: "istio-system" },
  data: { mesh: text },
});
const meshed = {
  kind: "Pod",
  metadata: { name: "a", namespace: "b" },
  spec: { containers: [{ name: "istio-proxy" }] },
};
const istiod = (annotations: Record<string, string>) => ({
  kind: "Deployment",
  metadata: { name: "istiod", namespace: "istio-system", labels: { app: "istiod" }, annotations },
});
const token = (jwks: Uint8Array, bot = "istio-tbot") =>
  ({
    kind: "token",
    metadata: { name: "istio-tbot-k8s-join" },
    spec: {
      roles: ["Bot"],
      bot_name: bot,
      join_method: "kubernetes",
      kubernetes: { type: "static_jwks", static_jwks: { jwks: Buffer.from(jwks).toString() }, allow: [] },
    },
  }) as FakeResource;

describe("values that remove the CSI driver", () => {
  const withCsi = async () => {
    await writeFile(file("csi.yaml"), "tbot: {socket: {mode: csi}}\n");
    await install({ values: [file("values.yaml"), file("csi.yaml")] });
    fakes.changes.length = 0;
  };
  const mounting = {
    kind: "Pod",
    metadata: { name: "cart", namespace: "shop" },
    spec: { containers: [{ name: "app" }], volumes: [{ csi: { driver: "csi.spiffe.io" } }] },
  };

  test("are refused while pods could not end without it, and nothing is changed", async () => {
    await withCsi();
    change(({ objects }) => objects.push(mounting));
    expect(await refusal(() => install())).toMatch(
      /^These values remove the CSI driver csi\.spiffe\.io, and pods in shop that mount its volumes could not end/,
    );
    expect(fakes.changes).toEqual([]);
  });

  test("are installed when nobody mounts a volume of it", async () => {
    await withCsi();
    await install();
    expect(firstWords(fakes.changes)).toEqual(["helm upgrade istiod", ...CHART]);
  });
});

describe("pre-flight", () => {
  test.each<[string, (state: FakeState) => void, Partial<InstallFlags>, string]>([
    [
      "an old Kubernetes for the admission policy",
      (state) => Object.assign(state, { kubernetes: "v1.29.4" }),
      {},
      "API server: v1.29.4 has no ValidatingAdmissionPolicy",
    ],
    [
      "an old kubelet",
      (state) => Object.assign(state, { kubernetes: "v1.32.0" }),
      {},
      "node node: its kubelet has version v1.32.0, and before 1.33 tbot cannot read its pods",
    ],
    [
      "missing rights",
      (state) => Object.assign(state, { forbidden: ["clusterroles", "configmaps", "daemonsets", "envoyfilters"] }),
      {},
      "your account: it may not create clusterroles.rbac.authorization.k8s.io, create daemonsets.apps in teleport-system, create envoyfilters.networking.istio.io in istio-system, create configmaps in istio-system",
    ],
    [
      "another Teleport cluster",
      (state) => Object.assign(state.teleport, { clusterName: "other" }),
      {},
      'tctl: it is logged in to the cluster "other", and global.teleport.clusterName is "example.teleport.sh"',
    ],
    [
      "a tbot that is newer than the cluster",
      (state) => Object.assign(state.teleport, { version: "17.7.1" }),
      {},
      "tbot.image.tag: tbot is 18.11.10, the cluster 17.7.1",
    ],
    [
      "a role of somebody else",
      (state) =>
        state.teleport.resources.push({
          kind: "role",
          metadata: { name: "istio-workload-identity-issuer" },
          spec: { allow: { logins: ["root"], rules: [{ resources: ["node"], verbs: ["read"] }] } },
        } as FakeResource),
      {},
      'role "istio-workload-identity-issuer": it grants other things than ours would',
    ],
    [
      "our role, through which tbot would reach servers, too",
      (state) =>
        state.teleport.resources.push({
          kind: "role",
          metadata: { name: "istio-workload-identity-issuer" },
          spec: {
            allow: {
              node_labels: { "*": "*" },
              workload_identity_labels: { env: "dev", "part-of": "istio-teleport" },
              rules: [{ resources: ["workload_identity"], verbs: ["read", "list"] }],
            },
          },
        } as FakeResource),
      {},
      'role "istio-workload-identity-issuer": it grants other things than ours would',
    ],
    [
      "a bot with other roles",
      (state) =>
        state.teleport.resources.push({
          kind: "bot",
          metadata: { name: "istio-tbot" },
          spec: { roles: ["editor"] },
        } as FakeResource),
      {},
      'bot "istio-tbot": it grants other things',
    ],
    [
      "the join token of another cluster",
      (state) => state.teleport.resources.push(token(jwksBytes(otherKey.jwk))),
      {},
      'the join token "istio-tbot-k8s-join": it holds keys of another cluster and none of this one\'s',
    ],
    [
      "a join token of another bot",
      (state) => state.teleport.resources.push(token(jwksBytes(key.jwk), "other")),
      {},
      'the join token "istio-tbot-k8s-join": Teleport has one of another kind',
    ],
    [
      "the chart under another name",
      (state) => {
        const manifest = "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: tbot, namespace: istio-system}\n";
        state.releases.mine = { ...deployedRelease("istio-teleport-0.1.0", "istio-system"), manifest };
      },
      {},
      "the release mine in the namespace istio-system: the chart is installed already under this name",
    ],
    [
      "a release name that another chart has",
      (state) => Object.assign(state.releases, { istiod: deployedRelease("podinfo-6.0.0", "istio-system") }),
      {},
      "the release istiod in the namespace istio-system: it is of the chart podinfo, not istiod",
    ],
    [
      "an istiod that Helm did not install",
      (state) => state.objects.push(istiod({})),
      {},
      "istiod istio-system/istiod: it was not installed as the release istiod in istio-system",
    ],
    [
      "values that rely on istio-cni, which is not there",
      () => {},
      { set: ["istio.cni=true"] },
      "istio-cni: istio.cni is true, and nothing of it runs",
    ],
    [
      "a mesh that runs already",
      (state) => {
        state.objects.push(istiod({ "meta.helm.sh/release-name": "istiod" }), meshed);
        state.releases.istiod = deployedRelease("istiod-1.31.0", "istio-system", { meshConfig: {} });
      },
      {},
      "a mesh with the trust domain cluster.local runs already, and its 1 pod would be cut off until restarted",
    ],
    [
      "a mesh that runs already, though the last upgrade of its release failed, and has a gateway only",
      (state) => {
        state.objects.push(istiod({ "meta.helm.sh/release-name": "istiod" }), {
          kind: "Pod",
          metadata: { name: "gateway", namespace: "edge" },
          spec: { containers: [{ name: "istio-proxy" }] },
        });
        state.objects.push(mesh("istio", "rootNamespace: istio-system\n"));
        state.releases.istiod = {
          ...deployedRelease("istiod-1.31.0", "istio-system", { meshConfig: {} }),
          status: "failed",
        };
      },
      {},
      "a mesh with the trust domain cluster.local runs already, and its 1 pod would be cut off until restarted",
    ],
    [
      "a revision of another trust domain with --skip-istio",
      (state) =>
        state.objects.push(
          { kind: "CustomResourceDefinition", metadata: { name: "authorizationpolicies.security.istio.io" } },
          mesh("istio", "trustDomain: example.teleport.sh\n"),
          mesh("istio-canary", "trustDomain: old.example\n"),
        ),
      { skipIstio: true },
      "has the trust domain old.example, not example.teleport.sh",
    ],
    ["no Istio with --skip-istio", () => {}, { skipIstio: true }, "Istio: its CRDs are not in this cluster"],
    [
      "an Istio of another trust domain with --skip-istio",
      (state) =>
        state.objects.push(
          { kind: "CustomResourceDefinition", metadata: { name: "authorizationpolicies.security.istio.io" } },
          mesh("istio", "rootNamespace: istio-system\ntrustDomain: cluster.local\n"),
        ),
      { skipIstio: true },
      "has the trust domain cluster.local, not example.teleport.sh",
    ],
    [
      "a namespace that is not the chart's",
      (state) => state.objects.push({ kind: "Namespace", metadata: { name: "test-app" } }),
      { set: ["testApp.enabled=true"] },
      "namespace test-app: it exists already and is not the chart's",
    ],
  ])("refuses %s and changes nothing", async (_, edit, flags, sentence) => {
    change(edit);
    expect(await refusal(() => install(flags))).toMatch(
      /^\d of 12 pre-flight checks failed \(above\); nothing was changed/,
    );
    expect(output.stderr).toContain(sentence);
    expect(fakes.changes).toEqual([]);
    expect(output.stdout).toBe("");
  });

  test("reports everything at once", async () => {
    change((state) => {
      state.kubernetes = "v1.29.4";
      state.forbidden = ["namespaces"];
    });
    expect(await refusal(() => install())).toMatch(/^3 of 12 /);
    expect(output.stderr.match(/^ {2}(ok|PROBLEM|-) /gm)).toHaveLength(12);
  });

  test("is what doctor --pre reports, which changes nothing, either", async () => {
    change((state) => Object.assign(state, { forbidden: ["namespaces"] }));
    await doctorCommand(fakes.runner).parseAsync(["node", "doctor", "--pre", "-f", file("values.yaml")]);
    expect(process.exitCode).toBe(EXIT.refused);
    process.exitCode = undefined;
    expect(output.stdout).toContain("PROBLEM  installation-rights");
    expect(output.stdout.match(/^ {2}(ok|PROBLEM|-) /gm)).toHaveLength(12);
    const report = output.stdout;
    await refusal(() => install());
    expect(output.stderr).toContain(report);
    expect(fakes.changes).toEqual([]);
  });

  test("is what doctor --pre --skip-istio reports as JSON", async () => {
    await doctorCommand(fakes.runner).parseAsync([
      ...["node", "doctor", "--pre", "--skip-istio", "-f", file("values.yaml"), "--format", "json"],
      ...["--only", "istio-mesh,teleport-version"],
    ]);
    process.exitCode = undefined;
    expect(JSON.parse(output.stdout)).toMatchObject({
      kubernetesVersion: "v1.37.2",
      exitCode: 1,
      checks: [
        { id: "teleport-version", status: "ok", step: "Before an installation" },
        { id: "istio-mesh", status: "problem", findings: [{ evidence: "its CRDs are not in this cluster" }] },
      ],
      proxies: [],
    });
  });

  test("is unavailable, not refused, when something could not be looked at", async () => {
    change((state) => state.failures.push({ when: "tctl", how: "error", says: "ERROR: not logged in" }));
    expect(await refusal(() => install(), EXIT.unavailable)).toMatch(/^4 of 12 /);
    expect(output.stderr).toContain('tctl says "not logged in"');
  });

  test("takes namespaces of the chart's own, and an empty mesh", async () => {
    change((state) => {
      state.objects.push({ kind: "Namespace", metadata: { name: "test-app", annotations: own } });
      state.objects.push(istiod({ "meta.helm.sh/release-name": "istiod" }));
      state.releases.istiod = deployedRelease("istiod-1.30.1", "istio-system", { meshConfig: {} });
    });
    await install({ set: ["testApp.enabled=true"] });
    const changes = fakes.changes;
    // An Istio that is there keeps its version, and its CRDs get the same.
    expect(changes.filter((change) => change.includes("--version=1.30.1"))).toHaveLength(2);
  });
});

/** Each of these reads may fail without harm, but not because the user wants to stop. */
test.each(["config view", "openid-configuration", "get nodes", "tctl status", "helm list"])(
  "Ctrl-C during %s ends it before anything is changed",
  async (when) => {
    change((state) => state.failures.push({ when, how: "interrupted", says: "" }));
    expect(await refusal(() => install(), EXIT.unavailable)).toMatch(/^Interrupted \(SIGINT\)/);
    expect(fakes.changes).toEqual([]);
    expect(output.stdout).toBe("");
  },
);

test("a kubectl that is killed while it says which context is meant ends it: another might be meant later", async () => {
  change((state) => state.failures.push({ when: "config view", how: "killed", says: "" }));
  expect(await refusal(() => install(), EXIT.unavailable)).toContain("kubectl was ended by SIGKILL");
  expect(fakes.changes).toEqual([]);
});

test("--skip-istio leaves Istio alone", async () => {
  change((state) => {
    state.objects.push(
      { kind: "CustomResourceDefinition", metadata: { name: "authorizationpolicies.security.istio.io" } },
      // A revision only, as where revisions are what is upgraded.
      mesh("istio-1-31", "trustDomain: example.teleport.sh\n"),
    );
  });
  await install({ skipIstio: true });
  expect(firstWords(fakes.changes)).toEqual(ALL.slice(3));
});

test.each(["-", "/dev/stdin", "/dev/fd/0"])("values from stdin (%s) reach Helm as they were read", async (name) => {
  const { Readable } = await import("node:stream");
  vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([Buffer.from(VALUES)]) as never);
  await command("-f", name, "--set", "tbot.debug=true", "--yes");
  const helm = fakes.changes.find((change) => change.includes("--install istio-teleport"));
  expect(doctor.mock.lastCall).toMatchObject([fakes.runner, { values: [expect.stringContaining("/values.yaml")] }]);
  expect(helm).toMatch(/--values=- --set=tbot\.debug=true --timeout=300s\nglobal: /);
});

test.each([
  [["--skip-istio", "--istio-repo", "https://a"], "--istio-repo is about Istio's installation"],
  [["--skip-istio", "--istiod-values", "x"], "--istiod-values is about Istio's installation"],
  [["--istio-repo", "istio"], '--istio-repo is "istio"; give the URL'],
  [["--istiod-values", "-"], "--istiod-values cannot be -"],
  [["--istiod-values", "/dev/stdin"], "--istiod-values cannot be -"],
  [["--istiod-values", "/nope.yaml"], "The values file /nope.yaml does not exist"],
  [["--set", "tbot.socket.fil=x"], "did you mean tbot.socket.file?"],
])("%j is refused before anything is looked at", async (args, sentence) => {
  expect(await refusal(() => withValues(...args))).toContain(sentence);
  expect(output).toEqual({ stdout: "", stderr: "" });
});

test("a pipe as file, which Helm could not read again, is refused before it is read", async () => {
  spawnSync("sh", ["-c", 'mkfifo "$1"', "sh", file("pipe")]);
  expect(await refusal(() => command("-f", file("pipe")))).toBe(
    `-f ${file("pipe")} can be read only once, and Helm reads it again; pipe it to -f -, or save it in a file.`,
  );
  expect(await refusal(() => withValues("--istiod-values", file("pipe")))).toBe(
    `--istiod-values ${file("pipe")} can be read only once, and Helm reads it again; save it in a file.`,
  );
});

test("a chart repository of OCI is named in the chart's place; key IDs that the values list stay", async () => {
  const set = [...WATCH, "watch.keyIds={mine}"];
  await install({ istioRepo: "oci://registry.example/charts", dryRun: true, yes: false, set });
  expect(output.stdout).toMatch(/helm upgrade --install istio-teleport .*watch\.keyIds=\{mine\}/);
  expect(output.stdout).not.toContain("set-json");
  expect(output.stdout).toContain("helm upgrade --install istiod oci://registry.example/charts/istiod --namespace");
});

const WATCH = ["watch.enabled=true", "watch.image=a.example/tools:1", "watch.namespaces={shop}"];

test("the checks in the cluster get the IDs of the join token's keys", async () => {
  await install({ yes: false, dryRun: true, set: WATCH });
  expect(output.stdout).toMatch(/helm upgrade --install istio-teleport .*'--set-json=watch\.keyIds=\["current"\]'/);
});
