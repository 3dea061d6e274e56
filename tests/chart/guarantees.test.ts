import { createHash } from "node:crypto";
import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DEFAULTS } from "../../tools/values/defaults.ts";
import { type Rendered, renderScenario, scenarioInputs, scenarioIstiodValues } from "../support/scenarios.ts";
import { renderNotes } from "./support/notes.ts";

/** What a reader of the snapshots could miss: each line here is a promise of docs/explain/security.md or of the design. */

const SOCKET_MOUNT = "/var/run/secrets/workload-spiffe-uds";

const get = (objects: Map<string, Rendered>, id: string): Rendered => {
  const object = objects.get(id);
  if (!object) throw new Error(`${id} is not rendered; there are ${[...objects.keys()].join(", ")}`);
  return object;
};

describe("tbot", { concurrent: true }, () => {
  test("runs as root without a capability, without escalation, on a read-only file system", async () => {
    const { spec } = get(await renderScenario("minimal"), "DaemonSet tbot").spec.template;
    expect(spec.hostPID).toBe(true);
    expect(spec.hostNetwork).toBeUndefined();
    expect(spec.securityContext).toEqual({ runAsUser: 0, runAsGroup: 0, seccompProfile: { type: "RuntimeDefault" } });
    const [container, ...others] = spec.containers;
    expect(others).toEqual([]);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  test("gets SYS_PTRACE with attestBinary only", async () => {
    const { spec } = get(await renderScenario("minimal", "tbot.attestBinary=true"), "DaemonSet tbot").spec.template;
    expect(spec.containers[0].securityContext.capabilities).toEqual({ drop: ["ALL"], add: ["SYS_PTRACE"] });
  });

  test("mounts everything but the socket directory read-only, and no node directory but that one", async () => {
    const { spec } = get(await renderScenario("minimal"), "DaemonSet tbot").spec.template;
    const writable = spec.containers[0].volumeMounts.filter(({ readOnly }: { readOnly?: boolean }) => !readOnly);
    expect(writable).toEqual([{ name: "socket", mountPath: "/run/spire/sockets" }]);
    const hostPaths = spec.volumes.filter((volume: object) => "hostPath" in volume);
    expect(hostPaths).toEqual([
      { name: "socket", hostPath: { path: "/run/spire/sockets", type: "DirectoryOrCreate" } },
    ]);
  });

  test("joins with a token for the Teleport cluster that lives less than Teleport's 30 minutes", async () => {
    const { spec } = get(await renderScenario("minimal"), "DaemonSet tbot").spec.template;
    const { serviceAccountToken } = spec.volumes.find(({ name }: { name: string }) => name === "join-token").projected
      .sources[0];
    expect(serviceAccountToken).toMatchObject({ audience: "example.teleport.sh", expirationSeconds: 600 });
    const { mountPath } = spec.containers[0].volumeMounts.find(({ name }: { name: string }) => name === "join-token");
    expect(spec.containers[0].env).toContainEqual({
      name: "KUBERNETES_TOKEN_PATH",
      value: `${mountPath}/${serviceAccountToken.path}`,
    });
  });

  test("listens where the sidecars' volume is, and reaches the kubelet by address", async () => {
    const objects = await renderScenario("everything");
    const config = parse(get(objects, "ConfigMap mesh-tbot").data?.["tbot.yaml"] ?? "");
    expect(config.services[0].listen).toBe("unix:///run/teleport/sockets/workload.sock");
    const { env } = get(await renderScenario("minimal"), "DaemonSet tbot").spec.template.spec.containers[0];
    expect(env).toContainEqual({
      name: "TELEPORT_NODE_NAME",
      valueFrom: { fieldRef: { fieldPath: "status.hostIP" } },
    });
  });

  test("verifies the kubelet's certificate unless told otherwise", async () => {
    const kubelet = async (...sets: string[]) =>
      parse(get(await renderScenario("minimal", ...sets), "ConfigMap tbot").data?.["tbot.yaml"] ?? "").services[0]
        .attestors.kubernetes.kubelet;
    expect((await kubelet()).skip_verify).toBe(false);
    expect((await kubelet("tbot.kubelet.skipVerify=true")).skip_verify).toBe(true);
  });

  test.each([
    ["pods", "nodes/pods"],
    ["proxy", "nodes/proxy"],
  ])("kubelet authorization %s is one rule: get %s", async (authorization, resource) => {
    const objects = await renderScenario("minimal", `tbot.kubelet.authorization=${authorization}`);
    const roles = [...objects.values()].filter(({ kind }) => ["Role", "ClusterRole"].includes(kind));
    expect(roles.map(({ rules }) => rules)).toEqual([[{ apiGroups: [""], resources: [resource], verbs: ["get"] }]]);
  });

  test("restarts when tbot.yaml changes, and only then", async () => {
    const checksum = async (...sets: string[]) => {
      const objects = await renderScenario("minimal", ...sets);
      const annotation = get(objects, "DaemonSet tbot").spec.template.metadata.annotations["checksum/config"];
      // The ConfigMap's literal block ends with a line break, the hashed text does not.
      const text = get(objects, "ConfigMap tbot").data?.["tbot.yaml"]?.trimEnd() ?? "";
      expect(annotation).toBe(createHash("sha256").update(text).digest("hex"));
      return annotation;
    };
    const before = await checksum();
    expect(await checksum("tbot.credentialTTL=2h")).not.toBe(before);
    expect(await checksum("tbot.podLabels.a=b")).toBe(before);
  });

  test("runs on every node before the pods that need it, outside the mesh", async () => {
    const { metadata, spec } = get(await renderScenario("minimal"), "DaemonSet tbot").spec.template;
    expect(spec.tolerations).toEqual([{ operator: "Exists" }]);
    expect(spec.priorityClassName).toBe("system-node-critical");
    expect(metadata.labels["sidecar.istio.io/inject"]).toBe("false");
  });

  test("is probed where it serves diagnostics", async () => {
    const objects = await renderScenario("minimal");
    const [container] = get(objects, "DaemonSet tbot").spec.template.spec.containers;
    const port = container.ports.find(({ name }: { name: string }) => name === "diag").containerPort;
    expect(parse(get(objects, "ConfigMap tbot").data?.["tbot.yaml"] ?? "").diag_addr).toBe(`0.0.0.0:${port}`);
    expect(container.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "diag" });
    expect(container.livenessProbe.httpGet).toEqual({ path: "/livez", port: "diag" });
  });

  test("a digest wins over the tag", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const objects = await renderScenario("minimal", `tbot.image.digest=${digest}`);
    const [container] = get(objects, "DaemonSet tbot").spec.template.spec.containers;
    expect(container.image).toBe(`public.ecr.aws/gravitational/tbot-distroless@${digest}`);
  });
});

