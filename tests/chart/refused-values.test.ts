import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { helmReason, helmTemplate } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { readValuesInputs } from "../../tools/values/inputs.ts";
import { mergedValues } from "../../tools/values/load.ts";
import { kept } from "../support/kept.ts";
import { outcomesOf, schemaRefusal } from "../support/render-many.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { scenarioInputs } from "../support/scenarios.ts";

/** Helm runs without our tools, and our tools run before Helm: both tell the same list of problems. */

const MINIMAL = repositoryPath("chart/ci/minimal-values.yaml");

/** What `helm template` says about the minimal values with these `--set` assignments; empty when it renders them. */
async function helmRefusal(sets: string[], ...args: string[]): Promise<string> {
  const assignments = sets.flatMap((set) => ["--set", set]);
  const values = ["--values", MINIMAL, "--kube-version", "1.33.0"];
  const command = {
    program: "helm",
    args: ["template", "x", repositoryPath("chart"), ...values, ...assignments, ...args],
  };
  const { code, stderr } = await systemRunner.run(command, { purpose: "render the chart" });
  return code === 0 ? "" : helmReason(stderr);
}

/** The same for our tools. */
async function toolsRefusal(sets: string[]): Promise<string> {
  try {
    await mergedValues(systemRunner, await scenarioInputs("minimal", ...sets));
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

const WATCH = ["watch.enabled=true", "watch.image=a.example/tools:1", "watch.namespaces={shop}"];

/** Each problem of chart/templates/checks/_problems.tpl: assignments on top of the minimal values. */
const CHECKS: [string, string[]][] = [
  ["enabled is false, which only the condition of a parent chart's dependency reads", ["enabled=false"]],
  ["global.teleport.clusterName is empty: set it to the name", ["global.teleport.clusterName="]],
  ["global.teleport.proxyAddr is empty: set it to the host:port", ["global.teleport.proxyAddr="]],
  [
    'global.teleport.proxyAddr is "a.example:65536": its port is above 65535',
    ["global.teleport.proxyAddr=a.example:65536"],
  ],
  ["global.teleport.join.issuer is empty: join type oidc needs", ["global.teleport.join.type=oidc"]],
  [
    "global.teleport.join.issuer is set but global.teleport.join.type is in_cluster",
    ["global.teleport.join.type=in_cluster", "global.teleport.join.issuer=https://a.example"],
  ],
  [
    `global.teleport.bot.name and global.teleport.cluster make the name ${"b".repeat(59)}-prod, which has more than 63`,
    ["global.teleport.cluster=prod", `global.teleport.bot.name=${"b".repeat(59)}`],
  ],
  [
    `global.teleport.join.tokenName and global.teleport.cluster make the name ${"t".repeat(63)}-a, which has more`,
    ["global.teleport.cluster=a", `global.teleport.join.tokenName=${"t".repeat(63)}`],
  ],
  [
    "global.teleport.workloadIdentity.labels has cluster: dev while global.teleport.cluster is prod, which sets",
    ["global.teleport.cluster=prod", "global.teleport.workloadIdentity.labels.cluster=dev"],
  ],
  [
    "testApp.namespace.name is test-app, which global.teleport.workloadIdentity.allowedNamespaces does not list",
    ["testApp.enabled=true", "global.teleport.workloadIdentity.allowedNamespaces={shop}"],
  ],
  [
    "sockShop.namespace.name is sock-shop, which global.teleport.workloadIdentity.allowedNamespaces does not list",
    ["sockShop.enabled=true", "global.teleport.workloadIdentity.allowedNamespaces={shop}"],
  ],
  [
    "mesh.gateways.edge.namespace is ingress, which global.teleport.workloadIdentity.allowedNamespaces does not list",
    [
      ...["mesh.gateways.edge.namespace=ingress", "mesh.gateways.edge.serviceAccount=gw"],
      "global.teleport.workloadIdentity.allowedNamespaces={shop}",
    ],
  ],
  [
    "mesh.applications.office.namespace is office, which global.teleport.workloadIdentity.allowedNamespaces does not",
    [
      ...["mesh.applications.office.namespace=office", "mesh.applications.office.services.a.serviceAccount=a"],
      "mesh.applications.office.services.a.labels.app=a",
      "global.teleport.workloadIdentity.allowedNamespaces={shop}",
    ],
  ],
  ["global.teleport.role.maxSessionTTL is 39m, less than 40m", ["global.teleport.role.maxSessionTTL=39m"]],
  ["tbot.credentialTTL is 337h: Teleport issues X.509 SVIDs for at most 336h", ["tbot.credentialTTL=337h"]],
  ["tbot.credentialTTL is 1209601s: Teleport issues", ["tbot.credentialTTL=1209601s"]],
  ["tbot.renewalInterval is 21m, more than a third of tbot.credentialTTL (1h)", ["tbot.renewalInterval=21m"]],
  ["mesh.connections.maxDuration is 9s, less than 10s: sidecars", ["mesh.connections.maxDuration=9s"]],
  ["mesh.connections.tcpMaxDuration is 1s, less than 10s: sidecars", ["mesh.connections.tcpMaxDuration=1s"]],
  ["tbot.image.tag is 18.10.7: tbot before 18.11 neither", ["tbot.image.tag=18.10.7"]],
  ["tbot.image.tag is v17.9.9-amd64: tbot before 18.11 neither", ["tbot.image.tag=v17.9.9-amd64"]],
  ["tbot.extraEnv sets TELEPORT_NODE_NAME, which the chart sets itself", ["tbot.extraEnv[0].name=TELEPORT_NODE_NAME"]],
  ["tbot.podLabels sets app.kubernetes.io/name, which", ["tbot.podLabels.app\\.kubernetes\\.io/name=x"]],
  [
    "mesh.admission.allowedHostPaths has /run/spire, through which a pod could write",
    ["mesh.admission.allowedHostPaths={/run/spire}"],
  ],
  ["global.commonLabels sets istio-injection, which", ["global.commonLabels.istio-injection=x"]],
  [
    "testApp.namespace.labels sets pod-security.kubernetes.io/enforce, which",
    ["testApp.namespace.labels.pod-security\\.kubernetes\\.io/enforce=restricted"],
  ],
  ["sockShop.namespace.labels sets istio-injection, which", ["sockShop.namespace.labels.istio-injection=x"]],
  ["global.commonAnnotations sets istio.io/dry-run, which", ["global.commonAnnotations.istio\\.io/dry-run=x"]],
  ["tbot.extraArgs has --log-format=text, which the chart sets itself", ["tbot.extraArgs={--log-format=text}"]],
  ["tbot.extraArgs has --oneshot, which the chart sets itself", ["tbot.extraArgs={--fips,--oneshot}"]],
  ["tbot.extraArgs has --proxy-server=a:1, which the chart sets", ["tbot.extraArgs={--proxy-server=a:1}"]],
  ["tbot.extraArgs has -a, which the chart sets itself", ["tbot.extraArgs={-a,b:1}"]],
  ["tbot.extraEnv sets TELEPORT_BOT_TOKEN, which", ["tbot.extraEnv[0].name=TELEPORT_BOT_TOKEN"]],
  ["global.commonLabels sets istio.io/rev, with which istiod of any", ["global.commonLabels.istio\\.io/rev=canary"]],
  ["testApp.namespace.labels sets istio.io/rev to nothing, with", ["testApp.namespace.labels.istio\\.io/rev="]],
  ["global.commonAnnotations sets helm.sh/hook, which", ["global.commonAnnotations.helm\\.sh/hook=pre-install"]],
  ...["//run", "/var/../run", "run/secrets", "/run/secrets/tokens"].map((path): [string, string[]] => [
    `tbot.extraVolumeMounts mounts at ${path}, over what`,
    ["tbot.extraVolumes[0].name=a", "tbot.extraVolumeMounts[0].name=a", `tbot.extraVolumeMounts[0].mountPath=${path}`],
  ]),
  [
    "tbot.extraConfig makes the first service one of type kubernetes/v2, which",
    ["tbot.extraConfig.services[0].type=kubernetes/v2"],
  ],
  [
    "tbot.extraConfig disables the attestor kubernetes of the first service",
    ["tbot.extraConfig.services[0].attestors.kubernetes.enabled=false"],
  ],
  [
    "tbot.extraConfig sets skip_verify of the first service's kubelet, which another value sets: use tbot.kubelet",
    ["tbot.extraConfig.services[0].attestors.kubernetes.kubelet.skip_verify=true"],
  ],
  [
    "tbot.securityContext.capabilities replaces the capability SYS_PTRACE",
    ["tbot.attestBinary=true", "tbot.securityContext.capabilities.add={NET_ADMIN}"],
  ],
  ["tbot.extraArgs has -c, which the chart sets itself", ["tbot.extraArgs={-c}"]],
  ["tbot.extraEnv sets SSL_CERT_DIR, which", ["global.teleport.caSecret=ca", "tbot.extraEnv[0].name=SSL_CERT_DIR"]],
  ["tbot.extraVolumes has the name socket twice, or", ["tbot.extraVolumes[0].name=socket"]],
  ["tbot.extraVolumes has the name a twice, or", ["tbot.extraVolumes[0].name=a", "tbot.extraVolumes[1].name=a"]],
  [
    "tbot.extraVolumeMounts names the volume b, which is not in tbot.extraVolumes",
    ["tbot.extraVolumeMounts[0].name=b", "tbot.extraVolumeMounts[0].mountPath=/b"],
  ],
  [
    "tbot.extraVolumeMounts mounts at /run, over what the chart mounts at /run/spire/sockets",
    ["tbot.extraVolumes[0].name=a", "tbot.extraVolumeMounts[0].name=a", "tbot.extraVolumeMounts[0].mountPath=/run"],
  ],
  ["tbot.kubelet has both caSecret and caPath", ["tbot.kubelet.caSecret=a", "tbot.kubelet.caPath=/a"]],
  [
    "tbot.kubelet.skipVerify is true, with which tbot reads no CA",
    ["tbot.kubelet.skipVerify=true", "tbot.kubelet.caSecret=a"],
  ],
  ["tbot.dnsPolicy is None, with which Kubernetes requires name servers", ["tbot.dnsPolicy=None"]],
  [
    "tbot.resourceQuota.enabled is true while tbot.priorityClassName is empty",
    ["tbot.resourceQuota.enabled=true", "tbot.priorityClassName="],
  ],
  [
    "monitoring.enabled is true while tbot.networkPolicy lets nobody reach tbot's metrics",
    ["monitoring.enabled=true", "tbot.networkPolicy.enabled=true"],
  ],
  ["tbot.extraConfig sets proxy_server, which another value sets", ["tbot.extraConfig.proxy_server=a:1"]],
  [
    "tbot.extraConfig sets storage, which the chart sets itself or tbot does not know",
    ["tbot.extraConfig.storage.type=x"],
  ],
  [
    "tbot.extraConfig sets listen of the first service, which another",
    ["tbot.extraConfig.services[0].listen=unix:///x"],
  ],
  ["tbot.podAnnotations sets checksum/config, which the chart sets itself", ["tbot.podAnnotations.checksum/config=x"]],
  [
    "testApp.namespace.name is teleport-system, the namespace of tbot or of Istio",
    ["testApp.enabled=true", "testApp.namespace.name=teleport-system"],
  ],
  [
    "testApp.namespace.name is istio-system, the namespace of tbot or of Istio",
    ["testApp.enabled=true", "testApp.namespace.name=istio-system"],
  ],
  [
    "tbot.resourceQuota.enabled is true in the namespace kube-system",
    ["tbot.resourceQuota.enabled=true", "tbot.namespace.name=kube-system"],
  ],
  [
    "istio.injection.scope is pod while istio.blockIstiodCertificates is true, with which pods outside",
    ["istio.injection.scope=pod"],
  ],
  [
    "istio.injection.scope is namespace while istio.injection.namespaces is empty",
    ["istio.injection.scope=namespace", "istio.blockIstiodCertificates=false"],
  ],
  [
    "istio.injection.namespaces is set while istio.injection.scope is mesh, which reads no list",
    ["istio.injection.namespaces={a}"],
  ],
  [
    "testApp.enabled is true while istio.injection.scope is pod",
    ["testApp.enabled=true", "istio.injection.scope=pod", "istio.blockIstiodCertificates=false"],
  ],
  [
    "testApp.namespace.name is test-app, which is not in istio.injection.namespaces",
    [
      "testApp.enabled=true",
      "istio.injection.scope=namespace",
      "istio.injection.namespaces={a}",
      "istio.blockIstiodCertificates=false",
    ],
  ],
  [
    "monitoring.enabled is true while tbot.enabled is false: there is no tbot to scrape",
    ["monitoring.enabled=true", "tbot.enabled=false"],
  ],
  ["mesh.admission.allowedHostPaths has /var/run,", ["mesh.admission.allowedHostPaths={/var/run}"]],
  ["mesh.admission.allowedHostPaths has /proc/1/root,", ["mesh.admission.allowedHostPaths={/proc/1/root}"]],
  ["mesh.admission.allowedHostPaths has /run/spire/sockets,", ["mesh.admission.allowedHostPaths={/run/spire/sockets}"]],
  [
    "mesh.admission.allowedHostPaths has /run/spire/sockets/x,",
    ["mesh.admission.allowedHostPaths={/run/spire/sockets/x}"],
  ],
  [
    "mesh.admission.allowedHostPaths has /var/lib/kubelet, through which a pod could come between the kubelet and the",
    ["tbot.socket.mode=csi", "mesh.admission.allowedHostPaths={/var/lib/kubelet}"],
  ],
  [
    "mesh.admission.allowedHostPaths has /var/lib/k/plugins/a.b/x, through which a pod could come between",
    [
      "tbot.socket.transition=true",
      "tbot.csi.kubeletDir=/var/lib/k",
      "tbot.csi.driverName=a.b",
      "mesh.admission.allowedHostPaths={/var/lib/k/plugins/a.b/x}",
    ],
  ],
  [
    "tbot.socket.hostPath is /var/lib/kubelet/plugins/csi.spiffe.io, in or above tbot.csi.kubeletDir (/var/lib/kubelet)",
    ["tbot.socket.mode=csi", "tbot.socket.hostPath=/var/lib/kubelet/plugins/csi.spiffe.io"],
  ],
  [
    "tbot.socket.hostPath is /var/run/x, in or above tbot.csi.kubeletDir (/run/x/kubelet)",
    ["tbot.socket.mode=csi", "tbot.socket.hostPath=/var/run/x", "tbot.csi.kubeletDir=/run/x/kubelet"],
  ],
  [
    "tbot.serviceAccount.name is mesh-csi, the name of the CSI driver's ServiceAccount",
    ["tbot.socket.mode=csi", "tbot.nameOverride=mesh", "tbot.serviceAccount.name=mesh-csi"],
  ],
  ["watch.enabled is true while tbot.enabled is false", [...WATCH, "tbot.enabled=false"]],
  ["watch.image is empty, and there is no public image", [...WATCH, "watch.image="]],
  ["watch.namespaces is empty: list the namespaces", WATCH.slice(0, 2)],
  [
    "watch.keyIds is set while global.teleport.join.type is in_cluster, whose token holds no keys",
    [...WATCH, "watch.keyIds={a}", "global.teleport.join.type=in_cluster"],
  ],
  ["watch.extraArgs has -nshop, which the chart sets itself", [...WATCH, "watch.extraArgs={-nshop}"]],
  ["watch.extraArgs has --wait=5m, which the chart sets itself", [...WATCH, "watch.extraArgs={--verbose,--wait=5m}"]],
  ["mesh.connections.maxDuration is 2562048h, more than 2562047h", ["mesh.connections.maxDuration=2562048h"]],
  [
    "istio.injection.namespaces[1] is legacy, which global.teleport.workloadIdentity.allowedNamespaces does not list",
    [
      "istio.injection.scope=namespace",
      "istio.injection.namespaces={shop,legacy}",
      "istio.blockIstiodCertificates=false",
      "global.teleport.workloadIdentity.allowedNamespaces={shop}",
    ],
  ],
];

/** Each of another kind, so that none hides the others. */
const FIVE_MISTAKES = `
global: {teleport: {clusterName: a.example, proxyAddr: "a.example:65536"}}
tbot: {enabled: false, credentialTTL: 337h}
monitoring: {enabled: true}
mesh:
  applications:
    shop:
      namespace: shop
      services:
        web:
          labels: {app: web}
          serviceAccount: web
          ports: [{port: 80, protocol: HTTP}]
          callers: [{application: office, service: audit}, {gateway: public}]
`;

const onMinimal = (...sets: string[]) => ({ layers: [parse(readFileSync(MINIMAL, "utf8"))], sets });

describe("the chart's checks", { concurrent: true }, () => {
  const checked = outcomesOf(CHECKS, ([, sets]) => onMinimal(...sets), "checked");

  test.each(CHECKS.map((row) => [row[0], row] as const))("%s", async (sentence, row) => {
    const { refused, problems } = await checked(row);
    expect(refused).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(sentence)]);
  });

  test.each([
    ["tbot.podAnnotations.a=x\u007f", "tbot.podAnnotations.a"],
    ["tbot.resources.limits.a\u009fb=1", "tbot.resources.limits.a\u009fb"],
    ["tbot.tolerations[0].key=\ufeff", "tbot.tolerations[0].key"],
  ])("%j, at which Helm would drop what stands beside it", async (set, path) => {
    const sentence = `${path} has a control character, at which Helm would leave out the whole map or list: remove it.`;
    expect(await helmRefusal([set])).toBe(sentence);
    expect(await toolsRefusal([set])).toContain("control character");
  });

  test("five mistakes in one file are told at once, by Helm alone and by our tools", async () => {
    const inputs = { files: [{ name: "five.yaml", text: FIVE_MISTAKES }], sets: [] };
    const told = await Promise.all(
      [helmTemplate(systemRunner, { inputs }), mergedValues(systemRunner, inputs)].map((outcome) =>
        outcome.then(String, (error: Error) => error.message),
      ),
    );
    const sentences = [
      'global.teleport.proxyAddr is "a.example:65536": its port is above 65535; set it to the host:port of your Teleport Proxy Service.',
      "tbot.credentialTTL is 337h: Teleport issues X.509 SVIDs for at most 336h; lower it.",
      "monitoring.enabled is true while tbot.enabled is false: there is no tbot to scrape; enable tbot or disable monitoring.",
      'mesh.applications.shop.services.web.callers[0].application is "office", which is not in mesh.applications: add it, or name one that is.',
      'mesh.applications.shop.services.web.callers[1].gateway is "public", which is not in mesh.gateways: add it, or name one that is.',
    ].join("\n");
    expect(told).toEqual([sentences, sentences]);
  });

  test("a value of the wrong type, at which the checks would fail, is told by the schema", async () => {
    const inputs = { files: [{ name: "five.yaml", text: FIVE_MISTAKES }], sets: ["mesh.gateways=none"] };
    await expect(mergedValues(systemRunner, inputs)).rejects.toThrow(/^mesh\.gateways is "none", which is not a map\./);
  });

  /** The checks that need a cluster, seen by its API versions. */
  const DEPLOYMENT = ["--api-versions", "apps/v1/Deployment"];
  const ISTIO = [...DEPLOYMENT, "--api-versions", "security.istio.io/v1/AuthorizationPolicy"];
  const REST = [...ISTIO, "--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"];
  const MONITORING = ["PodMonitor", "PrometheusRule"].map((kind) => [
    "--api-versions",
    `monitoring.coreos.com/v1/${kind}`,
  ]);
  const CLUSTER_CHECKS: [string, string[], string[]][] = [
    ...MONITORING.map((oneOfThem): [string, string[], string[]] => [
      "The Prometheus Operator's CRDs are not in this cluster",
      ["monitoring.enabled=true"],
      [...REST, ...oneOfThem],
    ]),
    ['istio.print is "istiod", which prints Istio\'s values and installs nothing', ["istio.print=istiod"], DEPLOYMENT],
    ["Istio's CRDs are not in this cluster", [], DEPLOYMENT],
    ["This cluster has no ValidatingAdmissionPolicy:", [], ISTIO],
  ];

  /** Helm's flag --kube-version, with and without the names that a cluster has. */
  const OLD_CLUSTERS: [string, string[], string[]][] = [
    ["Kubernetes v1.29.9 has no ValidatingAdmissionPolicy, which came with 1.30", [], ["--kube-version", "1.29.9"]],
    [
      "tbot.kubelet.authorization is pods, and kubelets of Kubernetes v1.32.3-eks-1 take only the right to nodes/proxy",
      [],
      ["--kube-version", "1.32.3-eks-1", ...REST],
    ],
  ];
  const CURES: [string[], string[]][] = [
    [["mesh.admission.enabled=false"], ["--kube-version", "1.29.9"]],
    [["tbot.kubelet.authorization=proxy"], ["--kube-version", "1.30.0", ...REST]],
    // The first sync of Argo CD, which gives Helm what the cluster has so far.
    [
      ["checkCRDs=false", "monitoring.enabled=true"],
      [...DEPLOYMENT, ...REST.slice(-2)],
    ],
  ];

  test.each(OLD_CLUSTERS)("for an old cluster: %s", async (sentence, sets, args) => {
    expect(await helmRefusal(sets, ...args)).toContain(sentence);
  });

  test.each(CURES)("%j is taken with %j", async (sets, args) => {
    expect(await helmRefusal(sets, ...args)).toBe("");
  });

  test.each(CLUSTER_CHECKS)("on a cluster: %s", async (sentence, sets, args) => {
    expect(await kept(CHART_DIR, ["no cluster", ...sets], () => helmRefusal(sets))).toBe("");
    expect(await helmRefusal(sets, ...args)).toContain(sentence);
  });

  test("a cluster that has everything is installed on", async () => {
    expect(await helmRefusal([], ...REST)).toBe("");
    expect(await helmRefusal(["monitoring.enabled=true"], ...REST, ...MONITORING.flat())).toBe("");
  });

  test("none is without a case here", () => {
    const source = ["checks/_problems.tpl", "checks/checks.yaml"]
      .map((file) => readFileSync(repositoryPath(`chart/templates/${file}`), "utf8"))
      .join("");
    const starts = [...source.matchAll(/append \$problems (?:\(printf )?"([^%"]*)/g)].map(
      (match) => match[1] as string,
    );
    const sentences = [...CHECKS, ...CLUSTER_CHECKS, ...OLD_CLUSTERS].map(([sentence]) => sentence);
    expect(starts.length).toBeGreaterThan(10);
    for (const start of starts) {
      expect(
        sentences.some((sentence) => sentence.startsWith(start) || start.startsWith(sentence)),
        start,
      ).toBe(true);
    }
  });
});

