import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterEach, beforeEach, expect, it, test, vi } from "vitest";
import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";
import type { TestFlags } from "../../../tools/conformance/flags.ts";
import { conformance } from "../../../tools/conformance/run.ts";
import { PLAN } from "../../../tools/conformance/scenarios/plan.ts";
import type { Node, Pod } from "../../../tools/doctor/facts/objects.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { Interrupted } from "../../../tools/programs/run.ts";
import { repositoryPath } from "../../support/run-helm.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { type CapturedOutput, captureOutput } from "../support/captured-output.ts";
import { envoyAdmin } from "../support/envoy-admin.ts";
import { refusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import {
  answered,
  cloneAs,
  curlFailed,
  type Differences,
  denied,
  type FakeCluster,
  fakeCluster,
  headers,
  NAMESPACE,
  seen,
} from "./fake-cluster.ts";

// The whole command, from kubectl to the report: kubectl and an API server answer as the recorded lab does.

const FLAGS: TestFlags = {
  timeout: 60,
  nodes: 3,
  renewal: false,
  withoutAdmission: false,
  keep: false,
  output: "json",
};

/** Each report that a test makes must be as it says. */
const SCHEMA = JSON.parse(readFileSync(repositoryPath("docs/reference/test-report.schema.json"), "utf8")) as object;
const matchesSchema = new Ajv({ strict: true, allErrors: true }).compile(SCHEMA);

let directory: string;
let cluster: FakeCluster | undefined;
let output: CapturedOutput;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "conformance-test-"));
  // Where the mesh gets time to have its policies everywhere, each call uses it up.
  vi.useFakeTimers({ toFake: ["Date"] });
  output = captureOutput();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await cluster?.close();
  cluster = undefined;
  await rm(directory, { recursive: true });
});

function named(pods: Snapshot["pods"], name: string): Pod {
  const found = pods.ok ? pods.value.find(({ metadata }) => metadata.name === name) : undefined;
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found;
}

interface Report {
  exitCode: number;
  namespace: string;
  trustDomain: string;
  scenarios: { id: string; status: string; evidence: string; findings: { subject: string; evidence: string }[] }[];
}

async function start(differences: Differences = {}): Promise<FakeCluster> {
  cluster = await fakeCluster(directory, differences);
  return cluster;
}

async function played(differences: Differences = {}, flags: Partial<TestFlags> = {}): Promise<Report> {
  const { runner } = await start(differences);
  await conformance(runner, { ...FLAGS, ...flags }, "1.2.3", NAMESPACE);
  const report: unknown = JSON.parse(output.stdout);
  expect(matchesSchema(report), JSON.stringify(matchesSchema.errors)).toBe(true);
  return report as Report;
}

function statuses({ scenarios }: Report): Record<string, string> {
  return Object.fromEntries(scenarios.map(({ id, status }) => [id, status]));
}

/** The command lines that changed the cluster. */
function changes(): string[] {
  const lines = cluster?.calls.filter(({ stdin }) => !stdin.includes("SelfSubjectAccessReview")) ?? [];
  return lines.map(({ line }) => line).filter((line) => /\b(create|delete|replace|apply|patch)\b/.test(line));
}

const TAKEN_AWAY = `kubectl delete namespace ${NAMESPACE} --ignore-not-found --wait=false`;

/** There is no gateway, and nobody asked for a renewal. */
const NOT_PLAYED = ["gateway-identity", "renewal"];
const ALL_OK = Object.fromEntries(PLAN.map(({ id }) => [id, NOT_PLAYED.includes(id) ? "skipped" : "ok"]));

it("shows every promise of a healthy mesh, and takes its namespace away", async () => {
  const report = await played();
  expect(statuses(report)).toEqual(ALL_OK);
  expect([report.exitCode, process.exitCode]).toEqual([0, 0]);
  expect(changes().map((line) => line.replace(/ --request-timeout=\S+/, ""))).toEqual([
    "kubectl create --filename=-",
    "kubectl create --filename=-",
    "kubectl create --dry-run=server --filename=-",
    "kubectl create --dry-run=server --filename=-",
    `kubectl replace --raw=/api/v1/namespaces/${NAMESPACE}/pods/server/ephemeralcontainers?dryRun=All --filename=-`,
    TAKEN_AWAY,
  ]);
  const identity = report.scenarios.find(({ id }) => id === "own-identity");
  expect(identity?.evidence).toContain(seen(healthySnapshot()).uri);
});