describe("fail-closed layers", { concurrent: true }, () => {
  const template = async (scenario: string) => {
    const text = await scenarioIstiodValues(scenario);
    const values = parse(text);
    const name = values.sidecarInjectorWebhook.defaultTemplates.at(-1);
    return { values, name, template: values.sidecarInjectorWebhook.templates[name] as string };
  };

  /** The pod spec that Istio's injector makes of the template, by the branch it takes. */
  const injected = (text: string, list: "containers" | "initContainers") =>
    parse(
      text
        .replace(/^\{\{-.*\n/gm, "")
        .replace(/\{\{ if .*\}\}initContainers\{\{ else \}\}containers\{\{ end \}\}/, list),
    ).spec;

  /** What the policy's first rule says of a new pod. */
  const verdict = (policy: Rendered["spec"], spec: object) => {
    const cel = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });
    const known = { object: { spec }, request: { operation: "CREATE" }, variables: {} as Record<string, unknown> };
    for (const { name, expression } of policy.variables) {
      if (["volumes", "proxies", "socketDir", "socketVolumes"].includes(name))
        known.variables[name] = cel.evaluate(expression, known);
    }
    return cel.evaluate(policy.validations[0].expression, known);
  };

  /** Which of the policy's rules refuse a new pod, in their order: the mount, who writes, other host paths. */
  const refusals = (policy: Rendered["spec"], pod: { metadata?: object; spec: object }, namespace: object) => {
    const cel = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });
    const known = {
      object: { metadata: {}, ...pod },
      namespaceObject: { metadata: { labels: {}, ...namespace } },
      request: { operation: "CREATE" },
      variables: {} as Record<string, unknown>,
    };
    for (const { name, expression } of policy.variables) known.variables[name] = cel.evaluate(expression, known);
    return policy.validations.flatMap(({ expression }: { expression: string }, index: number) =>
      cel.evaluate(expression, known) === true ? [] : [["mount", "writes", "host path"][index]],
    );
  };

  test.each(["containers", "initContainers"] as const)(
    "a: the template replaces Istio's writable volume by name and path, read-only (%s)",
    async (list) => {
      const { name, values, template: text } = await template("minimal");
      expect(name).toBe("teleport");
      expect(values.sidecarInjectorWebhook.defaultTemplates).toEqual(["sidecar", "teleport"]);
      expect(injected(text, list)).toEqual({
        [list]: [
          {
            name: "istio-proxy",
            volumeMounts: [{ name: "workload-socket", mountPath: SOCKET_MOUNT, readOnly: true }],
          },
        ],
        volumes: [{ name: "workload-socket", hostPath: { path: "/run/spire/sockets", type: "DirectoryOrCreate" } }],
      });
    },
  );

  describe("gateways of the Kubernetes Gateway API", () => {
    const id = "ConfigMap istio-teleport-gateway-api";
    const patch = async (scenario: string) =>
      parse(get(await renderScenario(scenario), id).data?.deployment ?? "").spec.template.spec;

    test.each(["minimal", "everything"])(
      "a: get the mount of the injection template, and not Istio's (%s)",
      async (scenario) => {
        const { containers, volumes } = injected((await template(scenario)).template, "containers");
        // null removes a field in a strategic merge: a volume with two sources is refused.
        const withoutIstios = volumes.map((volume: object) => ({ ...volume, emptyDir: null }));
        expect(await patch(scenario)).toEqual({ containers, volumes: withoutIstios });
      },
    );

    test("a: istiod finds the patch by label, in its root namespace", async () => {
      const { metadata } = get(await renderScenario("everything"), id);
      expect(metadata.namespace).toBe("istio-root");
      expect(metadata.labels).toMatchObject({ "gateway.istio.io/defaults-for-class": "istio" });
    });

    test.each(["mesh.enabled=false", "mesh.gatewayApi.enabled=false"])("a: left alone with %s", async (set) => {
      expect([...(await renderScenario("minimal", set)).keys()]).not.toContain(id);
    });

    test("c: pass with that mount and no annotation; are refused without it, in words that name the ConfigMap", async () => {
      const { containers, volumes } = await patch("minimal");
      const own = volumes.map(({ emptyDir: _removed, ...volume }: { emptyDir: null }) => volume);
      const policy = get(
        await renderScenario("minimal"),
        "ValidatingAdmissionPolicy istio-teleport-workload-identity",
      ).spec;
      expect(verdict(policy, { containers, volumes: own })).toBe(true);
      const istios = [{ name: "workload-socket", emptyDir: {} }];
      expect(verdict(policy, { containers, volumes: istios })).toBe(false);
      const { message } = policy.validations[0];
      expect(message).toContain("ConfigMap istio-teleport-gateway-api in the namespace istio-system");
      expect(message).toContain("mesh.gatewayApi.enabled");
    });
  });

  describe("with a scope", () => {
    const IN_NAMESPACES = [
      "istio.blockIstiodCertificates=false",
      "istio.injection.scope=namespace",
      "istio.injection.namespaces={billing,shop}",
    ];
    const IN_PODS = ["istio.blockIstiodCertificates=false", "istio.injection.scope=pod"];
    const policyOf = async (sets: string[]) =>
      get(await renderScenario("minimal", ...sets), "ValidatingAdmissionPolicy istio-teleport-workload-identity").spec;
    const webhookOf = async (sets: string[]) =>
      parse(await scenarioIstiodValues("minimal", ...sets)).sidecarInjectorWebhook;
    /** What the template makes of a pod, by the branch that Istio's injector takes. */
    const branches = (text: string) => text.split("{{- else }}\n") as [string, string];

    test("a: of namespaces, the template is a default one that does something in these only", async () => {
      const { defaultTemplates, templates } = await webhookOf(IN_NAMESPACES);
      expect(defaultTemplates).toEqual(["sidecar", "teleport"]);
      const [inside, outside] = branches(templates.teleport);
      expect(inside.split("\n")[0]).toBe('{{- if has .ObjectMeta.Namespace (list "billing" "shop") }}');
      const everywhere = (await webhookOf([])).templates.teleport;
      expect(injected(inside, "containers")).toEqual(injected(everywhere, "containers"));
      expect(outside).toBe("spec: {}\n{{- end }}\n");
    });

    test("a: of pods, the template is no default one", async () => {
      const { defaultTemplates, templates } = await webhookOf(IN_PODS);
      expect(defaultTemplates).toBeUndefined();
      expect(injected(templates.teleport, "containers")).toEqual(
        injected((await webhookOf([])).templates.teleport, "containers"),
      );
    });

    test.each([["namespace", IN_NAMESPACES] as const, ["pod", IN_PODS] as const])(
      "a: of %s, no ConfigMap gives tbot's socket to each gateway of the Gateway API",
      async (scope, sets) => {
        expect([...(await renderScenario("minimal", ...sets)).keys()]).not.toContain(
          "ConfigMap istio-teleport-gateway-api",
        );
        const { message } = (await policyOf([...sets])).validations[0];
        expect(message).toContain(`needs a ConfigMap of its own while istio.injection.scope is ${scope}`);
        expect(message).not.toContain("istio-teleport-gateway-api");
      },
    );

    test.each([
      [IN_NAMESPACES, "In scope: meshed pods in billing, shop."],
      [IN_PODS, "In scope: meshed pods with the annotation `inject.istio.io/templates: sidecar,teleport`."],
    ])("NOTES say what is in scope, and that istiod's certificates are usable (%#)", async (sets, sentence) => {
      const notes = await renderNotes(await scenarioInputs("minimal", ...sets));
      expect(notes).toContain(sentence);
      expect(notes).toContain("WARNING: istio.blockIstiodCertificates is false.");
      expect(await renderNotes(await scenarioInputs("minimal"))).not.toContain("In scope:");
    });

    const MESHED = { "istio-injection": "enabled" };
    const proxy = { name: "istio-proxy", volumeMounts: [{ name: "workload-socket", mountPath: SOCKET_MOUNT }] };
    const ofIstiod = { containers: [proxy], volumes: [{ name: "workload-socket", emptyDir: {} }] };
    const socket = { name: "host", hostPath: { path: "/run/spire/sockets" } };
    const logs = { containers: [{ name: "app" }], volumes: [{ name: "logs", hostPath: { path: "/var/log" } }] };
    const writer = {
      containers: [{ name: "app", volumeMounts: [{ name: "host", mountPath: "/host" }] }],
      volumes: [socket],
    };
    const named = (annotation: string) => ({ annotations: { "inject.istio.io/templates": annotation } });

    test("c: of namespaces, the policy asks for the mount in these, and lets other pods keep istiod's", async () => {
      const policy = await policyOf(IN_NAMESPACES);
      const inside = { name: "shop", labels: MESHED };
      const outside = { name: "old", labels: MESHED };
      expect(refusals(policy, { spec: ofIstiod }, inside)).toEqual(["mount"]);
      expect(refusals(policy, { spec: ofIstiod }, outside)).toEqual([]);
      expect(refusals(policy, { spec: logs }, inside)).toEqual(["host path"]);
      expect(refusals(policy, { spec: logs }, outside)).toEqual([]);
      // Named, not injected: the label of a pod does that, too.
      expect(refusals(policy, { spec: ofIstiod }, { name: "shop" })).toEqual(["mount"]);
      expect(refusals(policy, { spec: logs }, { name: "shop" })).toEqual([]);
    });

    test("c: of pods, the policy asks for the mount where the annotation names the template", async () => {
      const policy = await policyOf(IN_PODS);
      const namespace = { name: "old", labels: MESHED };
      for (const annotation of ["sidecar,teleport", "sidecar, teleport", "teleport"]) {
        expect(refusals(policy, { metadata: named(annotation), spec: ofIstiod }, namespace)).toEqual(["mount"]);
        expect(refusals(policy, { metadata: named(annotation), spec: logs }, namespace)).toEqual(["host path"]);
      }
      for (const metadata of [{}, named("sidecar"), named("sidecar,teleport-old")]) {
        expect(refusals(policy, { metadata, spec: ofIstiod }, namespace)).toEqual([]);
        expect(refusals(policy, { metadata, spec: logs }, namespace)).toEqual([]);
      }
    });

    test.each([["mesh", []] as const, ["namespace", IN_NAMESPACES] as const, ["pod", IN_PODS] as const])(
      "c: of %s, nobody in the mesh mounts the socket directory writable",
      async (_, sets) => {
        const policy = await policyOf([...sets]);
        expect(refusals(policy, { spec: writer }, { name: "old", labels: MESHED })).toEqual(["writes"]);
        expect(refusals(policy, { spec: writer }, { name: "plain" })).toEqual([]);
      },
    );
  });

  test("a: another file name makes the agent refuse to start without the socket", async () => {
    expect((await template("everything")).values.meshConfig.defaultConfig.proxyMetadata).toEqual({
      WORKLOAD_IDENTITY_SOCKET_FILE: "workload.sock",
    });
    expect((await template("minimal")).values.meshConfig.defaultConfig).toBeUndefined();
  });

  test("b: what istiod's CA signs lives 1 ms, unless switched off", async () => {
    expect((await template("minimal")).values.env).toEqual({
      DEFAULT_WORKLOAD_CERT_TTL: "1ms",
      MAX_WORKLOAD_CERT_TTL: "1ms",
    });
    expect((await template("everything")).values.env).toBeUndefined();
  });

  test("c: the admission policy is there, bound, denies and fails closed", async () => {
    const objects = await renderScenario("minimal");
    const name = "istio-teleport-workload-identity";
    const policy = get(objects, `ValidatingAdmissionPolicy ${name}`);
    expect(policy.spec.failurePolicy).toBe("Fail");
    const resources = policy.spec.matchConstraints.resourceRules.flatMap(
      (rule: { resources: string[] }) => rule.resources,
    );
    expect(resources).toEqual(["pods", "pods/ephemeralcontainers"]);
    expect(get(objects, `ValidatingAdmissionPolicyBinding ${name}`).spec).toEqual({
      policyName: name,
      validationActions: ["Deny"],
    });
  });

  test.each(["mesh.enabled=false", "mesh.admission.enabled=false"])("c: off with %s", async (set) => {
    const kinds = [...(await renderScenario("minimal", set)).values()].map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith("ValidatingAdmissionPolicy"))).toEqual([]);
  });

  test("c: the policy allows exactly the socket directory and the listed paths", async () => {
    const objects = await renderScenario("everything");
    const { variables } = get(objects, "ValidatingAdmissionPolicy istio-teleport-workload-identity").spec;
    const expression = (name: string) =>
      variables.find((variable: { name: string }) => variable.name === name).expression;
    expect(JSON.parse(expression("allowedHostPaths"))).toEqual(["/dev/shm", "/run/teleport/sockets"]);
    expect(expression("socketDir")).toBe("'/run/teleport/sockets'");
  });
});

