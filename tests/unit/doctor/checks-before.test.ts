import { expect, it } from "vitest";
import { CHECKS_BEFORE } from "../../../tools/doctor/checks/before/all.ts";
import { diagnose, exitCode } from "../../../tools/doctor/diagnose.ts";
import type { BeforeFacts } from "../../../tools/doctor/facts/before.ts";
import type { Read } from "../../../tools/programs/kube-api/read.ts";
import { joinToken, tokenDocument } from "../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { storedTokens } from "../../../tools/teleport/join/stored-token.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";

const KEYS = [rsaKey("ours"), rsaKey("theirs")].map(({ jwk }) => parseJwks(jwksBytes(jwk), "the test"));

const ok = <T>(value: T): Read<T> => ({ ok: true, value });

/** A cluster that is ready for an installation. */
function ready(): BeforeFacts {
  const intended = structuredClone(DEFAULTS);
  intended.global.teleport.clusterName = "example.teleport.sh";
  return {
    intended,
    token: ok(joinToken(intended, KEYS[0] ?? [])),
    programs: [ok("helm v4.3.1"), ok("kubectl v1.37.2"), ok("tctl 18.11.1")],
    kubernetesVersion: ok("v1.37.2"),
    nodes: ok([{ metadata: { name: "a" }, status: { nodeInfo: { kubeletVersion: "v1.37.2" } } }]),
    missingRights: ok([]),
    teleport: ok({ clusterName: "example.teleport.sh", version: "18.11.1" }),
    teleportResources: ok([{ kind: "role", name: "issuer", yaml: "", state: "absent", differences: [], narrowed: [] }]),
    storedTokens: ok([]),
    releases: ok([]),
    policyReleases: ok([]),
    releaseBytes: 100 * 1024,
    istio: { managed: "here", found: ok({ meshedPods: 0 }) },
    namespaces: ok([{ name: "test-app", state: "absent" }]),
  };
}

const release = (name: string, chart: string, namespace = "istio-system") => ({
  ...{ name, namespace, chart, revision: 1, version: "1.31.0", status: "deployed", updated: new Date(0) },
});

it("finds nothing wrong with a cluster that is ready, and says what it looked at", () => {
  const results = diagnose(CHECKS_BEFORE, ready());
  expect(results.map(({ check, status, examined }) => [check.id, status, examined])).toEqual([
    ["programs", "ok", "helm v4.3.1, kubectl v1.37.2, tctl 18.11.1"],
    ["kubernetes-version", "ok", "Kubernetes v1.37.2"],
    ["kubelet-versions", "ok", "1 node"],
    ["installation-rights", "ok", "all of them"],
    ["chart-namespaces", "ok", "test-app"],
    ["teleport-cluster", "ok", "cluster example.teleport.sh"],
    ["teleport-version", "ok", "Teleport 18.11.1"],
    ["teleport-resources", "ok", "role issuer, token istio-tbot-k8s-join"],
    ["helm-releases", "ok", "istio-teleport, istio-base, istiod"],
    ["release-size", "ok", "about 100 KiB of 1,024 KiB"],
    ["istio-mesh", "ok", "no istiod yet"],
    ["istio-cni", "skipped", "istio.cni is false"],
  ]);
  expect(exitCode(results)).toBe(0);
});

type Case = [id: string, what: string, change: (facts: BeforeFacts) => void, evidence: string];

