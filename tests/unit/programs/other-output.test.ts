import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";
import { istioValues } from "../../../tools/chart/istio-values.ts";
import { renderManifests } from "../../../tools/chart/manifests.ts";
import { liveCluster } from "../../../tools/demo/live-cluster.ts";
import { gatherBefore } from "../../../tools/doctor/gather/before.ts";
import { missingRights } from "../../../tools/doctor/gather/installation-rights.ts";
import { readKeys } from "../../../tools/gen-token/keys.ts";
import { verify } from "../../../tools/gen-token/verify.ts";
import { meshedPods } from "../../../tools/graph/learn/pod-logs.ts";
import { lookAtIstioRemains } from "../../../tools/installation/cleanup/istio-remains.ts";
import { lookAtNamespaces } from "../../../tools/installation/cleanup/namespaces.ts";
import type { Scene } from "../../../tools/installation/cleanup/plan.ts";
import { chartStep } from "../../../tools/installation/install/chart-step.ts";
import { prepareNamespace } from "../../../tools/installation/install/namespace.ts";
import { chosenCluster } from "../../../tools/programs/chosen-cluster.ts";
import { helmReleases, releaseManifest, releaseValues } from "../../../tools/programs/helm-releases.ts";
import type { Read } from "../../../tools/programs/kube-api/read.ts";
import type { ClusterAccess } from "../../../tools/programs/kubectl.ts";
import { podsWithProxy } from "../../../tools/programs/pods-with-proxy.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { teleportResources, teleportStatus, teleportTokens } from "../../../tools/teleport/resources.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { loadValues } from "../../../tools/values/load.ts";
import { repositoryPath } from "../../support/run-helm.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { refusal } from "../support/refusal.ts";

const TBOT = {
  metadata: { name: "tbot", namespace: "teleport-system" },
  spec: { serviceAccountName: "tbot", containers: [{ name: "tbot" }] },
  status: { numberReady: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1 },
};
const RELEASE = {
  ...{ name: "istio-teleport", namespace: "teleport-system", revision: "1", chart: "istio-teleport-0.1.0" },
  ...{ status: "deployed", updated: "2026-01-01T00:00:00Z" },
};
const MANIFESTS = "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: tbot}\n";
const CONFIG = { "current-context": "prod", clusters: [] };

/** What each program says to what it is asked, where it says what it should. */
const SOUND: readonly [RegExp, string][] = [
  [/openid\/v1\/jwks/, Buffer.from(jwksBytes(rsaKey("1").jwk)).toString()],
  [/config view/, JSON.stringify(CONFIG)],
  [/^kubectl .*version/, '{"clientVersion":{},"serverVersion":{}}'],
  [/openid-configuration/, "{}"],
  [/get daemonset|get pod /, JSON.stringify(TBOT)],
  [/get namespace /, ""],
  [
    /get namespaces /,
    JSON.stringify({ items: [{ metadata: { name: "a", annotations: { "meta.helm.sh/release-name": "x" } } }] }),
  ],
  [/api-resources/, "pods\n"],
  [/^kubectl .*get /, '{"items":[]}'],
  [/^helm list/, JSON.stringify([RELEASE])],
  [/^helm get manifest/, MANIFESTS],
  [/^helm version/, "v4.0.0"],
  [/^tctl status/, "Cluster: a.example\nVersion: 18.0.0\n"],
  [/^tctl version/, "Teleport v18.0.0"],
  [/^tctl get/, "[]"],
];

/** Programs of which one prints something else when it is asked for `what`. */
function saying(what: RegExp, printed: string): ClusterAccess {
  const run: Runner["run"] = async ({ program, args, stdin = "" }) => {
    const line = [program, ...args].join(" ");
    const sound = /create --filename/.test(line)
      ? "true\n".repeat(stdin.split("SelfSubjectAccessReview").length - 1)
      : SOUND.find(([asked]) => asked.test(line))?.[1];
    const stdout = what.test(line) ? printed : sound;
    if (stdout === undefined) throw new Error(`unexpected: ${line}`);
    return { code: 0, stdout: Buffer.from(stdout), stderr: "" };
  };
  return { runner: { ...systemRunner, run } };
}

const FILES = { files: [repositoryPath("chart/ci/minimal-values.yaml")] };
const INPUTS = { files: [], sets: [] };
const SCENE: Omit<Scene, "access"> = { values: DEFAULTS, withIstio: true, timeoutSeconds: 1, removed: [] };
const RELEASED = { ...RELEASE, revision: 1, version: "0.1.0", updated: new Date(0) };
const SETTINGS = {
  ...({ tokenName: "a", botName: "a", serviceAccounts: [], type: "static_jwks", issuer: "" } as const),
  ...{ clusterName: "a.example", tbotNamespace: "teleport-system" },
};
const AS_POD = { ...SETTINGS, verifyAs: { namespace: "a", name: "b" } };
const CHART = { values: DEFAULTS, files: [], sets: [], stdin: undefined, manifests: MANIFESTS, timeoutSeconds: 1 };

