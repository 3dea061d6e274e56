import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { page } from "../../../tools/base/documentation.ts";
import { CHECKS } from "../../../tools/doctor/checks/all.ts";
import { diagnose, type Result } from "../../../tools/doctor/diagnose.ts";
import { scopeOfTemplate } from "../../../tools/doctor/facts/injection-scope.ts";
import { makeFacts } from "../../../tools/doctor/facts/make-facts.ts";
import { isMeshed } from "../../../tools/doctor/facts/meshed-pods.ts";
import type { AdmissionPolicy, Deployment, Pod } from "../../../tools/doctor/facts/objects.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import type { Read } from "../../../tools/programs/kube-api/read.ts";
import type { Values } from "../../../tools/values/types.ts";
import { renderScenario, scenarioIstiodValues, scenarioValues } from "../../support/scenarios.ts";
import { healthySnapshot } from "./healthy-snapshot.ts";

/** A mesh of which only a part is to have Teleport's identity: doctor judges that part and leaves the rest alone. */

const OFF = "istio.blockIstiodCertificates=false";
const SCOPES = {
  namespace: [OFF, "istio.injection.scope=namespace", "istio.injection.namespaces={test-app}"],
  pod: [OFF, "istio.injection.scope=pod"],
};
type Scope = keyof typeof SCOPES;
const POLICY = "ValidatingAdmissionPolicy istio-teleport-workload-identity";