it("makes everything in its own namespace, policies before pods, and injects by the revision", async () => {
  await played();
  const made =
    cluster?.calls.filter(({ line, stdin }) => /create --filename/.test(line) && !/Review/.test(stdin)) ?? [];
  const [namespace, list] = made.map(({ stdin }) => JSON.parse(stdin));
  expect(namespace).toMatchObject({ kind: "Namespace", metadata: { labels: { "istio.io/rev": "default" } } });
  const items = (list as { items: { kind: string; metadata: { namespace: string } }[] }).items;
  expect(new Set(items.map(({ metadata }) => metadata.namespace))).toEqual(new Set([NAMESPACE]));
  const kinds = items.map(({ kind }) => kind);
  expect(kinds.lastIndexOf("AuthorizationPolicy")).toBeLessThan(kinds.indexOf("Pod"));
});

const onLine = (part: RegExp, answer: ReturnType<NonNullable<Differences["kubectl"]>>): Differences => ({
  kubectl: ({ line, stdin }) => {
    if (!part.test(`${line} ${stdin}`)) return undefined;
    vi.setSystemTime(Date.now() + 31_000);
    return answer;
  },
});

/** The roots that the proxies trust become istiod's own. */
function istiodIssues({ proxies, istioConfigMaps }: Snapshot): void {
  const secrets = proxies[0]?.secrets;
  const roots =
    istioConfigMaps.ok && istioConfigMaps.value.find(({ metadata }) => metadata.name === "istio-ca-root-cert");
  if (secrets?.ok !== true || !roots) throw new Error("the recorded snapshot has no roots");
  roots.data = { "root-cert.pem": secrets.value.roots.join("") };
}

const SEEN = seen(healthySnapshot());