/** Values by themselves, without the minimal ones below them; whether they are legal. */
const FILES: [string, boolean][] = [
  ["{}", false],
  ["global: {teleport: {clusterName: a.example, proxyAddr: a.example:443}}", true],
  ["global: {teleport: {clusterName: a.example, proxyAddr: '[::1]:443'}}", true],
];

/** Assignments on top of the minimal values that JSON Schema decides about; whether they are legal. */
const ASSIGNMENTS: [string, boolean][] = [
  ["tbot.socket.file=workload.sock", true],
  ["global.teleport.cluster=prod-eu-1", true],
  ["global.teleport.cluster=Prod", false],
  ["global.teleport.cluster=prod.eu", false],
  ["global.teleport.cluster=-prod", false],
  [`global.teleport.cluster=${"c".repeat(20)}`, true],
  [`global.teleport.cluster=${"c".repeat(21)}`, false],
  ["global.teleport.workloadIdentity.allowedNamespaces={shop,office}", true],
  ["global.teleport.workloadIdentity.allowedNamespaces={shop,shop}", false],
  ["global.teleport.workloadIdentity.allowedNamespaces={sh*p}", false],
  ["tbot.podLabels.example\\.com/team=a", true],
  ["tbot.podLabels.a b=c", false],
  ["tbot.podAnnotations.a/b/c=d", false],
  ["tbot.namespace.labels.-a=b", false],
  ["tbot.serviceAccount.annotations.a b=c", false],
  [`global.commonLabels.${"k".repeat(64)}=x`, false],
  ["global.commonAnnotations.a b=c", false],
  ["monitoring.labels.a b=c", false],
  ["monitoring.dashboardLabels.a=b c", false],
  ["tbot.extraConfig.services[0].attestors=x", false],
  ["tbot.extraConfig.services[0].attestors.kubernetes=x", false],
  ["tbot.extraConfig.services[0].attestors.kubernetes.kubelet=x", false],
  ["testApp.server.image=registry.example.com:5000/a/b:1", true],
  ["testApp.server.image=https://registry.example.com/a:1", false],
  ["testApp.client.image=a b", false],
  ["sockShop.images.carts=A/b:1:2", false],
  ["tbot.socket.file=a/b", false],
  ["tbot.socket.fil=x", false],
  ["tbot.csi.driverName=teleport.csi.spiffe.io", true],
  ["tbot.csi.driverName=csi..io", false],
  ["tbot.csi.driverName=csi.-io", false],
  ["tbot.csi.kubeletDir=/home/a/.local/kubelet", true],
  ["tbot.csi.kubeletDir=/var/lib/x/../kubelet", false],
  ["mesh.connections.maxDuration=2562047h", true],
  ["unknown=1", false],
  ["global.other=1", true],
  ["global.teleports.x=1", false],
  ["global.teleprot.x=1", false],
  ["x-anchors.a=1", true],
  ["enabled=maybe", false],
  ["tbot.global.x=1", true],
  ["tbot.image.tag=18", false],
  ["tbot.image.tag=18.11.0", true],
  ["tbot.image.digest=null", false],
  ["tbot.image=null", false],
  ["tbot=null", false],
  ["tbot.enabled=false", true],
  ["tbot.enabled=maybe", false],
  ["tbot.enabled=null", false],
  ["tbot.debug=1", false],
  ["tbot.resources=null", false],
  ["tbot.resources.limits=null", true],
  ["tbot.resources.limits.memory=1Gi", true],
  ["tbot.tolerations=null", false],
  ["tbot.tolerations={}", false],
  ["tbot.tolerations={x}", false],
  ["tbot.extraEnv[0].name=A", true],
  ["tbot.extraEnv[0].value=A", false],
  ["tbot.extraEnv[0].name=A,tbot.extraEnv[0].value=true", false],
  ["tbot.extraEnv[0].name=A,tbot.extraEnv[0].valueFrom.secretKeyRef.key=a", true],
  ["tbot.extraEnv[0].name=A,tbot.extraEnv[0].valueFrom.secretKeyRef.kye=a", false],
  ["tbot.tolerations[0].operator=Exist", false],
  ["tbot.tolerations[0].operator=Equal", true],
  ["tbot.affinity.nodeAffinitty.x=1", false],
  ["tbot.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution=x", false],
  ["tbot.resources.limits.memory=256Mb", false],
  ["tbot.resources.limits.cpu=1", true],
  ["tbot.resources.limit.cpu=1", false],
  ["tbot.updateStrategy.type=Recreate", false],
  ["tbot.updateStrategy.rollingUpdate.maxUnavailable=10%", true],
  ["tbot.nodeSelector.a=b c", false],
  ["tbot.image.repository=tbot", true],
  ["tbot.image.repository=registry.example:5000/a/tbot", true],
  ["tbot.image.repository=registry.example:5000/a/tbot:18", false],
  ["tbot.image.repository=tbot:18", false],
  ["tbot.image.repository=a/tbot@sha256:1", false],
  ["tbot.image.repository=https://a/tbot", false],
  ["tbot.podLabels.a=1", false],
  ["tbot.podLabels.a=b", true],
  ["tbot.credentialTTL=90", false],
  ["tbot.credentialTTL=1h30m", false],
  ["tbot.credentialTTL=336h", true],
  ["tbot.socket.hostPath=/run/x/", false],
  ["tbot.socket.hostPath=/run/../x", false],
  ["tbot.kubelet.authorization=nodes", false],
  ["istio.print=null", false],
  ["istio=null", false],
  ["global.teleport.workloadIdentity.labels.team=mesh", true],
  ["global.teleport.proxyAddr=https://a.example", false],
  ["global.teleport.proxyAddr=a.example", false],
  ["global.teleport.clusterName=Upper", false],
  ["istio.injectionTemplate=sidecar", false],
  ["istio.pathNormalization=none", false],
  ["mesh.admission.allowedHostPaths={/dev/shm,/dev/shm}", false],
  ["mesh.admission.allowedHostPaths={/dev/shm}", true],
  ["mesh.mtls.mode=PERMISSIVE", true],
  ["mesh.mtls.mode=DISABLE", false],
  ["testApp.enabled=true", true],
  ["testApp.server.image=", false],
];