function value<T>(read: Read<T>): T {
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

const text = (items: readonly unknown[]) => JSON.stringify(items);
const of = (results: readonly Result[], id: string) => {
  const found = results.find(({ check }) => check.id === id);
  if (found === undefined) throw new Error(`no check is called ${id}`);
  return found;
};

/** The healthy lab with istiod's values of a scope. */
async function snapshotOf(scope: Scope): Promise<Snapshot> {
  const snapshot = healthySnapshot();
  const { sidecarInjectorWebhook: ours } = parse(await scenarioIstiodValues("minimal", ...SCOPES[scope])) as {
    sidecarInjectorWebhook: { defaultTemplates?: string[]; templates: Record<string, string> };
  };
  for (const { metadata, data } of value(snapshot.istioConfigMaps)) {
    if (data === undefined || metadata.name !== "istio-sidecar-injector") continue;
    const config = parse(data.config ?? "");
    config.defaultTemplates = ours.defaultTemplates ?? ["sidecar"];
    config.templates = { ...config.templates, ...ours.templates };
    data.config = stringify(config);
  }
  for (const { spec } of value(snapshot.istiods)) {
    for (const container of spec.template.spec.containers) container.env = [];
  }
  const policy = (await renderScenario("minimal", ...SCOPES[scope])).get(POLICY);
  snapshot.admissionPolicy = { ok: true, value: policy as unknown as AdmissionPolicy };
  for (const pod of value(snapshot.pods).filter(isMeshed)) {
    if (scope === "pod") pod.metadata.annotations = { "inject.istio.io/templates": "sidecar, teleport" };
  }
  return snapshot;
}

/** A pod with istiod's certificate, in a meshed namespace of its own. */
function addPodOfIstiod(snapshot: Snapshot, annotations: Record<string, string> = {}): Pod {
  const [model] = value(snapshot.pods).filter(isMeshed);
  if (model === undefined) throw new Error("the recorded snapshot has no meshed pod");
  const pod = structuredClone(model);
  pod.metadata = { ...pod.metadata, name: "old-1", namespace: "old", annotations };
  pod.spec.volumes = [{ name: "workload-socket" }];
  value(snapshot.pods).push(pod);
  value(snapshot.namespaces).push({
    metadata: {
      name: "old",
      labels: { "istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "baseline" },
    },
  });
  return pod;
}

/** A control plane of another trust domain, without our template. */
function addOldRevision(snapshot: Snapshot): void {
  const [istiod] = value(snapshot.istiods) as [Deployment];
  const { metadata } = istiod;
  const revision = structuredClone(istiod);
  revision.metadata = { ...metadata, name: "istiod-old", labels: { ...metadata.labels, "istio.io/rev": "old" } };
  value(snapshot.istiods).unshift(revision);
  const { namespace } = metadata;
  value(snapshot.istioConfigMaps).push(
    { metadata: { name: "istio-old", namespace }, data: { mesh: "trustDomain: cluster.local" } },
    {
      metadata: { name: "istio-sidecar-injector-old", namespace },
      data: { config: "defaultTemplates: [sidecar]\ntemplates: {sidecar: 'spec: {}'}" },
    },
  );
}

const complaints = (results: readonly Result[]) =>
  results.flatMap(({ check, findings }) => findings.map(({ status }) => `${check.id}: ${status}`));
const look = (snapshot: Snapshot) => diagnose(CHECKS, makeFacts(snapshot));

describe.each(Object.keys(SCOPES) as Scope[])("scope %s", (scope) => {
  const read = (text: string) => scopeOfTemplate({ name: "teleport", text }).kind;

  it("is read from the template that the chart renders", async () => {
    const { templates } = parse(await scenarioIstiodValues("minimal", ...SCOPES[scope])).sidecarInjectorWebhook;
    expect(read(templates.teleport)).toBe(scope);
    const { templates: whole } = parse(await scenarioIstiodValues("minimal")).sidecarInjectorWebhook;
    expect(read(whole.teleport)).toBe("mesh");
  });

  it.each(["from the cluster", "from the values"])(
    "leaves pods, namespaces and revisions out of it alone, %s",
    async (source) => {
      const snapshot = await snapshotOf(scope);
      if (source === "from the values") snapshot.intended = await intendedOf(snapshot, scope);
      const before = look(snapshot);
      addPodOfIstiod(snapshot, { "inject.istio.io/templates": "sidecar" });
      addOldRevision(snapshot);
      const results = look(snapshot);
      expect(complaints(results)).toEqual(complaints(before));
      expect(text(of(results, "istiod-ca").findings)).toContain('"status":"warning"');
      expect(of(results, "proxy-mount").examined).toMatch(/^3 sidecars of .*; 1 meshed pod out of scope$/);
      expect(of(results, "injection-template").findings).toEqual([]);
      expect(of(results, "injection-template").examined).toMatch(/^1 revision, for /);
    },
  );

  it("judges a pod in it", async () => {
    const snapshot = await snapshotOf(scope);
    const pod = addPodOfIstiod(snapshot, { "inject.istio.io/templates": "teleport,sidecar" });
    if (scope === "namespace") pod.metadata = { ...pod.metadata, namespace: "test-app", annotations: {} };
    expect(text(of(look(snapshot), "proxy-mount").findings)).toContain("its proxy does not mount");
  });

  it("must be the admission policy's, too", async () => {
    const snapshot = await snapshotOf(scope);
    expect(of(look(snapshot), "admission-policy").findings).toEqual([]);
    snapshot.admissionPolicy = healthySnapshot().admissionPolicy;
    const said = text(of(look(snapshot), "admission-policy").findings);
    expect(said).toContain("the policy judges the mesh, and Teleport's identities are for");
  });

  it("must be the template's, too", async () => {
    const snapshot = await snapshotOf(scope);
    snapshot.intended = await intendedOf(snapshot, scope);
    for (const { data } of value(snapshot.istioConfigMaps)) {
      if (data?.config !== undefined) data.config = data.config.replaceAll(/\{\{- (if has|\/\* scope).*\}\}/g, "");
    }
    expect(text(of(look(snapshot), "injection-template").findings)).toContain(
      "is for the mesh, and the values are for",
    );
  });
});

it("of pods: a meshed namespace in which none has chosen it may enforce any Pod Security level", async () => {
  const snapshot = await snapshotOf("pod");
  addPodOfIstiod(snapshot);
  expect(of(look(snapshot), "pod-security").findings).toEqual([]);
  addPodOfIstiod(snapshot, { "inject.istio.io/templates": "sidecar,teleport" });
  expect(text(of(look(snapshot), "pod-security").findings)).toContain("it enforces baseline");
});

/** The values of the scope, with the cluster's name of the recorded lab. */
async function intendedOf(snapshot: Snapshot, scope: Scope): Promise<Values> {
  const name = makeFacts(snapshot).clusterName();
  return scenarioValues("minimal", ...SCOPES[scope], `global.teleport.clusterName=${name}`);
}

it("says how a refused gateway of the Gateway API gets the socket in scope, and misses no ConfigMap that the chart leaves out", async () => {
  const snapshot = await snapshotOf("namespace");
  const deployment = structuredClone(value(snapshot.istiods)[0] as Deployment);
  value(snapshot.gatewayDeployments).push(deployment);
  const verdict = () => of(diagnose(CHECKS, makeFacts(snapshot)), "gateway-api");
  expect(verdict()).toMatchObject({ status: "ok", findings: [] });
  deployment.status = { conditions: [{ type: "ReplicaFailure", status: "True", message: "forbidden" }] };
  expect(verdict().findings.map(({ hint }) => hint)).toEqual([
    `Give this gateway a ConfigMap of its own: the chart leaves its one out while the scope is the namespace test-app. See ${page("docs/operate/migration.md")}.`,
  ]);
});