test.each<[string, string, Differences, RegExp]>([
  ["the allowed client gets 503", "allowed-200", onLine(/exec .*allowed-client/, answered(503)), /answered 503/],
  ["the other client gets 200", "other-403", onLine(/exec .*other-client/, answered(200)), /answered 200/],
  [
    "plaintext is answered",
    "plaintext-refused",
    onLine(/exec .*plaintext-client/, answered(200)),
    /plaintext was answered 200/,
  ],
  [
    "plaintext reaches a policy",
    "plaintext-refused",
    onLine(/exec .*plaintext-client/, answered(403)),
    /plaintext was answered 403/,
  ],
  ["certificates are istiod's", "own-identity", { snapshot: istiodIssues }, /its certificate is istiod's/],
  [
    "another workload is seen",
    "own-identity",
    onLine(/exec .*allowed-client/, answered(200, headers({ ...SEEN, uri: "spiffe://x/ns/a/sa/b" }))),
    /it saw the caller spiffe:\/\/x\/ns\/a\/sa\/b in place of/,
  ],
  [
    "the server answers as somebody else",
    "own-identity",
    onLine(/exec .*allowed-client/, answered(200, headers({ ...SEEN, by: "spiffe://x/ns/a/sa/b" }))),
    /it answered as spiffe:\/\/x\/ns\/a\/sa\/b in place of/,
  ],
  [
    "another certificate is on the wire",
    "own-identity",
    onLine(/exec .*allowed-client/, answered(200, headers({ ...SEEN, hash: "ab" }))),
    /another certificate \(SHA-256 ab\)/,
  ],
  ["an opt-out is admitted", "opt-out-refused", onLine(/dry-run=server .*opts-out/, {}), /would admit/],
  ["a writable mount is admitted", "writable-mount-refused", onLine(/dry-run=server .*hostPath/, {}), /would admit/],
  ["an ephemeral container is admitted", "ephemeral-container-refused", onLine(/replace --raw/, {}), /would admit/],
])("%s: %s is a problem, and the exit code 1", async (_, id, differences, evidence) => {
  const report = await played(differences);
  expect(report.scenarios.find((scenario) => scenario.id === id)).toMatchObject({ status: "problem" });
  expect(report.scenarios.find((scenario) => scenario.id === id)?.findings[0]?.evidence).toMatch(evidence);
  expect(process.exitCode).toBe(1);
  expect(changes().at(-1)).toBe(TAKEN_AWAY);
});

it("tells an identity that names another namespace", async () => {
  const { runner } = await start();
  await conformance(runner, FLAGS, "1.2.3", "elsewhere");
  const { scenarios } = JSON.parse(output.stdout) as Report;
  const { evidence } = scenarios.find(({ id }) => id === "own-identity")?.findings[0] ?? {};
  expect(evidence).toMatch(
    /names spiffe:\/\/\S+\/ns\/test-app\/sa\/server in place of spiffe:\/\/\S+\/ns\/elsewhere\/sa\/server$/,
  );
});

/** The chart's injection template as the chart renders it for a part of the mesh. */
const templateBegins =
  (line: string) =>
  ({ istioConfigMaps }: Snapshot) => {
    const injector = istioConfigMaps.ok
      ? istioConfigMaps.value.find(({ metadata }) => metadata.name === "istio-sidecar-injector")
      : undefined;
    const config = injector?.data?.config ?? "";
    if (injector?.data === undefined) throw new Error("the recorded snapshot has no injector");
    injector.data.config = config.replace("  teleport: >\n", `  teleport: >\n    ${line}\n\n`);
  };

it("refuses to run where only listed namespaces have Teleport's identities", async () => {
  const { runner } = await start({ snapshot: templateBegins('{{- if has .ObjectMeta.Namespace (list "shop") }}') });
  expect(await refusal(() => conformance(runner, FLAGS, "1.2.3", NAMESPACE))).toMatch(
    /^Only the namespace shop has Teleport's/,
  );
  expect(changes()).toEqual([]);
});

it("has its pods name the template where pods choose it, and tries no opt-out", async () => {
  const report = await played({ snapshot: templateBegins("{{- /* scope: pod */}}") });
  expect(statuses(report)).toEqual({ ...ALL_OK, "opt-out-refused": "skipped" });
  const made = cluster?.calls.find(({ stdin }) => stdin.includes('"kind":"Pod"'))?.stdin ?? "";
  expect(made.match(/"inject.istio.io\/templates":"sidecar,teleport"/g)).toHaveLength(5);
});

test.each<[string, string, Differences, RegExp]>([
  [
    "nothing is reached in plaintext",
    "plaintext-refused",
    onLine(/exec .*plaintext-client/, curlFailed(28, "Connection timed out")),
    /curl says "Connection timed out" \(28\)/,
  ],
  [
    "somebody else refuses the pod",
    "opt-out-refused",
    onLine(/opts-out/, { code: 1, stderr: 'Error from server (Forbidden): pods "x" is forbidden: exceeded quota: q' }),
    /for another reason: .*exceeded quota/,
  ],
  [
    "the policy refuses it for another reason",
    "writable-mount-refused",
    onLine(/dry-run=server .*hostPath/, denied("the container istio-proxy does not mount tbot's socket")),
    /for another reason: the container istio-proxy does not mount/,
  ],
  [
    "kubectl may not exec",
    "other-403",
    onLine(/exec .*other-client/, { code: 1, stderr: "error: unable to upgrade connection: Forbidden" }),
    /Could not call/,
  ],
])("%s: %s could not be shown, and the exit code is 2", async (_, id, differences, evidence) => {
  const report = await played(differences);
  // The matrix makes the same calls once more.
  const { [id]: own, "policy-matrix": _matrix, ...others } = statuses(report);
  expect(own).toBe("unknown");
  const rest = Object.entries(ALL_OK).filter(([each]) => each !== id && each !== "policy-matrix");
  expect(others).toEqual(Object.fromEntries(rest));
  expect(report.scenarios.find((scenario) => scenario.id === id)?.findings[0]?.evidence).toMatch(evidence);
  expect(process.exitCode).toBe(2);
});

it("names the permissions that are missing before it makes anything", async () => {
  const { runner } = await start({
    kubectl: ({ stdin }) =>
      stdin.includes("SelfSubjectAccessReview")
        ? {
            stdout: (JSON.parse(stdin) as { items: { spec: { resourceAttributes: { subresource?: string } } }[] }).items
              .map(({ spec }) => `${spec.resourceAttributes.subresource !== "exec"}\n`)
              .join(""),
          }
        : undefined,
  });
  expect(await refusal(() => conformance(runner, FLAGS, "1.2.3", NAMESPACE), EXIT.unavailable)).toBe(
    "Your account lacks 1 of the permissions that `test` needs: create pods/exec in test-app; have them granted, or use an account that has them.",
  );
  expect(changes()).toEqual([]);
});

it("asks for the permissions that its page lists", async () => {
  const { runner } = await start({
    kubectl: ({ stdin }) => {
      if (!stdin.includes("SelfSubjectAccessReview")) return undefined;
      return { stdout: "false\n".repeat((JSON.parse(stdin) as { items: unknown[] }).items.length) };
    },
  });
  const said = await refusal(() => conformance(runner, FLAGS, "1.2.3", NAMESPACE), EXIT.unavailable);
  const [, list = ""] = /needs: (.*); have them granted/.exec(said) ?? [];
  const [, section = ""] =
    /^## Permissions\n(.*?)^## /ms.exec(readFileSync(repositoryPath("docs/operate/test.md"), "utf8")) ?? [];
  const listed = [...section.matchAll(/`((?:get|list|create|update|delete) [^`]+)`/g)].map(([, right]) => right);
  const asked = list.replaceAll(` in ${NAMESPACE}`, "").split(", ");
  // Of ConfigMaps it is asked when istiod's namespace is known.
  expect([...asked, "list configmaps"].toSorted()).toEqual(listed.toSorted());
});

const withoutPolicy = (snapshot: Snapshot) => {
  snapshot.admissionPolicy = { ok: true, value: undefined };
};

/** A sidecar that runs and is not ready, as without a certificate. */
const proxyWaits = {
  conditions: [{ type: "Ready", status: "False" }],
  initContainerStatuses: [
    { name: "istio-init", ready: true, state: { terminated: {} } },
    { name: "istio-proxy", ready: false, state: { running: {} } },
  ],
  containerStatuses: [{ name: "app", ready: false, state: { waiting: { reason: "PodInitializing" } } }],
};

const onlyWarns = ({ admissionBinding }: Snapshot) => {
  if (admissionBinding.ok && admissionBinding.value) admissionBinding.value.spec.validationActions = ["Warn"];
};

test.each([
  ["is not there", withoutPolicy],
  ["only warns", onlyWarns],
])("refuses to run where the admission policy %s, unless told", async (_, snapshot) => {
  const { runner } = await start({ snapshot });
  expect(await refusal(() => conformance(runner, FLAGS, "1.2.3", NAMESPACE))).toMatch(
    /^Layer c is off: .*--without-admission/,
  );
  expect(changes()).toEqual([]);
});

/** A pod that opted out, as kubectl and the kubelet would have it after a while. */
const optedOut =
  (change: (pod: Pod, snapshot: Snapshot) => void) =>
  (snapshot: Snapshot): void => {
    withoutPolicy(snapshot);
    change(cloneAs(snapshot, "other-client", "opts-out"), snapshot);
  };

test.each<[string, (snapshot: Snapshot) => void, string, RegExp]>([
  [
    "that waits for a certificate gets none: ok",
    optedOut(({ status }) => Object.assign(status, proxyWaits)),
    "ok",
    /^a pod that opts out got no certificate within 20 s: its container istio-proxy is not ready$/,
  ],
  [
    "that is ready with istiod's certificate: a problem",
    optedOut((_, snapshot) => istiodIssues(snapshot)),
    "problem",
    /^a pod that opts out$/,
  ],
])("without the admission policy, a pod %s", async (_, snapshot, status, evidence) => {
  const clock = setInterval(() => vi.setSystemTime(Date.now() + 5_000), 20);
  const report = await played({ snapshot }, { withoutAdmission: true }).finally(() => clearInterval(clock));
  const { "opt-out-refused": shown, ...others } = statuses(report);
  expect(shown).toBe(status);
  expect(others).toMatchObject({ "writable-mount-refused": "skipped", "ephemeral-container-refused": "skipped" });
  const scenario = report.scenarios.find(({ id }) => id === "opt-out-refused");
  expect(scenario?.evidence).toMatch(evidence);
  if (status === "problem") {
    expect(scenario?.findings[0]?.evidence).toMatch(
      /with a certificate of istiod's CA that names spiffe:\S+other-client$/,
    );
  }
});

test.each([
  ["the namespace is made", /"kind":"Namespace"/],
  ["the pods are made", /"kind":"Pod",.*"name":"server"/],
  ["a client calls", /exec .*other-client/],
  ["a pod is tried", /--dry-run=server/],
  ["an ephemeral container is tried", /replace --raw/],
])("Ctrl-C while %s: no report, exit code 2, and nothing is left", async (_, interrupt) => {
  const before = process.listenerCount("SIGINT");
  const { runner } = await start({ interrupt });
  expect(await refusal(() => conformance(runner, FLAGS, "1.2.3", NAMESPACE), EXIT.unavailable)).toMatch(
    /^Interrupted \(SIGINT\)/,
  );
  expect(output.stdout).toBe("");
  expect(changes().at(-1)).toBe(TAKEN_AWAY);
  expect(process.listenerCount("SIGINT")).toBe(before);
});

it("Ctrl-C while kubectl's proxy starts is Ctrl-C, not a proxy that says nothing", async () => {
  const { runner } = await start();
  const serve: typeof runner.serve = async () => {
    process.emit("SIGINT", "SIGINT");
    throw new ExitError('Could not read the cluster: kubectl says "nothing".', EXIT.unavailable);
  };
  const said = await refusal(() => conformance({ ...runner, serve }, FLAGS, "1.2.3", NAMESPACE), EXIT.unavailable);
  expect(said).toBe("Interrupted (SIGINT); run the same command again.");
  expect(changes()).toEqual([]);
});

it.each([
  ["deletes once more where a second signal of the same Ctrl-C meets the deletion", 1, 2, false],
  ["says what is left where the deletion is interrupted again and again", 9, 3, true],
])("%s", async (_, interruptions, attempts, isLeft) => {
  let deletions = 0;
  await played({
    kubectl: ({ line }) => {
      if (!line.includes("delete namespace")) return undefined;
      if (++deletions <= interruptions) throw new Interrupted("Interrupted (SIGINT) while kubectl ran; rerun it.");
      return {};
    },
  });
  expect(deletions).toBe(attempts);
  const words = `The namespace ${NAMESPACE} may be left: Interrupted (SIGINT) while kubectl ran; rerun it. Remove it with \`kubectl delete namespace ${NAMESPACE}\`.`;
  expect(output.stderr.includes(words)).toBe(isLeft);
});

it("waits for the namespace to be gone, and no longer after one more Ctrl-C", async () => {
  let looks = 0;
  const { scenarios } = await played({
    kubectl: ({ line }) => {
      if (!line.includes("get namespace ")) return undefined;
      if (++looks === 2) setTimeout(() => process.emit("SIGINT", "SIGINT"), 10);
      return { stdout: `namespace/${NAMESPACE}\n` };
    },
  });
  expect(looks).toBe(2);
  expect(scenarios).toHaveLength(PLAN.length);
  expect(output.stderr).toContain(`The namespace ${NAMESPACE} may be left: Interrupted (SIGINT)`);
});

const WAITS = {
  conditions: [{ type: "Ready", status: "False" }],
  containerStatuses: [{ name: "app", state: { waiting: { reason: "ErrImagePull", message: "no such image." } } }],
};

test.each<[string, object, string, number, RegExp]>([
  ["an image", WAITS, "unknown", 2, /^not ready after 0 s: its container app waits, ErrImagePull: no such image$/],
  [
    "its certificate",
    proxyWaits,
    "problem",
    1,
    /^not ready after 0 s: its container istio-proxy is not ready, though it runs: it has no certificate$/,
  ],
])(
  "says that a pod waits for %s, plays nothing else, and takes the namespace away",
  async (_, status, shown, code, evidence) => {
    const change = { snapshot: ({ pods }: Snapshot) => void Object.assign(named(pods, "server").status, status) };
    const report = await played(change, { timeout: 0 });
    const { "workloads-start": start, ...others } = statuses(report);
    expect(start).toBe(shown);
    expect(new Set(Object.values(others))).toEqual(new Set(["skipped"]));
    expect(report.scenarios[0]?.findings).toMatchObject([
      { subject: "server", evidence: expect.stringMatching(evidence) },
    ]);
    expect(process.exitCode).toBe(code);
    expect(changes().at(-1)).toBe(TAKEN_AWAY);
  },
);

/** Three nodes that take pods, and three that take none. */
const severalNodes = (snapshot: Snapshot): void => {
  const node = (name: string, spec: object, labels: object = {}) => ({ metadata: { name, labels }, spec, status: {} });
  const nodes = [
    node("c", {}),
    node("a", { taints: [{ key: "spot", effect: "PreferNoSchedule" }] }),
    node("b", {}),
    node("cordoned", { unschedulable: true }),
    node("control-plane", { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] }),
    node("windows", {}, { "kubernetes.io/os": "windows" }),
  ];
  snapshot.nodes = { ok: true, value: nodes as unknown as Node[] };
  for (const name of ["node-client-2", "node-client-3"]) cloneAs(snapshot, "allowed-client", name);
};