const PROBLEMS: Case[] = [
  [
    "kubernetes-version",
    "too old for the chart",
    (facts) => Object.assign(facts, { kubernetesVersion: ok("v1.26.9") }),
    "it is v1.26.9",
  ],
  [
    "kubernetes-version",
    "too old for the admission policy that the values ask for",
    (facts) => Object.assign(facts, { kubernetesVersion: ok("v1.29.4-gke.100") }),
    "v1.29.4-gke.100 has no ValidatingAdmissionPolicy, so fail-closed layer c is missing",
  ],
  [
    "kubelet-versions",
    "one old node",
    ({ nodes }) =>
      nodes.ok && nodes.value.push({ metadata: { name: "b" }, status: { nodeInfo: { kubeletVersion: "v1.32.9" } } }),
    "its kubelet has version v1.32.9, and before 1.33 tbot cannot read its pods with the right to nodes/pods",
  ],
  [
    "installation-rights",
    "missing rights",
    (facts) => Object.assign(facts, { missingRights: ok(["create namespaces", "create secrets in x"]) }),
    "it may not create namespaces, create secrets in x",
  ],
  [
    "chart-namespaces",
    "somebody else's namespace",
    (facts) => Object.assign(facts, { namespaces: ok([{ name: "test-app", state: "other" }]) }),
    "it exists already and is not the chart's, so Helm would refuse to install",
  ],
  [
    "teleport-cluster",
    "another cluster",
    (facts) => Object.assign(facts, { teleport: ok({ clusterName: "other", version: "18.1.0" }) }),
    'it is logged in to the cluster "other", and global.teleport.clusterName is "example.teleport.sh"',
  ],
  ...["17.7.1", "20.0.0"].map(
    (version): Case => [
      "teleport-version",
      version,
      (facts) => Object.assign(facts, { teleport: ok({ clusterName: "example.teleport.sh", version }) }),
      `tbot is ${DEFAULTS.tbot.image.tag}, the cluster ${version}; Teleport supports clients of its own major and of one before`,
    ],
  ),
  [
    "teleport-resources",
    "somebody else's role",
    (facts) =>
      Object.assign(facts, {
        teleportResources: ok([
          { kind: "role", name: "issuer", yaml: "", state: "other", differences: [], narrowed: [] },
        ]),
      }),
    "it grants other things than ours would",
  ],
  [
    "teleport-resources",
    "a token of another bot",
    (facts) => Object.assign(facts, { storedTokens: ok([{ ...stored(facts, 0), botName: "other" }]) }),
    "Teleport has one of another kind under this name",
  ],
  [
    "teleport-resources",
    "a token of another join method",
    (facts) => Object.assign(facts, { storedTokens: ok([{ ...stored(facts, 0), joinMethod: "iam" }]) }),
    "Teleport has one of another kind under this name",
  ],
  [
    "teleport-resources",
    "a token with another cluster's keys",
    (facts) => Object.assign(facts, { storedTokens: ok([stored(facts, 1)]) }),
    "it holds keys of another cluster and none of this one's",
  ],
  [
    "helm-releases",
    "another chart's release",
    (facts) => Object.assign(facts, { releases: ok([release("istiod", "podinfo")]) }),
    "it is of the chart podinfo, not istiod",
  ],
  [
    "helm-releases",
    "the chart under another name",
    (facts) => Object.assign(facts, { releases: ok([release("mine", "istio-teleport")]) }),
    "the chart is installed already under this name, and two would claim the same cluster-wide objects",
  ],
  [
    "release-size",
    "a graph that outgrows a Secret",
    (facts) => Object.assign(facts, { releaseBytes: 1024 * 1024 + 1 }),
    "Helm would need about 1025 KiB of 1,024 KiB and fail: it keeps a release in a Secret",
  ],
  [
    "istio-mesh",
    "an istiod that Helm did not install",
    (facts) => Object.assign(facts.istio, { found: ok({ foreign: "istio-system/istiod", meshedPods: 0 }) }),
    "it was not installed as the release istiod in istio-system",
  ],
  [
    "istio-mesh",
    "a mesh that runs already",
    (facts) =>
      Object.assign(facts.istio, {
        found: ok({ release: release("istiod", "istiod"), otherTrustDomain: "cluster.local", meshedPods: 2 }),
      }),
    "a mesh with the trust domain cluster.local runs already, and its 2 pods would be cut off until restarted",
  ],
  [
    "istio-mesh",
    "no Istio with --skip-istio",
    (facts) =>
      Object.assign(facts, { istio: { managed: "elsewhere", found: ok({ hasCrds: false, trustDomains: [] }) } }),
    "its CRDs are not in this cluster",
  ],
  [
    "istio-mesh",
    "no istiod in the root namespace with --skip-istio",
    (facts) =>
      Object.assign(facts, { istio: { managed: "elsewhere", found: ok({ hasCrds: true, trustDomains: [] }) } }),
    "it has no configuration (ConfigMap istio or istio-<revision>)",
  ],
  [
    "istio-mesh",
    "a revision of another trust domain with --skip-istio",
    (facts) =>
      Object.assign(facts, {
        istio: {
          managed: "elsewhere",
          found: ok({ hasCrds: true, trustDomains: ["example.teleport.sh", "old.example"] }),
        },
      }),
    "it has the trust domain old.example, not example.teleport.sh",
  ],
  [
    "istio-cni",
    "values that rely on it, and nothing of it",
    (facts) => Object.assign(facts, { istioCni: ok(false) }),
    "istio.cni is true, and nothing of it runs: every meshed pod would stop in istio-validation",
  ],
];

/** What Teleport stores of the values' token with a cluster's keys. */
function stored({ intended }: BeforeFacts, cluster: number) {
  return storedTokens(tokenDocument(joinToken(intended, KEYS[cluster] ?? []), "yaml"), "the test")[0];
}

it.each(PROBLEMS)("%s names %s, and no other check does", (id, _, change, evidence) => {
  const facts = ready();
  change(facts);
  const results = diagnose(CHECKS_BEFORE, facts);
  const found = results.filter(({ status }) => status !== "ok" && status !== "skipped");
  expect(found.map(({ check, status }) => [check.id, status])).toEqual([[id, "problem"]]);
  expect(found[0]?.findings.map((finding) => finding.evidence)).toEqual([evidence]);
  expect(exitCode(results)).toBe(1);
});

