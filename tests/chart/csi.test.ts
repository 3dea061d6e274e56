import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Rendered, renderScenario, scenarioIstiodValues } from "../support/scenarios.ts";

/** The promises of docs/operate/csi.md; what holds in both modes of the socket is in guarantees.test.ts. */

const MOUNT = "/var/run/secrets/workload-spiffe-uds";
const DIRECTORY = "/run/spire/sockets";

const get = (objects: Map<string, Rendered>, id: string): Rendered => {
  const object = objects.get(id);
  if (!object) throw new Error(`${id} is not rendered; there are ${[...objects.keys()].join(", ")}`);
  return object;
};

const CSI_VOLUME = { name: "workload-socket", csi: { driver: "csi.spiffe.io", readOnly: true } };
const HOST_PATH_VOLUME = { name: "workload-socket", hostPath: { path: DIRECTORY } };

function pod(volume: object, mount: object = { readOnly: true }, name = "istio-proxy"): object {
  return {
    containers: [{ name, volumeMounts: [{ name: "workload-socket", mountPath: MOUNT, ...mount }] }],
    volumes: [volume],
  };
}

/** Whether the admission policy lets a new pod of a meshed namespace pass. */
async function admits(spec: object, ...sets: string[]): Promise<boolean> {
  const objects = await renderScenario("csi", ...sets);
  const policy = get(objects, "ValidatingAdmissionPolicy istio-teleport-workload-identity").spec;
  const cel = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });
  const known = {
    object: { spec },
    request: { operation: "CREATE" },
    namespaceObject: { metadata: { name: "shop", labels: { "istio-injection": "enabled" } } },
    variables: {} as Record<string, unknown>,
  };
  for (const { name, expression } of policy.variables) known.variables[name] = cel.evaluate(expression, known);
  return policy.validations.every(({ expression }: { expression: string }) => cel.evaluate(expression, known) === true);
}

