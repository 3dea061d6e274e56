import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { renderManifests } from "../../tools/chart/manifests.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { DEFAULTS } from "../../tools/values/defaults.ts";
import { type Outcome, once, renderMany } from "../support/render-many.ts";
import { scenarioInputs } from "../support/scenarios.ts";
import { renderNotes } from "./support/notes.ts";

/** What platform teams set besides the chart's own subject, and what must then be in the objects. */

const MINIMAL = { global: { teleport: { clusterName: "a.example", proxyAddr: "proxy.a.example:3080" } } };

const LAYERS = {
  pod: {
    tbot: {
      extraVolumes: [{ name: "certs", hostPath: { path: "/etc/kubernetes/certs", type: "Directory" } }],
      extraVolumeMounts: [{ name: "certs", mountPath: "/node-certs", readOnly: true }],
      extraArgs: ["--fips"],
      hostAliases: [{ ip: "192.0.2.7", hostnames: ["proxy.a.example"] }],
      dnsPolicy: "None",
      dnsConfig: { nameservers: ["192.0.2.53"] },
      revisionHistoryLimit: 3,
      terminationGracePeriodSeconds: 5,
      livenessProbe: { timeoutSeconds: 4 },
      readinessProbe: { periodSeconds: 9 },
      logFormat: "text",
      nameOverride: "mesh-tbot",
    },
  },
  seLinux: {
    tbot: {
      podSecurityContext: { seLinuxOptions: { type: "spc_t" } },
      securityContext: { seLinuxOptions: { level: "s0" }, capabilities: { add: ["NET_ADMIN"] } },
    },
  },
  common: {
    global: {
      imageRegistry: "mirror.example:5000/hub",
      imagePullSecrets: ["first", { name: "second" }],
      commonLabels: { team: "platform" },
      commonAnnotations: { "example.com/owner": "sre" },
    },
    tbot: { image: { pullSecrets: ["second", "own"] }, namespace: { labels: { stage: "prod" } } },
    testApp: { enabled: true, imagePullSecrets: ["test"], namespace: { labels: { "istio.io/rev": "stable" } } },
    sockShop: { enabled: true, imagePullSecrets: ["sock"] },
    monitoring: { enabled: true, labels: { team: "monitoring" } },
  },
  authorities: {
    global: { teleport: { caSecret: "teleport-ca" } },
    tbot: { kubelet: { caSecret: "kubelet-ca", address: "nodeName" } },
  },
  kubeletFile: { tbot: { kubelet: { caPath: "/node-certs/kubeletserver.crt" } } },
  network: {
    monitoring: { enabled: true },
    tbot: {
      networkPolicy: {
        enabled: true,
        metricsFrom: [{ namespaceSelector: { matchLabels: { name: "monitoring" } } }],
        extraEgress: [{ ports: [{ port: 3128 }] }],
      },
    },
  },
  gke: { tbot: { resourceQuota: { enabled: true, pods: 300 } } },
  extraConfig: {
    tbot: {
      networkPolicy: { enabled: true },
      extraConfig: {
        credential_ttl: "2h",
        renewal_interval: "30m",
        services: [
          { name: "mesh", attestors: { kubernetes: { kubelet: { secure_port: 10260 } } } },
          { type: "workload-identity-api", listen: "unix:///run/other/socket" },
        ],
      },
    },
  },
};

const outcomes = once(() => renderMany(Object.values(LAYERS).map((layer) => ({ layers: [MINIMAL, layer] }))));

// biome-ignore lint/suspicious/noExplicitAny: assertions reach into objects of every kind
type Rendered = any;

async function objects(name: keyof typeof LAYERS): Promise<Rendered[]> {
  const { refused, problems, documents } = (await outcomes())[Object.keys(LAYERS).indexOf(name)] as Outcome;
  expect([...refused, ...problems]).toEqual([]);
  return [...documents.values()].flatMap((text) =>
    parseAllDocuments(text).flatMap((document) => document.toJS() ?? []),
  );
}

async function find(name: keyof typeof LAYERS, kind: string, own: string): Promise<Rendered> {
  return (await objects(name)).find((object) => object.kind === kind && object.metadata.name === own);
}

const tbotConfig = async (name: keyof typeof LAYERS) =>
  parse((await find(name, "ConfigMap", "tbot")).data["tbot.yaml"]);