/** Throws what doctor --pre would report as the reason why it could not look. */
async function before(access: ClusterAccess, skipIstio = false): Promise<void> {
  const values = { ...DEFAULTS, mesh: { ...DEFAULTS.mesh, rootNamespace: "istio-system" } };
  const manifests = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
  const token = async () => ({}) as never;
  const facts = await gatherBefore({ access, values, token, manifests, skipIstio });
  const reads: Read<unknown>[] = [...facts.programs, facts.kubernetesVersion, facts.nodes, facts.missingRights];
  reads.push(facts.teleport, facts.teleportResources, facts.storedTokens, facts.releases, facts.istio.found);
  reads.push(facts.namespaces, facts.policyReleases);
  const failed = reads.find((read) => !read.ok);
  if (failed?.ok === false) throw new ExitError(`${failed.reason}.`, EXIT.unavailable);
}

/** Any resources, whose fields are compared with care. */
const TCTL = ["[]", "{}", '{"items":[null]}', '[{"metadata":null}]'];

const beforeWithoutIstio = (access: ClusterAccess) => before(access, true);

/** Every caller of JSON: of what, who, and which of the outputs below it takes. */
const CALLERS: readonly [string, RegExp, (access: ClusterAccess) => Promise<unknown>, string[]?][] = [
  ["the chosen cluster", /config view/, (access) => chosenCluster(access)],
  ["gen-token", /config view/, (access) => readKeys({ ...access, extraJwks: [] })],
  ["gen-token: the keys", /jwks/, (access) => readKeys({ ...access, extraJwks: [] })],
  ["gen-token --verify: the token", /create token/, (access) => verify(access, AS_POD, "")],
  ["doctor --pre --skip-istio: Istio's CRDs", /customresource/, beforeWithoutIstio, [""]],
  ["gen-token --verify", /get pods/, (access) => verify(access, SETTINGS, "")],
  ["gen-token --verify-as", /get pod /, (access) => verify(access, AS_POD, "")],
  ["demo", /get pods/, (access) => liveCluster(access)],
  ["graph learn", /get pods/, (access) => meshedPods(access, ["a"])],
  ["meshed pods", /get pods/, (access) => podsWithProxy(access, "")],
  ["rights", /create/, (access) => missingRights(access, DEFAULTS, { skipIstio: false })],
  ["doctor --pre: kubectl", /version --client/, before],
  ["doctor --pre: the cluster", /version --output/, before],
  ["doctor --pre: nodes", /get nodes/, before],
  ["doctor --pre: istiod", /get deployments/, before],
  ["doctor --pre: namespaces", /get namespace a/, before, [""]],
  ["doctor --pre: rights", /create/, before],
  ["doctor --pre: releases", /helm list/, before, ["[]"]],
  ["doctor --pre: Teleport", /tctl status/, before],
  ["install: the namespace", /get namespace /, (access) => prepareNamespace(access, "a", {}), [""]],
  ["install: tbot", /get daemonset/, (access) => chartStep(CHART, access).look()],
  ["cleanup: namespaces", /get namespaces/, (access) => lookAtNamespaces({ ...SCENE, access })],
  ["cleanup: objects", /get pods/, (access) => lookAtNamespaces({ ...SCENE, access })],
  ["cleanup: istiod", /get deployments/, (access) => lookAtIstioRemains({ ...SCENE, access })],
  ["Helm's releases", /list/, helmReleases, ["[]"]],
  ["a release's values", /get values/, (access) => releaseValues(access, RELEASED), ["null", "{}"]],
  ["a release's manifest", /get manifest/, (access) => releaseManifest(access, RELEASED), [""]],
  ["values", /template/, ({ runner }) => loadValues(runner, FILES)],
  ["the rendered chart", /template/, ({ runner }) => renderManifests(runner, { inputs: INPUTS }, DEFAULTS), [""]],
  ["Istio's values", /template/, ({ runner }) => istioValues(runner, INPUTS, "istiod")],
  ["tctl: the status", /status/, ({ runner }) => teleportStatus(runner)],
  ["tctl: resources", /get role/, ({ runner }) => teleportResources(runner, DEFAULTS), TCTL],
  ["tctl: tokens", /get tokens/, ({ runner }) => teleportTokens(runner), [...TCTL, "null"]],
];