describe("pods in CSI mode", () => {
  test("the injection template takes the socket from the driver, read-only, and nothing from the node", async () => {
    const { sidecarInjectorWebhook } = parse(await scenarioIstiodValues("csi"));
    const text = sidecarInjectorWebhook.templates.teleport as string;
    expect(parse(text.replace(/^\{\{-.*\n/gm, "").replace(/\{\{ if .*\{\{ end \}\}/, "containers")).spec).toEqual({
      containers: [
        { name: "istio-proxy", volumeMounts: [{ name: "workload-socket", mountPath: MOUNT, readOnly: true }] },
      ],
      volumes: [CSI_VOLUME],
    });
    expect(text).not.toContain("hostPath");
  });

  test("gateways of the Gateway API get the same volume in place of Istio's", async () => {
    const { data } = get(await renderScenario("csi"), "ConfigMap istio-teleport-gateway-api");
    const { volumes } = parse(data?.deployment ?? "").spec.template.spec;
    expect(volumes).toEqual([{ ...CSI_VOLUME, emptyDir: null }]);
  });

  test("istiod's values leave traffic to istio-cni, and give each injected container a seccomp profile", async () => {
    const values = parse(await scenarioIstiodValues("csi"));
    expect(values.pilot.cni.enabled).toBe(true);
    expect(values.global.proxy.seccompProfile).toEqual({ type: "RuntimeDefault" });
    expect(parse(await scenarioIstiodValues("minimal")).pilot).toBeUndefined();
  });

  test.each([
    ["restricted", []],
    // istio-init needs NET_ADMIN.
    ["privileged", ["istio.cni=false"]],
    ["privileged", ["tbot.socket.mode=hostPath"]],
    // Pods that still mount the hostPath may be made anew.
    ["privileged", ["tbot.socket.transition=true"]],
  ])("the demo's namespace is at %s with %j; tbot's stays privileged", async (level, sets) => {
    const objects = await renderScenario("csi", "tbot.namespace.name=tbot-system", ...sets);
    const label = "pod-security.kubernetes.io/enforce";
    expect(get(objects, "Namespace test-app").metadata.labels?.[label]).toBe(level);
    expect(get(objects, "Namespace tbot-system").metadata.labels?.[label]).toBe("privileged");
  });
});

describe("the admission policy", () => {
  const TRANSITION = "tbot.socket.transition=true";
  const HOST_PATH = "tbot.socket.mode=hostPath";
  type Verdicts = { csi?: boolean; hostPath?: boolean; both?: boolean };
  test.each<[string, object, Verdicts]>([
    ["the driver's volume", pod(CSI_VOLUME), { csi: true, hostPath: false, both: true }],
    ["tbot's hostPath", pod(HOST_PATH_VOLUME), { csi: false, hostPath: true, both: true }],
    ["a volume of another driver", pod({ name: "workload-socket", csi: { driver: "x", readOnly: true } }), {}],
    ["a volume that is not read-only", pod({ name: "workload-socket", csi: { driver: "csi.spiffe.io" } }), {}],
    ["the driver's volume, mounted writable", pod(CSI_VOLUME, {}), {}],
    ["a subPath of it", pod(CSI_VOLUME, { readOnly: true, subPath: "x" }), {}],
    ["Istio's own directory", pod({ name: "workload-socket", emptyDir: {} }), {}],
    [
      "an application that mounts the hostPath read-only",
      pod(HOST_PATH_VOLUME, { readOnly: true }, "app"),
      { hostPath: true, both: true },
    ],
  ])("%s", async (_what, spec, { csi = false, hostPath = false, both = false }) => {
    expect({
      csi: await admits(spec),
      hostPath: await admits(spec, HOST_PATH),
      both: await admits(spec, TRANSITION),
    }).toEqual({ csi, hostPath, both });
  });
});

describe("a meshed pod out of scope", () => {
  const OUT = [
    "istio.blockIstiodCertificates=false",
    "istio.injection.scope=namespace",
    "istio.injection.namespaces={payments}",
    "testApp.enabled=false",
  ];
  const mounting = (path: string, mount: object = {}) =>
    pod({ name: "workload-socket", hostPath: { path } }, mount, "app");
  /** The directory itself, by the link and in odd spellings, above it, in it, and the whole node. */
  const WAYS = [
    DIRECTORY,
    "/var/run/spire/sockets",
    "/run//spire/./sockets/",
    "/run/spire",
    "/var/run",
    "/run/spire/sockets/x",
    "/",
    "/proc/1/root",
  ];

  test.each(["csi", "hostPath"])("writes to tbot's socket by no host path (%s)", async (mode) => {
    const set = `tbot.socket.mode=${mode}`;
    for (const path of WAYS) {
      expect(await admits(mounting(path), ...OUT, set), path).toBe(false);
      expect(await admits(mounting(path, { readOnly: true, subPath: "x" }), ...OUT, set), path).toBe(false);
      expect(await admits(mounting(path, { readOnly: true }), ...OUT, set), path).toBe(true);
    }
    for (const path of ["/var/log", "/run/spire2", "/var/lib/spire/sockets"]) {
      expect(await admits(mounting(path), ...OUT, set), path).toBe(true);
    }
  });
});

describe("the driver", () => {
  const daemonSet = async (...sets: string[]) => get(await renderScenario("csi", ...sets), "DaemonSet tbot-csi");

  test("is there in CSI mode and while the mesh moves, and not else", async () => {
    const has = async (...sets: string[]) => {
      const ids = [...(await renderScenario("csi", ...sets)).keys()];
      return [ids.includes("DaemonSet tbot-csi"), ids.includes("CSIDriver csi.spiffe.io")];
    };
    expect(await has()).toEqual([true, true]);
    expect(await has("tbot.socket.mode=hostPath", "tbot.socket.transition=true")).toEqual([true, true]);
    expect(await has("tbot.socket.mode=hostPath")).toEqual([false, false]);
  });

  test("registers under the name that the CSIDriver, the kubelet's path and the pods' volumes have", async () => {
    const sets = ["tbot.csi.driverName=teleport.csi.spiffe.io", "tbot.csi.kubeletDir=/var/lib/k0s/kubelet"];
    const objects = await renderScenario("csi", ...sets);
    const { spec } = get(objects, "CSIDriver teleport.csi.spiffe.io");
    expect(spec).toEqual({
      attachRequired: false,
      podInfoOnMount: true,
      fsGroupPolicy: "None",
      volumeLifecycleModes: ["Ephemeral"],
    });
    const [driver, registrar] = (await daemonSet(...sets)).spec.template.spec.containers;
    expect(driver.args.join(" ")).toContain("-plugin-name teleport.csi.spiffe.io");
    const path = "/var/lib/k0s/kubelet/plugins/teleport.csi.spiffe.io";
    expect(registrar.args.join(" ")).toContain(`-kubelet-registration-path ${path}/csi.sock`);
    const { volumes } = (await daemonSet(...sets)).spec.template.spec;
    expect(volumes).toContainEqual({ name: "csi-socket", hostPath: { path, type: "DirectoryOrCreate" } });
    // What is mounted for a pod must lie where the kubelet looks for it.
    const pods = driver.volumeMounts.find(({ name }: { name: string }) => name === "pods");
    expect(pods).toEqual({
      name: "pods",
      mountPath: "/var/lib/k0s/kubelet/pods",
      mountPropagation: "Bidirectional",
    });
  });

  test("has no credential: no ServiceAccount token, no join token, tbot's directory read-only", async () => {
    const { spec } = (await daemonSet()).spec.template;
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.hostPID).toBeUndefined();
    expect(spec.hostNetwork).toBeUndefined();
    expect(spec.volumes.filter((volume: object) => "projected" in volume || "secret" in volume)).toEqual([]);
    const [driver] = spec.containers;
    expect(driver.volumeMounts).toContainEqual({ name: "socket", mountPath: "/workload-api", readOnly: true });
    expect(spec.volumes).toContainEqual({
      name: "socket",
      hostPath: { path: DIRECTORY, type: "DirectoryOrCreate" },
    });
  });

  test("is privileged alone: the registrar has no capability, and tbot has none in this mode either", async () => {
    const [driver, registrar] = (await daemonSet()).spec.template.spec.containers;
    expect(driver.securityContext).toMatchObject({ privileged: true, readOnlyRootFilesystem: true });
    expect(registrar.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const [tbot] = get(await renderScenario("csi"), "DaemonSet tbot").spec.template.spec.containers;
    expect(tbot.securityContext.privileged).toBeUndefined();
    expect(tbot.securityContext.capabilities).toEqual({ drop: ["ALL"] });
  });

  test("runs wherever tbot runs, from the same registry, with the same pull secrets", async () => {
    const sets = [
      "global.imageRegistry=mirror.example/x",
      "tbot.image.pullSecrets={one}",
      "tbot.nodeSelector.pool=meshed",
      "tbot.priorityClassName=high",
    ];
    const objects = await renderScenario("csi", ...sets);
    const [driver, tbot] = ["DaemonSet tbot-csi", "DaemonSet tbot"].map((id) => get(objects, id).spec.template.spec);
    for (const key of ["nodeSelector", "tolerations", "affinity", "priorityClassName", "imagePullSecrets"]) {
      expect(driver[key]).toEqual(tbot[key]);
    }
    expect(driver.containers.map(({ image }: { image: string }) => image.split(":")[0])).toEqual([
      "mirror.example/x/spiffe/spiffe-csi-driver",
      "mirror.example/x/sig-storage/csi-node-driver-registrar",
    ]);
  });

  test("has tbot's SELinux options, since the registrar uses sockets on the node, and nothing else that is tbot's alone", async () => {
    const pods = async (...sets: string[]) => (await daemonSet(...sets)).spec.template;
    const { securityContext, ...rest } = (await pods("tbot.podSecurityContext.seLinuxOptions.type=spc_t")).spec;
    expect(securityContext).toEqual({ seLinuxOptions: { type: "spc_t" } });
    const plain = await pods();
    expect(rest).toEqual(plain.spec);
    // AppArmor's annotation names a container, and Kubernetes refuses it in a pod without that container.
    const apparmor = "container\\.apparmor\\.security\\.beta\\.kubernetes\\.io/tbot=unconfined";
    const theirs = [`tbot.podAnnotations.${apparmor}`, "tbot.podLabels.a=b", "tbot.podSecurityContext.fsGroup=1"];
    expect(await pods(...theirs)).toEqual(plain);
  });

  test("OpenShift lets restricted namespaces use its volumes", async () => {
    const { metadata } = get(await renderScenario("csi"), "CSIDriver csi.spiffe.io");
    expect(metadata.labels?.["security.openshift.io/csi-ephemeral-volume-profile"]).toBe("restricted");
  });
});