describe("tbot's pods", () => {
  test("have what the values add, each in its place", async () => {
    const { spec } = await find("pod", "DaemonSet", "mesh-tbot");
    expect(spec.revisionHistoryLimit).toBe(3);
    const pod = spec.template.spec;
    expect(pod).toMatchObject({
      terminationGracePeriodSeconds: 5,
      hostAliases: [{ ip: "192.0.2.7", hostnames: ["proxy.a.example"] }],
      dnsPolicy: "None",
      dnsConfig: { nameservers: ["192.0.2.53"] },
    });
    expect(pod.volumes).toContainEqual({
      name: "certs",
      hostPath: { path: "/etc/kubernetes/certs", type: "Directory" },
    });
    const [container] = pod.containers;
    expect(container.volumeMounts).toContainEqual({ name: "certs", mountPath: "/node-certs", readOnly: true });
    expect(container.args).toEqual(["start", "-c", "/config/tbot.yaml", "--log-format", "text", "--fips"]);
    expect(container.livenessProbe).toEqual({
      httpGet: { path: "/livez", port: "diag" },
      failureThreshold: 6,
      periodSeconds: 10,
      timeoutSeconds: 4,
    });
    expect(container.readinessProbe).toEqual({ httpGet: { path: "/readyz", port: "diag" }, periodSeconds: 9 });
  });

  test("have another name together with their configuration; their labels stay, by which doctor finds them", async () => {
    const { spec } = await find("pod", "DaemonSet", "mesh-tbot");
    const { configMap } = spec.template.spec.volumes.find(({ name }: { name: string }) => name === "config");
    expect((await find("pod", "ConfigMap", configMap.name)).data["tbot.yaml"]).toContain("version: v2");
    expect(configMap.name).toBe("mesh-tbot");
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(spec.selector.matchLabels["app.kubernetes.io/name"]).toBe("tbot");
  });

  test("keep their hardening beside SELinux options, and lose only what the values replace", async () => {
    const pod = (await find("seLinux", "DaemonSet", "tbot")).spec.template.spec;
    expect(pod.securityContext).toEqual({
      runAsUser: 0,
      runAsGroup: 0,
      seccompProfile: { type: "RuntimeDefault" },
      seLinuxOptions: { type: "spc_t" },
    });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
      seLinuxOptions: { level: "s0" },
    });
  });

  test("NOTES warn of what replaces the hardening, and of nothing else", async () => {
    const own = ["privileged=true", "procMount=Unmasked", "seLinuxOptions.type=spc_t"];
    const sets = [...own.map((set) => `tbot.securityContext.${set}`), "tbot.podSecurityContext.runAsUser=1"];
    const notes = await renderNotes(await scenarioInputs("minimal", ...sets, "tbot.extraArgs={--insecure}"));
    expect(notes).toContain(
      "WARNING: tbot.podSecurityContext.runAsUser, tbot.securityContext.privileged, tbot.securityContext.procMount replaces the chart's hardening",
    );
    expect(notes).toContain("WARNING: tbot.extraArgs has --insecure.");
  });

  test("are kept off Fargate and virtual nodes by default", async () => {
    const { affinity } = (await find("seLinux", "DaemonSet", "tbot")).spec.template.spec;
    expect(affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms).toEqual([
      {
        matchExpressions: [
          { key: "eks.amazonaws.com/compute-type", operator: "NotIn", values: ["fargate"] },
          { key: "type", operator: "NotIn", values: ["virtual-kubelet"] },
        ],
      },
    ]);
  });
});

describe("all objects", () => {
  test("carry common labels and annotations beside the chart's own", async () => {
    const all = (await objects("common")).filter(({ kind }) => kind !== undefined);
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(12);
    for (const { kind, metadata } of all) {
      const team = ["PodMonitor", "PrometheusRule"].includes(kind) ? "monitoring" : "platform";
      expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
        team,
        "app.kubernetes.io/part-of": "istio-teleport",
      });
      expect(metadata.annotations, `${kind} ${metadata.name}`).toMatchObject({ "example.com/owner": "sre" });
    }
    const pods = all.flatMap(({ spec }) => spec?.template ?? []);
    expect(pods.length).toBe(18);
    for (const { metadata } of pods) expect(metadata.labels).toMatchObject({ team: "platform" });
  });

  test("pull each image from the registry of the values, with its Secrets and their own", async () => {
    const pods = (await objects("common")).flatMap(({ spec }) => spec?.template?.spec ?? []);
    const images = pods.flatMap(({ containers }) => containers.map(({ image }: { image: string }) => image));
    expect(images).toContain("mirror.example:5000/hub/gravitational/tbot-distroless:18.11.10");
    expect(images).toContain("mirror.example:5000/hub/library/mongo:4.4.0");
    expect(images.filter((image) => !image.startsWith("mirror.example:5000/hub/"))).toEqual([]);
    const secrets = pods.map(({ imagePullSecrets }) => imagePullSecrets.map(({ name }: { name: string }) => name));
    expect(secrets).toContainEqual(["first", "second", "own"]);
    expect(secrets).toContainEqual(["first", "second", "test"]);
    expect(secrets.filter((names) => names.at(-1) === "sock")).toHaveLength(14);
  });

  test("a namespace has the labels of the values; a revision replaces istio-injection", async () => {
    const labels = async (name: string) => (await find("common", "Namespace", name)).metadata.labels;
    expect(await labels("teleport-system")).toMatchObject({ stage: "prod", "istio-injection": "disabled" });
    expect(await labels("test-app")).toMatchObject({ "istio.io/rev": "stable" });
    expect(Object.keys(await labels("test-app"))).not.toContain("istio-injection");
    expect(await labels("sock-shop")).toMatchObject({ "istio-injection": "enabled" });
  });
});