/** What Helm takes without a word though it cannot be meant; the tools refuse it. */
const STRICTER: [string, string[], string][] = [
  ["", ["global.teleport.workloadIdentity.labels.env=null"], "a key below global.teleport cannot be null"],
  [
    "global:\n  teleport:\n    workloadIdentity:\n      labels: {env: null}\n",
    [],
    "stdin:4:21: a key below global.teleport cannot be null",
  ],
  ["tbot: {debug: true}\ntbot: {debug: false}\n", [], "stdin:2:1: Map keys must be unique"],
  ["tbot: {debug: true}\n---\ntbot: {debug: false}\n", [], "more than one YAML document"],
];

describe("the tools are stricter than Helm", { concurrent: true }, () => {
  test.each(STRICTER)("with the file %j and %j", async (text, sets, sentence) => {
    const inputs = await readValuesInputs(systemRunner, { files: [MINIMAL] });
    inputs.files.push({ name: "table", text });
    await expect(helmTemplate(systemRunner, { inputs: { ...inputs, sets } })).resolves.toContain("kind: DaemonSet");
    await expect(readValuesInputs(systemRunner, { files: ["-"], sets, stdin: Readable.from([text]) })).rejects.toThrow(
      sentence,
    );
  });
});

describe("Helm and the tools agree", { concurrent: true }, () => {
  test.each(FILES)("on the file %s: %s", async (text, legal) => {
    const inputs = await readValuesInputs(systemRunner, { files: [] });
    inputs.files.push({ name: "table", text });
    const outcomes = await Promise.allSettled([
      mergedValues(systemRunner, inputs),
      helmTemplate(systemRunner, { inputs }),
    ]);
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([legal, legal]);
  });

  /** `null` means something else for a subchart than for a chart, so each of these has Helm for itself. */
  const deletes = ([assignment]: [string, boolean]) => assignment.endsWith("=null");
  const others = ASSIGNMENTS.filter((row) => !deletes(row));
  const split = (assignments: string) => assignments.split(/,(?=tbot\.)/);
  const rendered = outcomesOf(others, ([assignments]) => onMinimal(...split(assignments)));
  const merged = outcomesOf(others, ([assignments]) => onMinimal(...split(assignments)), "merged");

  test.each(others.map((row) => [...row, row] as const))("on %s: %s", async (assignment, legal, row) => {
    const { refused, problems, documents } = await rendered(row);
    const tools = await schemaRefusal(await merged(row));
    expect([refused.length === 0, tools === ""]).toEqual([legal, legal]);
    expect([problems, documents.has("templates/mesh/admission.yaml")]).toEqual([[], legal]);
    if (!legal) expect(tools).toContain(section(assignment));
  });

  test.each(ASSIGNMENTS.filter(deletes))("on %s: %s", async (assignment, legal) => {
    const [helm, tools] = await Promise.all([helmRefusal([assignment]), toolsRefusal([assignment])]);
    expect([helm, tools].map((refusal) => refusal === "")).toEqual([legal, legal]);
    if (!legal) expect(tools).toContain(section(assignment));
  });

  test("of values without null Helm makes for many charts what it makes for one", async () => {
    const assignment = "tbot.resources.limits.memory=1Gi";
    const { values } = await merged(others.find(([known]) => known === assignment) as [string, boolean]);
    const alone = await mergedValues(systemRunner, await scenarioInputs("minimal", assignment));
    const { global: _, ...tbot } = (values as { tbot: Record<string, unknown> }).tbot;
    expect(tbot).toEqual(alone.tbot);
    expect((values as typeof alone).global).toEqual(alone.global);
  });
});

/** `tbot.image.tag=18` → `tbot.image`. */
function section(assignment: string): string {
  return (assignment.split(/[=[]/)[0] as string).split(".").slice(0, 2).join(".");
}