describe("mesh and test app", () => {
  test("mutual TLS is strict in the whole mesh", async () => {
    const { metadata, spec } = get(await renderScenario("minimal"), "PeerAuthentication default");
    expect(metadata.namespace).toBe("istio-system");
    expect(spec).toEqual({ mtls: { mode: "STRICT" } });
  });

  test("the root namespace of the values is istiod's, too: else strict mutual TLS would hold in one namespace", async () => {
    const { meshConfig } = parse(await scenarioIstiodValues("everything"));
    const objects = await renderScenario("everything");
    expect(meshConfig.rootNamespace).toBe(get(objects, "PeerAuthentication default").metadata.namespace);
    expect(meshConfig.rootNamespace).toBe("istio-root");
  });

  test("everything is denied but the allowed client, named with its trust domain and the container's port", async () => {
    const objects = await renderScenario("test-app");
    expect(get(objects, "AuthorizationPolicy deny-all").spec).toEqual({});
    expect(get(objects, "AuthorizationPolicy server").spec).toMatchObject({
      action: "ALLOW",
      rules: [
        {
          from: [{ source: { principals: ["example.teleport.sh/ns/test-app/sa/allowed-client"] } }],
          to: [{ operation: { ports: ["8080"] } }],
        },
      ],
    });
  });

  test("each part runs as its own ServiceAccount, without a token of it", async () => {
    const objects = await renderScenario("test-app");
    for (const name of ["server", "allowed-client", "other-client"]) {
      const { spec } = get(objects, `Deployment ${name}`).spec.template;
      expect(spec.serviceAccountName).toBe(name);
      expect(spec.automountServiceAccountToken).toBe(false);
      expect(spec.containers[0].securityContext).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });
});

describe("bounded connections", () => {
  const id = "EnvoyFilter istio-teleport-connections";
  const patches = async (scenario: string, ...sets: string[]) =>
    get(await renderScenario(scenario, ...sets), id).spec.configPatches.map(
      ({ match, patch }: { match: Rendered; patch: Rendered }) => ({
        context: match.context,
        filter: match.listener.filterChain.filter.name,
        operation: patch.operation,
        ...patch.value.typed_config,
      }),
    );
  const http = (duration: string) => ({
    context: "SIDECAR_INBOUND",
    filter: "envoy.filters.network.http_connection_manager",
    operation: "MERGE",
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    common_http_protocol_options: { max_connection_duration: duration },
  });
  const tcp = (duration: string) => ({
    context: "SIDECAR_INBOUND",
    filter: "envoy.filters.network.tcp_proxy",
    operation: "MERGE",
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    max_downstream_connection_duration: duration,
  });

  test("by default those of HTTP last as long as a certificate, and those of TCP as long as they like", async () => {
    expect(await patches("minimal")).toEqual([http("3600s")]);
    expect(DEFAULTS.tbot.credentialTTL).toBe(DEFAULTS.mesh.connections.maxDuration);
  });

  test("each has a limit of its own, for the whole mesh", async () => {
    expect(await patches("everything")).toEqual([http("5400s"), tcp("86400s")]);
    const off = "mesh.connections.maxDuration=";
    expect(await patches("minimal", off, "mesh.connections.tcpMaxDuration=10s")).toEqual([tcp("10s")]);
    expect(get(await renderScenario("everything"), id).metadata.namespace).toBe("istio-root");
  });

  test.each(["mesh.enabled=false", "mesh.connections.maxDuration="])("no filter with %s", async (set) => {
    expect([...(await renderScenario("minimal", set)).keys()]).not.toContain(id);
  });
});

describe("namespaces", () => {
  test("the test app's is meshed, labelled for Pod Security and kept at uninstall", async () => {
    const { metadata } = get(await renderScenario("test-app"), "Namespace test-app");
    expect(metadata).toMatchObject({
      labels: { "istio-injection": "enabled", "pod-security.kubernetes.io/enforce": "privileged" },
      annotations: { "helm.sh/resource-policy": "keep" },
    });
  });

  test("none is made where the values say that it exists", async () => {
    const objects = await renderScenario("test-app", "testApp.namespace.create=false");
    expect([...objects.values()].filter(({ kind }) => kind === "Namespace")).toEqual([]);
  });
});