describe("authorities", () => {
  test("tbot trusts the CA of a Secret for Teleport's proxy, besides those of its image", async () => {
    const { containers, volumes } = (await find("authorities", "DaemonSet", "tbot")).spec.template.spec;
    expect(containers[0].env).toContainEqual({ name: "SSL_CERT_DIR", value: "/var/run/secrets/teleport-ca" });
    expect(containers[0].env.map(({ name }: { name: string }) => name)).not.toContain("SSL_CERT_FILE");
    expect(containers[0].volumeMounts).toContainEqual({
      name: "teleport-ca",
      mountPath: "/var/run/secrets/teleport-ca",
      readOnly: true,
    });
    expect(volumes).toContainEqual({
      name: "teleport-ca",
      secret: { secretName: "teleport-ca", items: [{ key: "ca.crt", path: "ca.crt" }] },
    });
  });

  test("tbot verifies kubelets by the CA of a Secret, under the node's name", async () => {
    const { containers, volumes } = (await find("authorities", "DaemonSet", "tbot")).spec.template.spec;
    const [service] = (await tbotConfig("authorities")).services;
    expect(service.attestors.kubernetes.kubelet).toEqual({
      secure_port: 10250,
      skip_verify: false,
      ca_path: "/var/run/secrets/kubelet-ca/ca.crt",
    });
    expect(containers[0].volumeMounts).toContainEqual({
      name: "kubelet-ca",
      mountPath: "/var/run/secrets/kubelet-ca",
      readOnly: true,
    });
    expect(volumes.find(({ name }: { name: string }) => name === "kubelet-ca").secret.secretName).toBe("kubelet-ca");
    expect(containers[0].env).toContainEqual({
      name: "TELEPORT_NODE_NAME",
      valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } },
    });
  });

  test("or by a file", async () => {
    const [service] = (await tbotConfig("kubeletFile")).services;
    expect(service.attestors.kubernetes.kubelet.ca_path).toBe("/node-certs/kubeletserver.crt");
  });
});

describe("tbot's network policy", () => {
  test("lets tbot out to DNS, Teleport's proxy and kubelets, and only the named peers in to the metrics", async () => {
    const { spec } = await find("network", "NetworkPolicy", "tbot");
    const { labels } = (await find("network", "DaemonSet", "tbot")).spec.template.metadata;
    expect(labels).toMatchObject(spec.podSelector.matchLabels);
    expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
    expect(spec.ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { name: "monitoring" } } }],
        ports: [{ port: 3001, protocol: "TCP" }],
      },
    ]);
    const ports = spec.egress.map((rule: { ports: { port: number }[] }) => rule.ports.map(({ port }) => port));
    expect(ports).toEqual([[53, 53, 5353, 5353], [3080], [10250], [3128]]);
  });

  test("lets tbot out to the kubelet's port of tbot.extraConfig", async () => {
    const { spec } = await find("extraConfig", "NetworkPolicy", "tbot");
    expect(spec.egress[2].ports).toEqual([{ port: 10260, protocol: "TCP" }]);
  });

  test("is not there by default", async () => {
    expect(await find("gke", "NetworkPolicy", "tbot")).toBeUndefined();
  });
});

test("GKE's quota counts the pods of tbot's priority class", async () => {
  const { metadata, spec } = await find("gke", "ResourceQuota", "tbot");
  expect(metadata.namespace).toBe("teleport-system");
  expect(spec).toEqual({
    hard: { pods: "300" },
    scopeSelector: {
      matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["system-node-critical"] }],
    },
  });
  expect(await find("pod", "ResourceQuota", "tbot")).toBeUndefined();
});

describe("tbot.extraConfig", () => {
  test("is merged over tbot.yaml: the first service over ours, further ones behind it", async () => {
    const config = await tbotConfig("extraConfig");
    const { services: plain, ...rest } = await tbotConfig("gke");
    const { services, ...top } = config;
    expect(top).toEqual({ ...rest, credential_ttl: "2h", renewal_interval: "30m" });
    const kubernetes = { enabled: true, kubelet: { secure_port: 10260, skip_verify: false } };
    expect(services[0]).toEqual({ ...plain[0], name: "mesh", attestors: { kubernetes } });
    expect(services.slice(1)).toEqual([{ type: "workload-identity-api", listen: "unix:///run/other/socket" }]);
  });

  test("what tbot would ignore is refused by the tools", async () => {
    const inputs = await scenarioInputs("minimal", "tbot.extraConfig.services[0].attestor.x=1");
    // The defaults stand in for the merged values, which only say where to render to.
    await expect(renderManifests(systemRunner, { inputs }, DEFAULTS)).rejects.toThrow(
      "services[0].attestor is not allowed there; did you mean",
    );
  });
});