test.each([
  [Number.POSITIVE_INFINITY, ["a", "b", "c"], "3 of 3 nodes that take pods: a, b, c"],
  [2, ["a", "b"], "2 of 3 nodes that take pods: a, b"],
])("starts a client on each node that takes pods, at most %d", async (nodes, expected, evidence) => {
  const report = await played({ snapshot: severalNodes }, { nodes });
  expect(report.scenarios.find(({ id }) => id === "every-node")).toMatchObject({ status: "ok", evidence });
  const made = cluster?.calls.find(({ stdin }) => stdin.includes('"kind":"Pod"'))?.stdin ?? "";
  const chosen = [...made.matchAll(/"key":"metadata.name","operator":"In","values":\["([^"]+)"\]/g)];
  expect(chosen.map(([, name]) => name)).toEqual(expected);
});

it("names the one node whose client gets no certificate, and the one whose client is not answered", async () => {
  const snapshot = (each: Snapshot) => {
    severalNodes(each);
    Object.assign(named(each.pods, "node-client-2").status, proxyWaits);
  };
  const kubectl = onLine(/exec .*node-client-3/, answered(503)).kubectl;
  const report = await played({ snapshot, ...(kubectl && { kubectl }) }, { timeout: 0 });
  const scenario = report.scenarios.find(({ id }) => id === "every-node");
  expect(scenario?.findings.map(({ subject, evidence }) => `${subject}: ${evidence}`)).toEqual([
    "node b: its client has no certificate: its container istio-proxy is not ready, though it runs",
    "node c: its client called http://server/headers: answered 503",
  ]);
  expect(scenario?.status).toBe("problem");
});

it("names the pair that a policy lets pass, and the one that it does not", async () => {
  const report = await played({
    kubectl: ({ line }) => {
      vi.setSystemTime(Date.now() + 31_000);
      if (/ server --container=app .*http:\/\/other-client/.test(line)) return answered(200);
      if (/ other-client --container=app .*http:\/\/allowed-client/.test(line)) return answered(403);
      return undefined;
    },
  });
  const { status, findings } = report.scenarios.find(({ id }) => id === "policy-matrix") ?? {};
  expect(status).toBe("problem");
  expect(findings?.map(({ subject, evidence }) => `${subject}: ${evidence}`)).toEqual([
    "server to other-client: answered 200 in place of 403",
    "other-client to allowed-client: answered 403 in place of 200",
  ]);
});

/** Certificates that were issued three hours after the recorded ones. */
const LATE = JSON.parse(readFileSync(repositoryPath("tests/unit/doctor/intermediate-authority.json"), "utf8")) as {
  root: string;
  chain: string[];
};

/** Certificates that are replaced, by serial numbers in the order in which a proxy shows them; tbot's connections beside them. */
function rotating({
  replaced,
  connections,
  late = false,
}: {
  replaced: boolean;
  connections: number;
  /** Whether the server's comes hours after the one before. */
  late?: boolean;
}): Differences {
  let looks = 0;
  return {
    kubectl: ({ line }) => {
      if (!line.includes("--rate")) return undefined;
      looks++;
      vi.setSystemTime(Date.now() + 300_000);
      return undefined;
    },
    proxy: (pod, path) => {
      if (path.startsWith("/clusters")) {
        return { body: `sds-grpc::/x::cx_active::1\nsds-grpc::/x::cx_total::${looks < 2 ? 1 : connections}\n` };
      }
      if (!replaced || looks < 2 || !path.startsWith("/config_dump")) return undefined;
      // Another certificate of the same authority: that of another workload will do.
      const other = healthySnapshot();
      const name = pod.endsWith("/server") ? "other-client" : "server";
      const proxy = other.proxies.find((each) => each.pod.startsWith(name));
      if (late && proxy?.secrets.ok === true && pod.endsWith("/server")) {
        proxy.secrets.value = { ...proxy.secrets.value, chain: LATE.chain, roots: [LATE.root] };
      }
      return envoyAdmin(
        { proxies: proxy === undefined ? [] : [{ ...proxy, pod: "x" }] },
        `${proxy?.namespace}/x`,
        path,
      );
    },
  };
}

test.each<[string, Differences, string, RegExp, string[]]>([
  [
    "comes over the open stream",
    rotating({ replaced: true, connections: 1 }),
    "ok",
    /^\d+ requests in \d+ s, 0 lost; allowed-client went from [0-9a-f]+ to [0-9a-f]+, issued -?\d+ s later; server went/,
    [],
  ],
  [
    "does not come",
    rotating({ replaced: false, connections: 1 }),
    "problem",
    /allowed-client kept [0-9a-f]+; server kept/,
    [
      expect.stringMatching(/^allowed-client: no new certificate within \d+ s$/),
      expect.stringMatching(/^server: no new certificate within \d+ s$/),
    ],
  ],
  [
    "comes over another connection",
    rotating({ replaced: true, connections: 2 }),
    "problem",
    /went from/,
    [
      "allowed-client: the new certificate came over a new connection to tbot (1 opened before, 2 now)",
      "server: the new certificate came over a new connection to tbot (1 opened before, 2 now)",
    ],
  ],
  [
    "comes too late",
    rotating({ replaced: true, connections: 1, late: true }),
    "problem",
    /server went from/,
    ["server: the new certificate was issued 10242 s after the one before, and a third of its life is 1200 s"],
  ],
])("with --renewal, a new certificate %s", async (_, differences, status, evidence, findings) => {
  const report = await played(differences, { renewal: true });
  const scenario = report.scenarios.find(({ id }) => id === "renewal");
  expect(scenario?.findings.map(({ subject, evidence: seen }) => `${subject}: ${seen}`)).toEqual(findings);
  expect(scenario).toMatchObject({ status, evidence: expect.stringMatching(evidence) });
  expect(output.stderr).toMatch(/ {4}waiting for new certificates, \d+ s at most\n/);
});

it("with --renewal, counts requests that were lost", async () => {
  const differences = rotating({ replaced: true, connections: 1 });
  const report = await played(
    {
      ...differences,
      kubectl: (asked) => {
        const said = differences.kubectl?.(asked);
        return asked.line.includes("--rate") ? { code: 52, stdout: `${"200\n".repeat(48)}503\n000\n` } : said;
      },
    },
    { renewal: true },
  );
  const { findings } = report.scenarios.find(({ id }) => id === "renewal") ?? {};
  expect(findings?.map(({ evidence }) => evidence)).toEqual([expect.stringMatching(/^(\d+) of \d+ requests lost$/)]);
});

const SECRET = "/api/v1/namespaces/shop/secrets/registry";
const IMAGE_PULL_SECRET = { imagePullSecret: { namespace: "shop", name: "registry" } };

it("copies the Secret by which images are pulled", async () => {
  const type = "kubernetes.io/dockerconfigjson";
  const data = { ".dockerconfigjson": "e30=" };
  const objects = { [SECRET]: { metadata: { name: "registry", namespace: "shop" }, type, data } };
  await played({ objects }, IMAGE_PULL_SECRET);
  const { items } = JSON.parse(cluster?.calls.find(({ stdin }) => stdin.includes('"kind":"Pod"'))?.stdin ?? "{}");
  const made = items as { kind: string; spec?: { imagePullSecrets?: object[] } }[];
  expect(made.find(({ kind }) => kind === "Secret")).toEqual({
    ...{ apiVersion: "v1", kind: "Secret", type, data },
    metadata: { name: "registry", namespace: NAMESPACE },
  });
  const pods = made.filter(({ kind }) => kind === "Pod");
  expect(pods.map(({ spec }) => spec?.imagePullSecrets)).toEqual(pods.map(() => [{ name: "registry" }]));
  const asked = cluster?.calls.find(({ stdin }) => stdin.includes("SelfSubjectAccessReview"))?.stdin;
  expect(asked).toContain('{"verb":"get","group":"","resource":"secrets","namespace":"shop"}');
});

test.each([
  [{}, EXIT.unavailable, "There is no Secret shop/registry; name one with --image-pull-secret."],
  [
    { [SECRET]: { metadata: { name: "registry", namespace: "shop" }, type: "Opaque", data: {} } },
    EXIT.refused,
    'The Secret shop/registry has the type "Opaque"; give --image-pull-secret one of the type kubernetes.io/dockerconfigjson.',
  ],
])("refuses a Secret that pulls no images, before it makes anything", async (objects, code, words) => {
  const { runner } = await start({ objects });
  const flags = { ...FLAGS, ...IMAGE_PULL_SECRET };
  expect(await refusal(() => conformance(runner, flags, "1.2.3", NAMESPACE), code)).toBe(words);
  expect(changes()).toEqual([]);
});

test.each([
  [["--nodes", "0"], "Give `all`, or a number from 1, such as 3;"],
  [["--nodes", "some"], "Give `all`, or a number from 1, such as 3;"],
  [["--image-pull-secret", "registry"], "Give namespace/name of a Secret, such as shop/registry;"],
  [["--image-pull-secret", "shop/../registry"], "Give namespace/name of a Secret, such as shop/registry;"],
])("refuses the flag %j", async (flags, words) => {
  const { status, stderr } = await runCli("test", ...flags);
  expect([status, stderr]).toEqual([EXIT.refused, expect.stringContaining(words)]);
});

/** A gateway: its proxy is all that it runs. */
const gatewayOf = (account: string) => (snapshot: Snapshot) => {
  const pod = cloneAs(snapshot, "server", "ingress");
  pod.spec.containers = pod.spec.initContainers?.filter(({ name }) => name === "istio-proxy") ?? [];
  pod.spec.initContainers = [];
  pod.spec.serviceAccountName = account;
};

test.each([
  ["server", "ok", []],
  [
    "ingress",
    "problem",
    [
      "test-app/ingress: its certificate names spiffe://lab.teleport.example/ns/test-app/sa/server in place of spiffe://lab.teleport.example/ns/test-app/sa/ingress",
    ],
  ],
])("looks at a gateway with the ServiceAccount %s: %s", async (account, status, findings) => {
  const report = await played({ snapshot: gatewayOf(account) });
  const scenario = report.scenarios.find(({ id }) => id === "gateway-identity");
  expect(scenario?.status).toBe(status);
  expect(scenario?.findings.map(({ subject, evidence }) => `${subject}: ${evidence}`)).toEqual(findings);
});

it("leaves the namespace with --keep, and says how to remove it", async () => {
  await played({}, { keep: true });
  expect(changes().join("\n")).not.toContain("delete");
  expect(output.stderr).toContain(`remove it with \`kubectl delete namespace ${NAMESPACE}\``);
});

it("takes the images that flags name", async () => {
  await played({}, { image: "r.example/curl:1", serverImage: "r.example/httpbin:2" });
  const made = cluster?.calls.find(({ stdin }) => stdin.includes('"kind":"Pod"'))?.stdin ?? "";
  const images = [...made.matchAll(/"image":"([^"]*)"/g)].map(([, name]) => name);
  expect(new Set(images)).toEqual(new Set(["r.example/curl:1", "r.example/httpbin:2"]));
  expect(images).toHaveLength(8);
});

it("prints a table for people", async () => {
  const { runner } = await start(onLine(/opts-out/, {}));
  await conformance(runner, { ...FLAGS, output: "table" }, "1.2.3", NAMESPACE);
  expect(output.stdout).toMatch(/ {2}ok +allowed-200 .*\n +allowed-client called .*: answered 200 \(/);
  expect(output.stdout).toMatch(/ {2}PROBLEM +opt-out-refused .*\n.*\n +API server: it would admit .*\n +→ /);
  expect(output.stdout.trimEnd()).toMatch(/\n\n1 problem, 9 ok, 2 skipped\.$/);
});

it("prints JUnit for CI, with the time of each scenario", async () => {
  const { runner } = await start(onLine(/opts-out/, {}));
  await conformance(runner, { ...FLAGS, output: "junit" }, "1.2.3", NAMESPACE);
  expect(output.stdout).toContain('<testsuites tests="12" failures="1" errors="0" skipped="2">');
  expect(output.stdout).toMatch(/<testcase classname="allowed-200" name="[^"]+" time="[\d.]+"\/>/);
  expect(output.stdout).toMatch(/classname="opt-out-refused" [^>]*>\n +<failure message="it would admit /);
});

it("tries the ephemeral container whatever the kubelet has written meanwhile", async () => {
  await played({
    snapshot: ({ pods }) => {
      for (const pod of pods.ok ? pods.value : []) Object.assign(pod.metadata, { resourceVersion: "7" });
    },
  });
  const tried = JSON.parse(cluster?.calls.find(({ line }) => line.includes("replace --raw"))?.stdin ?? "{}");
  expect(tried.metadata).toMatchObject({ name: "server" });
  expect(tried.metadata).not.toHaveProperty("resourceVersion");
  expect(tried.spec.ephemeralContainers[0].volumeMounts).toEqual([{ name: "workload-socket", mountPath: "/sockets" }]);
});

it("lists in its help exactly the scenarios that it plays", async () => {
  const { stdout } = await runCli("test", "--help");
  const listed = [...stdout.matchAll(/^ {2}([a-z]+(?:-[a-z0-9]+)*) {2,}/gm)].map(([, id]) => id);
  expect(listed).toEqual(PLAN.map(({ id }) => id));
});
