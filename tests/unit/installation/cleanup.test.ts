import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { cleanupCommand } from "../../../tools/cleanup.ts";
import type { CleanupFlags } from "../../../tools/installation/cleanup/flags.ts";
import { cleanup } from "../../../tools/installation/cleanup/run.ts";
import { teleportDocuments } from "../../../tools/teleport/documents.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { type CapturedOutput, captureOutput } from "../support/captured-output.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { refusal } from "../support/refusal.ts";
import { callsOfScript } from "./support/calls-of-script.ts";
import { deployedRelease } from "./support/deployed-release.ts";
import { type FakePrograms, fakePrograms } from "./support/fake-programs.ts";
import type { FakeObject, FakeResource, FakeState } from "./support/fake-state.ts";

// Each runs Helm, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** What is said of the cluster before anything else. */
const CLUSTER = 'Cluster: context "kind" (https://api.example:6443).\n';

const helmOwned = (name: string, namespace: string) => ({
  "meta.helm.sh/release-name": name,
  "meta.helm.sh/release-namespace": namespace,
});
const object = (kind: string, name: string, namespace?: string, more: object = {}): FakeObject => ({
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }), ...more },
});
const meshedPod = (name: string, namespace: string, more: object = {}): FakeObject => ({
  ...object("Pod", name, namespace, more),
  spec: { containers: [{ name: "istio-proxy" }] },
});
const partOf = { "app.kubernetes.io/part-of": "istio-teleport" };
const byInstall = { labels: { ...partOf, "app.kubernetes.io/managed-by": "istio-teleport" } };
const keep = { "helm.sh/resource-policy": "keep" };
const CRD = "authorizationpolicies.security.istio.io";

const token = (name: string, bot = "istio-tbot"): FakeResource =>
  ({
    kind: "token",
    metadata: { name },
    spec: { roles: ["Bot"], bot_name: bot, join_method: "kubernetes", kubernetes: { type: "in_cluster", allow: [] } },
  }) as FakeResource;

/** What an installation by `install` with the test app leaves in cluster and Teleport, as the lab has it. */
function installed(): FakeState {
  const values = structuredClone(DEFAULTS);
  Object.assign(values.global.teleport, { clusterName: "example.teleport.sh" });
  const chart = { annotations: helmOwned("istio-teleport", "teleport-system") };
  const istiod = { annotations: helmOwned("istiod", "istio-system") };
  const everywhere = ["default", "istio-system", "teleport-system", "test-app"].flatMap((namespace) => [
    object("ServiceAccount", "default", namespace),
    object("ConfigMap", "kube-root-ca.crt", namespace),
    ...["istio-ca-root-cert", "istio-ca-crl"].map((name) =>
      object("ConfigMap", name, namespace, { labels: { "istio.io/config": "true" } }),
    ),
  ]);
  return {
    kubernetes: "v1.37.2",
    releases: {
      "istio-base": deployedRelease("base-1.31.0", "istio-system"),
      istiod: deployedRelease("istiod-1.31.0", "istio-system", {
        meshConfig: { trustDomain: "example.teleport.sh" },
        sidecarInjectorWebhook: { templates: { teleport: "" } },
      }),
      "istio-teleport": deployedRelease("istio-teleport-0.1.0", "teleport-system"),
      podinfo: deployedRelease("podinfo-6.0.0", "default"),
    },
    objects: [
      object("Namespace", "default"),
      object("Namespace", "istio-system", undefined, byInstall),
      object("Namespace", "teleport-system", undefined, byInstall),
      object("Namespace", "test-app", undefined, {
        labels: partOf,
        annotations: { ...helmOwned("istio-teleport", "teleport-system"), ...keep },
      }),
      ...everywhere,
      object("Deployment", "server", "test-app", chart),
      meshedPod("server-1", "test-app", {
        labels: partOf,
        ownerReferences: [{ kind: "ReplicaSet" }],
      }),
      object("AuthorizationPolicy", "server", "test-app", chart),
      object("Deployment", "istiod", "istio-system", { ...istiod, labels: { app: "istiod" } }),
      { ...object("Secret", "istio-ca-secret", "istio-system"), type: "istio.io/ca-root" },
      {
        ...object("Secret", "sh.helm.release.v1.istiod.v1", "istio-system", { labels: { name: "istiod" } }),
        type: "helm.sh/release.v1",
      },
      object("ConfigMap", "istio-leader", "istio-system", {
        annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" },
      }),
      object("CustomResourceDefinition", CRD, undefined, {
        annotations: { ...helmOwned("istio-base", "istio-system"), ...keep },
      }),
      object("CustomResourceDefinition", "widgets.example.com"),
    ],
    missing: [],
    forbidden: [],
    jwks: "",
    tbotReady: 1,
    teleport: {
      clusterName: "example.teleport.sh",
      version: "18.11.1",
      resources: [
        ...teleportDocuments(values).map(({ text: yaml }) => parse(yaml) as FakeResource),
        token("istio-tbot-k8s-join"),
        token("somebody-elses", "another-bot"),
      ],
    },
    failures: [],
  };
}

