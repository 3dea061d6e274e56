import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Rendered, renderObjects, renderScenario, SCENARIOS } from "../support/scenarios.ts";

/** What each scenario of chart/ci promises, beside its snapshot. */

async function find(scenario: string, id: string): Promise<Rendered> {
  const object = (await renderScenario(scenario)).get(id);
  if (object === undefined) throw new Error(`the scenario ${scenario} renders no ${id}`);
  return object;
}

/** The principals that the ALLOW policy of a service names. */
async function callers(scenario: string, service: string): Promise<string[]> {
  const { spec } = await find(scenario, `AuthorizationPolicy allow-${service}`);
  return spec.rules.flatMap(({ from }: Rendered) =>
    from.flatMap(({ source }: Rendered) => source.principals as string[]),
  );
}

async function modes(scenario: string): Promise<string[]> {
  const policies = (await renderObjects(scenario)).filter(({ kind }) => kind === "PeerAuthentication");
  return policies.flatMap(({ spec }) => [
    spec.mtls?.mode,
    ...Object.values(spec.portLevelMtls ?? {}).map((port) => (port as { mode: string }).mode),
  ]);
}

describe("openshift", () => {
  const pod = async () => (await find("openshift", "DaemonSet tbot")).spec.template.spec;

  test("tbot has the SELinux type, and keeps its hardening", async () => {
    const { securityContext, containers } = await pod();
    expect(securityContext).toEqual({
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: "RuntimeDefault" },
      seLinuxOptions: { type: "spc_t" },
    });
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  test("tbot verifies kubelets by the node's file, which it can only read", async () => {
    const config = parse((await find("openshift", "ConfigMap tbot")).data?.["tbot.yaml"] ?? "");
    const { ca_path, skip_verify } = config.services[0].attestors.kubernetes.kubelet;
    expect(skip_verify).toBe(false);
    const { containers, volumes } = await pod();
    const mount = containers[0].volumeMounts.find(({ mountPath }: Rendered) => mountPath === ca_path);
    expect(mount).toMatchObject({ readOnly: true });
    expect(volumes.find(({ name }: Rendered) => name === mount.name).hostPath).toEqual({
      path: "/etc/kubernetes/kubelet-ca.crt",
      type: "File",
    });
  });
});

describe("gke", () => {
  test("the quota is in tbot's namespace and counts pods of tbot's class", async () => {
    const [tbot, quota] = [await find("gke", "DaemonSet tbot"), await find("gke", "ResourceQuota tbot")];
    expect(quota.metadata.namespace).toBe(tbot.metadata.namespace);
    expect(quota.spec.hard).toEqual({ pods: "200" });
    expect(quota.spec.scopeSelector.matchExpressions[0].values).toEqual([tbot.spec.template.spec.priorityClassName]);
  });
});

describe("gateway", () => {
  test("the gateway is the front-end's one caller, and nobody is called in plaintext", async () => {
    expect(await callers("gateway", "front-end")).toEqual(["example.teleport.sh/ns/istio-ingress/sa/istio-ingress"]);
    expect(new Set(await modes("gateway"))).toEqual(new Set(["STRICT"]));
    // The comparison sees a port that is open: the front-end's without the gateway.
    expect(await modes("sock-shop")).toContain("PERMISSIVE");
  });
});

describe("gateway-api", () => {
  test("the gateway's service account is the one that istiod makes, and calls one service", async () => {
    expect(await callers("gateway-api", "web")).toEqual(["example.teleport.sh/ns/ingress/sa/public-istio"]);
    expect(await callers("gateway-api", "cart")).toEqual(["example.teleport.sh/ns/shop/sa/web"]);
  });

  test("istiod gives the gateway's pods tbot's socket", async () => {
    const { metadata } = await find("gateway-api", "ConfigMap istio-teleport-gateway-api");
    expect(metadata.labels).toMatchObject({ "gateway.istio.io/defaults-for-class": "istio" });
  });
});

test.each(SCENARIOS)("%s: each namespace has the Pod Security level that its pods need", async (scenario) => {
  const namespaces = (await renderObjects(scenario)).filter(({ kind }) => kind === "Namespace");
  for (const { metadata } of namespaces) {
    // Without a hostPath and without istio-init nothing in a meshed namespace needs more.
    const level =
      scenario === "csi" && metadata.labels?.["istio-injection"] === "enabled" ? "restricted" : "privileged";
    expect(metadata.labels, metadata.name).toMatchObject({ "pod-security.kubernetes.io/enforce": level });
  }
});

test.each(SCENARIOS)("%s: every object carries the chart's labels", async (scenario) => {
  for (const { kind, metadata } of await renderObjects(scenario)) {
    expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
      "app.kubernetes.io/part-of": "istio-teleport",
      "app.kubernetes.io/managed-by": "Helm",
    });
  }
});