/** What is printed in place of what was asked for, and what is quoted of it. */
const OUTPUTS: readonly [string, string][] = [
  ['Switched to profile "prod".\n{"items":[]}\n', 'Switched to profile "prod".'],
  ['{"items":[]}\nDone in 3 s.\n', "Done in 3 s."],
  ["\u001b[31m<!DOCTYPE html>\n<html>Log in</html>\n", "<!DOCTYPE html>"],
  ["", "nothing"],
  ["null", "null"],
  ["[]", "[]"],
  ["{}", "{}"],
  ['{"items":[null]}', '{"items":[null]}'],
  ['[{"metadata":null}]', '[{"metadata":null}]'],
];

/** Any object will do, or is judged elsewhere: of the kubeconfig and of versions nothing is needed. */
const TAKES_OBJECTS = /config view|version|jwks/;

test.each(
  CALLERS.flatMap(([caller, what, call, takes = []]) =>
    OUTPUTS.filter(([printed]) => !takes.includes(printed)).map(
      ([printed, quoted]) => [caller, printed, what, call, quoted] as const,
    ),
  ),
)("%s: %j is refused in one sentence that quotes it", async (_, printed, what, call, quoted) => {
  const isObject = printed.startsWith("{") && !printed.includes("Done");
  const takesAny = TAKES_OBJECTS.test(what.source) || what.source === "get values";
  if (isObject && takesAny) return void (await call(saying(what, printed)).catch(() => {}));
  const sentence = await refusal(() => call(saying(what, printed)), EXIT.unavailable);
  const said = quoted === "nothing" ? "nothing" : `"${quoted}"`;
  expect(sentence).toMatch(/^Could not .*\.$/);
  expect(sentence).toMatch(/(kubectl|helm|tctl) printed /);
  expect(sentence).toContain(`printed ${said} in place of`);
});

test("the issuer is for warnings only: without it, gen-token goes on", async () => {
  const { cluster } = await readKeys({ ...saying(/openid-configuration/, "<html>"), extraJwks: [] });
  expect(cluster?.issuer).toBe("");
});

test("no other place parses JSON of programs: jsonFrom and jsonIn are the only ones", () => {
  const tools = repositoryPath("tools");
  const parsing = readdirSync(tools, { recursive: true, encoding: "utf8" })
    .filter((file) =>
      /^(programs|gen-token|graph|installation|report|doctor|chart|values|teleport)\/.*\.ts$/.test(file),
    )
    .filter((file) => readFileSync(join(tools, file), "utf8").includes("JSON.parse("));
  expect(parsing.sort()).toEqual([
    // What logs, Prometheus, our own page and Graphviz, a file of ours, a JWKS and a token hold.
    "graph/learn/envelopes.ts",
    "graph/learn/prometheus.ts",
    "graph/page/compiled-script.ts",
    "graph/page/script/main.ts",
    "graph/views/layout.ts",
    "teleport/join/join-check.ts",
    "teleport/join/json-strict.ts",
    "values/schema.ts",
  ]);
});

test("of answers about rights, what is none is quoted", async () => {
  const access = saying(/create --filename/, `true\nfalse\nDone.\n`);
  const sentence = await refusal(() => missingRights(access, DEFAULTS, { skipIstio: true }), EXIT.unavailable);
  expect(sentence).toContain('kubectl printed "Done." in place of');
});

test("no token is quoted, whatever a wrapper prints around it", async () => {
  const jwt = "aaaa.bbbb.cccc";
  for (const printed of [`Switched to prod.\n${jwt}\n`, `${jwt}\nSwitched to prod.\n`]) {
    const sentence = await refusal(() => verify(saying(/create token/, printed), AS_POD, ""), EXIT.unavailable);
    expect(sentence).toContain('kubectl printed "Switched to prod." in place of a token alone');
    expect(sentence).not.toContain(jwt);
  }
});

test("of JSON that breaks off no member is quoted", async () => {
  const printed = JSON.stringify({ items: [], password: "secret" }, null, 2).slice(0, -3);
  const sentence = await refusal(() => releaseValues(saying(/get values/, printed), RELEASED), EXIT.unavailable);
  expect(sentence).toContain('helm printed "{" in place of');
});

test("of JSON only the beginning is quoted, which may hold what is nobody's business", async () => {
  const printed = JSON.stringify(["x".repeat(100)]);
  const sentence = await refusal(() => helmReleases(saying(/list/, printed)), EXIT.unavailable);
  expect(sentence).toContain(`helm printed "["${"x".repeat(58)}…" in place of`);
});