let directory: string;
let fakes: FakePrograms;
let output: CapturedOutput;
const cwd = process.cwd();
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cleanup-test-"));
  await writeFile(
    file("values"),
    "global: {teleport: {clusterName: example.teleport.sh, proxyAddr: 'example.teleport.sh:443'}}\n",
  );
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  fakes = fakePrograms(installed());
  output = captureOutput();
  process.chdir(directory);
});
afterEach(async () => {
  process.chdir(cwd);
  vi.restoreAllMocks();
  for (const name of await readdir(directory)) if (name.includes(".")) await rm(file(name));
});

const file = (name: string) => join(directory, name);
const change = (edit: (state: FakeState) => unknown) => edit(fakes.state);
const run = (flags: Partial<CleanupFlags> = {}) =>
  cleanup(fakes.runner, {
    values: [file("values")],
    set: [],
    withIstio: false,
    runTctl: false,
    yes: false,
    dryRun: false,
    timeout: 300,
    ...flags,
  });
const EVERYTHING = { withIstio: true, runTctl: true, yes: true };

const CHART = [
  "helm uninstall istio-teleport --namespace=teleport-system --wait --timeout=300s",
  "kubectl delete namespace teleport-system --timeout=300s",
  "kubectl delete namespace test-app --timeout=300s",
];

test("takes the chart's release and namespaces, leaves Istio, and names the commands for Teleport", async () => {
  await run({ yes: true });
  expect(fakes.changes).toEqual(CHART);
  expect(output.stdout).toBe(
    "tctl rm token/istio-tbot-k8s-join\ntctl rm bot/istio-tbot\ntctl rm role/istio-workload-identity-issuer\ntctl rm workload_identity/istio-workloads\n",
  );
  expect(output.stderr).toContain("Left: the namespace istio-system: it holds Deployment istiod and 3 more.");
  const { releases, objects } = fakes.state;
  expect(Object.keys(releases)).toEqual(["istio-base", "istiod", "podinfo"]);
  expect(objects.some(({ metadata }) => metadata.name === "istiod")).toBe(true);
});