it("warns of a release that nearly outgrows a Secret, and says how to split it", () => {
  const facts = { ...ready(), releaseBytes: 0.95 * 1024 * 1024 };
  const service = { labels: { app: "a" }, serviceAccount: "a" };
  const hint = () => {
    const results = diagnose(CHECKS_BEFORE, facts);
    const found = results.filter(({ status }) => status !== "ok" && status !== "skipped");
    expect(found.map(({ check, status }) => [check.id, status])).toEqual([["release-size", "warning"]]);
    return found[0]?.findings[0]?.hint;
  };
  facts.intended.mesh.applications = { shop: { namespace: "shop", services: { a: service, b: service } } };
  expect(hint()).toMatch(
    /^Helm cannot keep so many services in a release: apply what `istio-teleport render manifests`/,
  );
  facts.intended.mesh.applications.office = { namespace: "office", services: { a: service } };
  expect(hint()).toMatch(
    /^Give shop \(2 services\) a release of its own, with the values of `istio-teleport render values --only shop`, and install the rest with those of `istio-teleport render values --without shop`\. Or apply/,
  );
});

it("every check but programs, which only a missing program breaks, has a case", () => {
  const ids = CHECKS_BEFORE.map(({ id }) => id).filter((id) => id !== "programs");
  expect([...new Set(PROBLEMS.map(([id]) => id))]).toEqual(ids);
});

it.each<[string, (facts: BeforeFacts) => void]>([
  [
    "a tbot that is one major version older than Teleport",
    (facts) => Object.assign(facts, { teleport: ok({ clusterName: "example.teleport.sh", version: "19.0.1" }) }),
  ],
  [
    "a release of one application's policies",
    (facts) => {
      const shop = release("shop-policies", "istio-teleport", "teleport-system");
      Object.assign(facts, { releases: ok([shop]), policyReleases: ok([shop]) });
    },
  ],
  [
    "our own release, token and namespace",
    (facts) =>
      Object.assign(facts, {
        releases: ok([release("istio-teleport", "istio-teleport", "teleport-system"), release("istiod", "istiod")]),
        storedTokens: ok([stored(facts, 0)]),
        namespaces: ok([{ name: "test-app", state: "ours" }]),
      }),
  ],
  [
    "a mesh of another trust domain in which no pod runs yet",
    (facts) =>
      Object.assign(facts.istio, {
        found: ok({ release: release("istiod", "istiod"), otherTrustDomain: "cluster.local", meshedPods: 0 }),
      }),
  ],
])("takes %s", (_, change) => {
  const facts = ready();
  change(facts);
  expect(exitCode(diagnose(CHECKS_BEFORE, facts))).toBe(0);
});

it("an old Kubernetes is a warning where the values go without the admission policy", () => {
  const facts = ready();
  facts.kubernetesVersion = ok("v1.29.4");
  facts.intended.mesh.admission.enabled = false;
  const results = diagnose(CHECKS_BEFORE, facts);
  expect(results.find(({ check }) => check.id === "kubernetes-version")?.status).toBe("warning");
  expect(exitCode(results)).toBe(0);
});

it("an istio-cni that is not seen is a warning where others manage Istio, and fine where it is", () => {
  const facts = ready();
  facts.istioCni = ok(false);
  facts.istio = { managed: "elsewhere", found: ok({ hasCrds: true, trustDomains: [] }) };
  const status = () => diagnose(CHECKS_BEFORE, facts).find(({ check }) => check.id === "istio-cni")?.status;
  expect(status()).toBe("warning");
  facts.istioCni = ok(true);
  expect(status()).toBe("ok");
});

it("old kubelets do no harm where the values grant nodes/proxy", () => {
  const facts = ready();
  facts.intended.tbot.kubelet.authorization = "proxy";
  facts.nodes = ok([{ metadata: { name: "a" }, status: { nodeInfo: { kubeletVersion: "v1.28.1" } } }]);
  expect(exitCode(diagnose(CHECKS_BEFORE, facts))).toBe(0);
});

it("a Teleport whose version nobody knows, such as a build of your own, does not stop an installation", () => {
  const facts = ready();
  facts.teleport = ok({ clusterName: "example.teleport.sh", version: "my-build" });
  const results = diagnose(CHECKS_BEFORE, facts);
  const { status, examined } = results.find(({ check }) => check.id === "teleport-version") ?? {};
  expect([status, examined]).toEqual(["skipped", "`tctl status` names no version that is known (my-build)"]);
  expect(exitCode(results)).toBe(0);
});

it("what could not be read is unknown, with the program's own words, and exit code 2", () => {
  const facts = ready();
  const silent = { ok: false as const, reason: 'tctl says "not logged in"' };
  Object.assign(facts, { teleport: silent, programs: [ok("helm v4.3.1"), silent] });
  const results = diagnose(CHECKS_BEFORE, facts);
  const unknown = results.filter(({ status }) => status === "unknown");
  expect(unknown.map(({ check }) => check.id)).toEqual(["programs", "teleport-cluster", "teleport-version"]);
  for (const { findings } of unknown) expect(findings[0]?.evidence).toBe('tctl says "not logged in"');
  expect(exitCode(results)).toBe(2);
});