test("takes everything on request, and what it did not make stays", async () => {
  await run(EVERYTHING);
  expect(fakes.changes).toEqual([
    CHART[0],
    "helm uninstall istiod --namespace=istio-system --wait --timeout=300s",
    "helm uninstall istio-base --namespace=istio-system --wait --timeout=300s",
    `kubectl delete customresourcedefinitions ${CRD}`,
    "kubectl delete configmaps --all-namespaces --selector=istio.io/config=true --field-selector=metadata.name=istio-ca-root-cert",
    "kubectl delete configmaps --all-namespaces --selector=istio.io/config=true --field-selector=metadata.name=istio-ca-crl",
    "kubectl delete namespace istio-system --timeout=300s",
    ...CHART.slice(1),
    "tctl rm token/istio-tbot-k8s-join",
    "tctl rm bot/istio-tbot",
    "tctl rm role/istio-workload-identity-issuer",
    "tctl rm workload_identity/istio-workloads",
  ]);
  expect(output.stdout).toBe("");
  const { releases, objects, teleport } = fakes.state;
  expect(Object.keys(releases)).toEqual(["podinfo"]);
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    "Namespace default",
    "ServiceAccount default",
    "ConfigMap kube-root-ca.crt",
    "CustomResourceDefinition widgets.example.com",
  ]);
  expect(teleport.resources.map(({ metadata }) => metadata.name)).toEqual(["somebody-elses"]);
});

test("finds nothing to do the second time", async () => {
  await run(EVERYTHING);
  fakes.changes.length = 0;
  output.stderr = "";
  await run(EVERYTHING);
  expect(fakes.changes).toEqual([]);
  expect(output).toEqual({ stdout: "", stderr: `${CLUSTER}Nothing to clean up.\n` });
  await run({ withIstio: true });
  expect(output).toEqual({ stdout: "", stderr: `${CLUSTER}Nothing to clean up.\n`.repeat(2) });
});

test("without --yes changes nothing and prints a script that does the same", async () => {
  await writeFile(file("token.yaml"), TOKEN_FILE);
  await run({ ...EVERYTHING, yes: false });
  expect(fakes.changes).toEqual([]);
  expect(output.stderr).toBe(`${CLUSTER}Nothing was changed. Add --yes to run these commands.\n`);
  const script = output.stdout;
  await run(EVERYTHING);
  await writeFile(file("token.yaml"), TOKEN_FILE);
  expect(await callsOfScript(script)).toEqual(fakes.changes);
  expect(await readdir(directory)).not.toContain("token.yaml");
});

test("Teleport's commands are comments in that script, since --run-tctl did not ask to run them", async () => {
  await run({ dryRun: true });
  expect(output.stdout).toMatch(/^# tctl rm token\/istio-tbot-k8s-join$/m);
  expect(output.stdout).not.toMatch(/^tctl/m);
});

test("rerunning the command resumes an interrupted run", async () => {
  change((state) =>
    state.failures.push({ when: "kubectl delete customresource", how: "error", says: "error: no route to host" }),
  );
  expect(await refusal(() => run(EVERYTHING), EXIT.unavailable)).toContain("the API server does not answer");
  change((state) => Object.assign(state, { failures: [] }));
  await run(EVERYTHING);
  expect(Object.keys(fakes.state.releases)).toEqual(["podinfo"]);
  expect(fakes.state.objects).toHaveLength(4);
});

test("Ctrl-C while it settles the cluster ends it before anything is changed", async () => {
  change((state) => state.failures.push({ when: "config view", how: "interrupted", says: "" }));
  expect(await refusal(() => run({ yes: true }), EXIT.unavailable)).toMatch(/^Interrupted \(SIGINT\)/);
  expect(fakes.changes).toEqual([]);
});

test("Ctrl-C while it asks for Teleport's status ends it: files with a join token stay", async () => {
  await writeFile(file("token.yaml"), "kind: token\n");
  change((state) => state.failures.push({ when: "tctl status", how: "interrupted", says: "" }));
  expect(await refusal(() => run({ yes: true }), EXIT.unavailable)).toMatch(/^Interrupted \(SIGINT\)/);
  expect(await readdir(directory)).toContain("token.yaml");
});

test("pods that have certificates from tbot are named first", async () => {
  const pod = meshedPod("cart", "shop");
  change((state) => state.objects.push(pod));
  await run();
  expect(output.stderr).toContain("Note: pods in shop have their certificates from tbot: these last at most 1h more");
});

describe("the CSI driver, through which the kubelet unmounts the pods' volumes", () => {
  const volumes = [{ csi: { driver: "csi.spiffe.io" } }];
  const mounting = (pod: FakeObject): FakeObject => ({ ...pod, spec: { ...(pod.spec as object), volumes } });
  const driverOf = (annotations: object) => object("CSIDriver", "csi.spiffe.io", undefined, { annotations });
  const OURS = driverOf(helmOwned("istio-teleport", "teleport-system"));
  const ofReplicaSet = (name: string) => ({ labels: partOf, ownerReferences: [{ kind: "ReplicaSet", name }] });
  const demoPod = mounting(meshedPod("server-2", "test-app", ofReplicaSet("server-7d9f8c")));

  test("outlives the pods of the demos: they end first", async () => {
    change(({ objects }) => objects.push(OURS, demoPod));
    await run();
    const script = output.stdout.split("\n").filter((line) => !line.startsWith("#"));
    const at = (start: RegExp) => script.findIndex((line) => start.test(line));
    const end = at(/^kubectl .*delete deployments server --namespace=test-app --cascade=foreground --timeout=300s$/);
    expect(end).toBeGreaterThanOrEqual(0);
    expect(end).toBeLessThan(at(/^helm uninstall istio-teleport/));
  });

  test.each<[string, FakeObject[]]>([
    ["in another namespace", [mounting(meshedPod("cart", "shop"))]],
    [
      "labelled as if they were the demo's",
      [
        object("Deployment", "cart", "shop", { labels: partOf }),
        mounting(meshedPod("cart-1", "shop", ofReplicaSet("cart-7d9f8c"))),
      ],
    ],
  ])("stays, with the chart's release, while pods of others mount its volumes: %s", async (_where, pods) => {
    change(({ objects }) => objects.push(OURS, demoPod, ...pods));
    await run();
    expect(output.stdout).not.toContain("helm uninstall istio-teleport");
    expect(output.stdout).not.toContain("delete deployments");
    expect(output.stderr).toContain("Left: the release of the chart: pods in shop mount volumes of its CSI driver");
  });

  test.each<[string, FakeObject[]]>([
    ["nobody mounts a volume of it", [OURS]],
    ["there is none", [mounting(meshedPod("cart", "shop"))]],
    ["it is SPIRE's", [driverOf(helmOwned("spire", "spire-system")), mounting(meshedPod("cart", "shop"))]],
  ])("is no reason to keep or to end anything while %s", async (_why, objects) => {
    change((state) => state.objects.push(...objects));
    await run();
    expect(output.stdout).not.toContain("delete deployments");
    expect(output.stdout).toContain("uninstall istio-teleport");
  });
});

describe("what it did not make stays", () => {
  test.each<[string, (state: FakeState) => void, string, string[]]>([
    [
      "a namespace that holds something else",
      ({ objects }) => objects.push(object("ConfigMap", "mine", "test-app")),
      "the namespace test-app: it holds ConfigMap mine",
      ["kubectl delete namespace test-app"],
    ],
    [
      "a namespace with what belongs to an object outside of it",
      ({ objects }) =>
        objects.push(
          object("Secret", "of-a-tenant", "test-app", { ownerReferences: [{ kind: "Tenant" }] }),
          object("Secret", "of-a-pod", "test-app", { ownerReferences: [{ kind: "Pod" }] }),
        ),
      "the namespace test-app: it holds Secret of-a-tenant.",
      ["kubectl delete namespace test-app"],
    ],
    [
      "a namespace with a release of somebody else",
      ({ objects }) =>
        objects.push({
          ...object("Secret", "sh.helm.release.v1.mine.v1", "teleport-system", { labels: { name: "mine" } }),
          type: "helm.sh/release.v1",
        }),
      "the namespace teleport-system: it holds Secret sh.helm.release.v1.mine.v1",
      ["kubectl delete namespace teleport-system"],
    ],
    [
      "an istiod without our values",
      ({ releases }) => Object.assign(releases.istiod ?? {}, { values: { meshConfig: { trustDomain: "other" } } }),
      "Istio's releases: istiod does not have the values of `istio-teleport render istio`",
      ["helm uninstall istiod", "helm uninstall istio-base", "customresourcedefinitions", "configmaps"],
    ],
    [
      "an istio-base that is another chart",
      ({ releases }) => Object.assign(releases["istio-base"] ?? {}, { chart: "podinfo-6.0.0" }),
      "Istio's releases: istio-base is of the chart podinfo, not base",
      ["helm uninstall istiod", "helm uninstall istio-base", "customresourcedefinitions", "configmaps"],
    ],
    [
      "Istio while a gateway needs it",
      ({ releases }) => Object.assign(releases, { ingress: deployedRelease("gateway-1.31.0", "ingress") }),
      "Istio's releases: the release ingress in the namespace ingress needs istiod",
      ["helm uninstall istiod", "customresourcedefinitions"],
    ],
    [
      "Istio while other pods are meshed",
      ({ objects }) => objects.push(meshedPod("cart", "shop")),
      "Istio's releases: pods in shop are meshed",
      ["helm uninstall istiod", "customresourcedefinitions"],
    ],
    [
      "Istio while a gateway runs that no release is of",
      ({ objects }) => objects.push(meshedPod("gw", "edge")),
      "Istio's releases: pods in edge are meshed",
      ["helm uninstall istiod", "customresourcedefinitions"],
    ],
    [
      "CRDs that other objects need",
      ({ objects }) => objects.push(object("AuthorizationPolicy", "mine", "shop")),
      "Istio's CRDs: 1 objects need them, the first is AuthorizationPolicy mine in shop",
      ["customresourcedefinitions"],
    ],
    [
      "CRDs and root certificates of another istiod",
      ({ objects }) => objects.push(object("Deployment", "istiod-canary", "canary", { labels: { app: "istiod" } })),
      "",
      ["customresourcedefinitions", "configmaps"],
    ],
    [
      "a role that grants other things",
      ({ teleport }) => {
        const role = teleport.resources.find(({ kind }) => kind === "role") as unknown as { spec: object };
        role.spec = { allow: { rules: [{ resources: ["user"], verbs: ["create"] }] } };
      },
      "role/istio-workload-identity-issuer: it grants other things than ours does",
      ["tctl rm role"],
    ],
    [
      "a role that also reaches servers",
      ({ teleport }) => {
        const role = teleport.resources.find(({ kind }) => kind === "role") as unknown as { spec: { allow: object } };
        Object.assign(role.spec.allow, { node_labels: { "*": ["*"] }, app_labels: {}, kubernetes_resources: [{}] });
      },
      "role/istio-workload-identity-issuer: it grants other things than ours does",
      ["tctl rm role"],
    ],
    [
      "a token of another bot",
      ({ teleport }) => {
        teleport.resources = teleport.resources.filter(({ kind }) => kind !== "token");
        teleport.resources.push(token("istio-tbot-k8s-join", "other"));
      },
      "token/istio-tbot-k8s-join: it is of another kind than ours",
      ["tctl rm token"],
    ],
    [
      "a token of another cluster, which has the same values, and all that it uses",
      (state) => {
        state.jwks = jwksBytes(rsaKey("own").jwk).toString();
        const kubernetes = {
          type: "static_jwks",
          static_jwks: { jwks: jwksBytes(rsaKey("other").jwk).toString() },
          allow: [],
        };
        const [join] = state.teleport.resources.filter(({ metadata }) => metadata.name === "istio-tbot-k8s-join");
        Object.assign((join as unknown as { spec: object }).spec, { kubernetes });
      },
      "the token holds keys of another cluster and none of this one's",
      ["tctl rm"],
    ],
    [
      "the bot of another cluster",
      ({ teleport }) => teleport.resources.push(token("join-of-cluster-b")),
      "the bot joins with token/join-of-cluster-b, too",
      ["tctl rm bot", "tctl rm role", "tctl rm workload_identity"],
    ],
  ])("%s", async (_, edit, sentence, absent) => {
    change(edit);
    await run(EVERYTHING);
    const changes = fakes.changes;
    if (sentence === "") expect(output.stderr).not.toContain("Left: Istio");
    else expect(output.stderr).toContain(`Left: `);
    expect(output.stderr).toContain(sentence);
    for (const words of absent) expect(changes.filter((change) => change.includes(words))).toEqual([]);
    expect(changes).toContain(CHART[0]);
  });

  test("namespaces that somebody made by hand", async () => {
    change(({ objects }) => {
      for (const { kind, metadata } of objects) if (kind === "Namespace") delete metadata.labels;
    });
    await run({ yes: true });
    expect(fakes.changes).toEqual([CHART[0]]);
    expect(output.stderr).not.toContain("the namespace");
  });

  test("a namespace that somebody gave our label", async () => {
    change(({ objects }) => objects.push(object("Namespace", "shop", undefined, { labels: partOf })));
    await run({ yes: true });
    expect(fakes.changes).toEqual(CHART);
  });

  test("a release that only has our name", async () => {
    change(({ releases }) => Object.assign(releases["istio-teleport"] ?? {}, { chart: "podinfo-6.0.0" }));
    await run({ yes: true });
    expect(fakes.changes.filter((change) => change.startsWith("helm"))).toEqual([]);
  });
});

describe("of several clusters of one Teleport", () => {
  const documentsOf = (cluster: string): FakeResource[] => {
    const values = structuredClone(DEFAULTS);
    Object.assign(values.global.teleport, { clusterName: "example.teleport.sh", cluster });
    return [
      ...teleportDocuments(values).map(({ text }) => parse(text) as FakeResource),
      token(`istio-tbot-k8s-join-${cluster}`, `istio-tbot-${cluster}`),
    ];
  };
  const names = (resources: readonly FakeResource[]) =>
    resources.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  const own = [
    "token/istio-tbot-k8s-join-dev",
    "bot/istio-tbot-dev",
    "role/istio-workload-identity-issuer-dev",
    "workload_identity/istio-workloads-dev",
  ];

  test("it takes its own resources and touches none of another's, nor those without a cluster's name", async () => {
    const others = [...fakes.state.teleport.resources, ...documentsOf("prod"), ...documentsOf("dev-2")];
    change(({ teleport }) => {
      teleport.resources = [...others, ...documentsOf("dev")];
    });
    await run({ ...EVERYTHING, set: ["global.teleport.cluster=dev"] });
    expect(fakes.changes.filter((change) => change.startsWith("tctl"))).toEqual(own.map((name) => `tctl rm ${name}`));
    expect(names(fakes.state.teleport.resources)).toEqual(names(others));
  });

  test("it names its own resources only where tctl does not answer", async () => {
    change((state) => state.failures.push({ when: "tctl", how: "error", says: "ERROR: not logged in" }));
    await run({ yes: true, set: ["global.teleport.cluster=dev"] });
    expect(output.stdout).toBe(own.map((name) => `tctl rm ${name}\n`).join(""));
  });

  test("with kubectl at dev and prod's values it leaves prod's resources: their token has other keys", async () => {
    change((state) => {
      state.jwks = jwksBytes(rsaKey("dev").jwk).toString();
      const prod = documentsOf("prod");
      const jwks = jwksBytes(rsaKey("prod").jwk).toString();
      const spec = {
        ...(prod.at(-1) as unknown as { spec: object }).spec,
        kubernetes: { type: "static_jwks", static_jwks: { jwks }, allow: [] },
      };
      state.teleport.resources = [...prod.slice(0, -1), Object.assign(prod.at(-1) as FakeResource, { spec })];
    });
    await run({ ...EVERYTHING, set: ["global.teleport.cluster=prod"] });
    expect(fakes.changes.filter((change) => change.startsWith("tctl"))).toEqual([]);
    expect(output.stderr).toContain("the token holds keys of another cluster and none of this one's");
    expect(fakes.state.teleport.resources).toHaveLength(4);
  });

  test("it deletes its own token's file, and keeps another cluster's", async () => {
    for (const cluster of ["dev", "prod"]) {
      await writeFile(file(`${cluster}.yaml`), JSON.stringify(documentsOf(cluster).at(-1)));
    }
    await run({ yes: true, set: ["global.teleport.cluster=dev"] });
    expect((await readdir(directory)).filter((name) => name.endsWith(".yaml"))).toEqual(["prod.yaml"]);
  });
});

describe("Teleport", () => {
  const offline = (state: FakeState) =>
    state.failures.push({ when: "tctl", how: "error", says: "ERROR: not logged in" });

  test("that does not answer gets the commands for everything that the values name", async () => {
    change(offline);
    await run({ yes: true });
    expect(output.stdout.split("\n")).toHaveLength(5);
    expect(output.stderr).toContain("whether they are there was not seen: Could not read Teleport's status: tctl says");
  });

  test("must answer with --run-tctl", async () => {
    change(offline);
    expect(await refusal(() => run(EVERYTHING), EXIT.unavailable)).toContain("log in with `tsh login`");
  });

  test("of another cluster gets no commands", async () => {
    change(({ teleport }) => Object.assign(teleport, { clusterName: "other" }));
    await run({ yes: true });
    expect(output.stdout).toBe("");
    expect(output.stderr).toContain('Left: Teleport\'s resources: tctl is logged in to the cluster "other"');
  });

  test("must be the cluster of the values", async () => {
    change(({ teleport }) => Object.assign(teleport, { clusterName: "other" }));
    expect(await refusal(() => run(EVERYTHING), EXIT.unavailable)).toContain('logged in to the cluster "other"');
    expect(fakes.changes.filter((change) => change.startsWith("tctl"))).toEqual([]);
  });
});

const TOKEN_FILE =
  "kind: token\nversion: v2\nmetadata: {name: istio-tbot-k8s-join}\nspec: {roles: [Bot], bot_name: istio-tbot, join_method: kubernetes}\n";

test("files with our join token go, and no others", async () => {
  await writeFile(file("token.yaml"), TOKEN_FILE);
  await writeFile(file("token.json"), JSON.stringify(parse(TOKEN_FILE)));
  await writeFile(file("other-token.yaml"), TOKEN_FILE.replace("istio-tbot-k8s-join", "other"));
  await writeFile(file("other-bot.yaml"), TOKEN_FILE.replace("istio-tbot,", "other,"));
  await writeFile(file("more.yaml"), `${TOKEN_FILE}---\nkind: role\n`);
  await writeFile(file("broken.yaml"), "a: [");
  await writeFile(file("token.txt"), TOKEN_FILE);
  await run();
  expect(output.stdout).toContain("rm ./token.json\nrm ./token.yaml\n");
  await run({ yes: true });
  const left = (await readdir(directory)).filter((name) => name.includes(".")).sort();
  expect(left).toEqual(["broken.yaml", "more.yaml", "other-bot.yaml", "other-token.yaml", "token.txt"]);
});

test("as a command line", async () => {
  const command = (...args: string[]) => cleanupCommand(fakes.runner).parseAsync(["node", "cleanup", ...args]);
  expect(await refusal(() => command("-f", file("values"), "--yes", "--dry-run"))).toContain("contradict each other");
  await expect(
    cleanupCommand(fakes.runner).exitOverride().parseAsync(["node", "cleanup", "--timeout", "0s"]),
  ).rejects.toThrow("a duration from 1s to 1h");
  await command("-f", file("values"), "--context", "lab", "--timeout", "7s");
  expect(output.stdout).toContain(
    "helm uninstall istio-teleport --namespace=teleport-system --wait --timeout=7s --kube-context=lab\n",
  );
});
