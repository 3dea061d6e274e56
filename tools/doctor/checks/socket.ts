import { counted } from "../../base/count.ts";
import { page } from "../../base/documentation.ts";
import { WITH_ADMISSION_POLICIES } from "../../base/kubernetes-versions.ts";
import { isBefore, versionIn } from "../../base/versions.ts";
import { CouldNotLook, known, socketDirectory, tbotDaemonSet } from "../facts/facts.ts";
import { injectedVolume, injectsOnlyCsi } from "../facts/injected-volume.ts";
import { isInScope, ourTemplate, scopeOfPolicy, scopeOfTemplate, scopeText } from "../facts/injection-scope.ts";
import type { Facts } from "../facts/make-facts.ts";
import {
  chosenTemplates,
  hostDirectory,
  isGateway,
  isMeshed,
  nameOf,
  otherMounts,
  SOCKET_MOUNT,
} from "../facts/meshed-pods.ts";
import type { AdmissionPolicy, Pod } from "../facts/objects.ts";
import { socketMount, usesIstioCni } from "../facts/socket-source.ts";
import { type Check, type Finding, looked, problem, unknown, warning } from "./check.ts";
import { gatewayApiHint, gatewayApiName } from "./gateway-api.ts";
import { leftBehind } from "./left-behind.ts";

const RENDER_ISTIO = "Install istiod with the values that `istio-teleport render istio -f values.yaml` prints.";

const injectionTemplate: Check = {
  id: "injection-template",
  step: "socket",
  title: "Each istiod injects the template that mounts tbot's socket read-only",
  run(facts) {
    const all = facts.ownRevisions();
    const scope = facts.injectionScope();
    const findings = all.flatMap((revision): Finding[] => {
      const subject = `istiod ${revision.name}`;
      if (revision.injector === undefined) {
        const evidence = "it has no ConfigMap istio-sidecar-injector";
        return [unknown(subject, evidence, "Look at its injection configuration by hand, then at proxy-mount.")];
      }
      const template = ourTemplate(facts, revision.injector);
      if (template === undefined) {
        return [problem(subject, "no injection template mounts tbot's socket", RENDER_ISTIO)];
      }
      const own = scopeText(scopeOfTemplate(template));
      if (own !== scopeText(scope)) {
        const evidence = `the template ${template.name} is for ${own}, and the values are for ${scopeText(scope)}`;
        return [problem(subject, evidence, RENDER_ISTIO)];
      }
      if (scope.kind !== "pod" && !revision.injector.defaultTemplates?.includes(template.name)) {
        const evidence = `the template ${template.name} is not among the defaultTemplates`;
        return [problem(subject, evidence, RENDER_ISTIO)];
      }
      if (!template.text.includes(`mountPath: ${SOCKET_MOUNT}`) || !/readOnly: true/.test(template.text)) {
        const evidence = `the template ${template.name} does not mount it read-only at ${SOCKET_MOUNT}`;
        return [problem(subject, evidence, RENDER_ISTIO)];
      }
      return [];
    });
    const examined = counted(all.length, "revision");
    return { examined: scope.kind === "mesh" ? examined : `${examined}, for ${scopeText(scope)}`, findings };
  },
};

const socketPath: Check = {
  id: "socket-path",
  step: "socket",
  title: "tbot, the template and Istio's agent mean the same socket",
  run(facts) {
    const directory = socketDirectory(facts);
    const { socketFile = "" } = facts.tbotSettings();
    const findings: Finding[] = [];
    const volumes = tbotDaemonSet(facts).spec.template.spec.volumes ?? [];
    const hint = "Install chart and istiod from the same values (tbot.socket.hostPath, tbot.socket.file).";
    const paths = volumes.flatMap(({ hostPath }) => hostPath?.path ?? []);
    if (!paths.some((path) => hostDirectory(path) === hostDirectory(directory))) {
      const evidence = `tbot listens in ${directory}, and its DaemonSet mounts ${paths.join(", ") || "no host directory"}`;
      findings.push(problem("the DaemonSet of tbot", evidence, hint));
    }
    for (const revision of facts.ownRevisions()) {
      const subject = `istiod ${revision.name}`;
      const volume = injectedVolume(facts, revision);
      if (volume !== undefined && "path" in volume && hostDirectory(volume.path) !== hostDirectory(directory)) {
        findings.push(problem(subject, `its template mounts ${volume.path}, and tbot listens in ${directory}`, hint));
      }
      const expected = revision.mesh.defaultConfig?.proxyMetadata?.WORKLOAD_IDENTITY_SOCKET_FILE ?? "socket";
      if (expected !== socketFile) {
        const evidence = `its proxies look for the file ${expected}, and tbot's socket is called ${socketFile}`;
        findings.push(problem(subject, evidence, hint));
      }
    }
    return { examined: `${directory}/${socketFile}`, findings };
  },
};

const proxyMount: Check = {
  id: "proxy-mount",
  step: "socket",
  title: "Each sidecar mounts tbot's socket directory, read-only",
  run(facts) {
    const scope = facts.injectionScope();
    // Of a pod that chooses its templates, opted-out speaks; unless that is how pods come into scope.
    const isOurs = (pod: Pod) => !isGateway(pod) && (scope.kind === "pod" || chosenTemplates(pod) === undefined);
    const sidecars = facts.meshedPods().filter(isOurs);
    const source = facts.socketSource();
    const findings = sidecars.flatMap((pod): Finding[] => {
      const mount = socketMount(pod, source);
      if (mount === "read-only") return [];
      if (mount === "writable") {
        const evidence = "it mounts the directory writable: its agent can remove tbot's socket and serve in its place";
        return [problem(nameOf(pod), evidence, `${RENDER_ISTIO} Then restart the pod.`)];
      }
      const evidence = `its proxy does not mount ${source.directory}: it was injected before istiod had the template`;
      return [problem(nameOf(pod), evidence, "Restart it: `kubectl rollout restart` of its Deployment.")];
    });
    const all = [...findings, ...leftBehind(facts)];
    const examined = counted(sidecars.length, "sidecar");
    if (scope.kind === "mesh") return looked(sidecars.length, "sidecar", all);
    const others = counted(facts.podsOutOfScope(), "meshed pod");
    return looked(sidecars.length, "sidecar", all, `${examined} of ${scopeText(scope)}; ${others} out of scope`);
  },
};

const gatewayMount: Check = {
  id: "gateway-mount",
  step: "socket",
  title: "Each gateway mounts tbot's socket directory, read-only",
  run(facts) {
    const gateways = facts.meshedPods().filter(isGateway);
    if (gateways.length === 0) return { skipped: "there is no gateway" };
    const source = facts.socketSource();
    const findings = gateways.flatMap((pod): Finding[] => {
      const mount = socketMount(pod, source);
      if (mount === "read-only") return [];
      const how = `${mount === "writable" ? "mounts" : "does not mount"} ${source.directory}${mount === "writable" ? " writable" : ""}`;
      if (gatewayApiName(pod) !== undefined) {
        return [
          problem(nameOf(pod), `its proxy ${how}; it is a gateway of the Gateway API`, gatewayApiHint(facts, pod)),
        ];
      }
      const hint =
        "Install it with the values of `istio-teleport render istio --gateway`: its annotation inject.istio.io/templates must name our template too.";
      const templates = chosenTemplates(pod)?.join(",");
      const evidence = `its proxy ${how}; its injection templates are ${templates ?? "the mesh's default ones"}`;
      return [problem(nameOf(pod), evidence, hint)];
    });
    return { examined: counted(gateways.length, "gateway"), findings };
  },
};

const optedOut: Check = {
  id: "opted-out",
  step: "socket",
  title: "No pod of a meshed namespace opts out of the mesh or of our template",
  run(facts) {
    const names = new Set(facts.meshedNamespaces().map(({ metadata }) => metadata.name));
    const source = facts.socketSource();
    const pods = facts.livePods();
    const scope = facts.injectionScope();
    const findings = pods.flatMap((pod): Finding[] => {
      if (!isInScope(scope, pod)) return [];
      const templates = chosenTemplates(pod);
      if (isMeshed(pod) && !isGateway(pod) && templates !== undefined && socketMount(pod, source) !== "read-only") {
        const evidence = `its annotation inject.istio.io/templates is ${JSON.stringify(templates.join(","))}, without our template`;
        return [
          problem(nameOf(pod), evidence, "Remove the annotation or name our template in it, and restart the pod."),
        ];
      }
      if (isMeshed(pod) || !names.has(pod.metadata.namespace)) return [];
      return [warning(nameOf(pod), `it has no proxy: ${whyNotInjected(pod)}`, OPT_OUT_HINT)];
    });
    const examined = `${counted(names.size, "meshed namespace")}, ${counted(pods.length, "pod")}`;
    return looked(names.size, "meshed namespace", findings, examined);
  },
};

const OPT_OUT_HINT =
  "Leave it if it needs no identity (STRICT peers refuse it); otherwise inject it: restart, or remove the opt-out.";

function whyNotInjected({ metadata, spec }: Pod): string {
  const label = metadata.labels?.["sidecar.istio.io/inject"];
  const annotation = metadata.annotations?.["sidecar.istio.io/inject"];
  if ((label ?? annotation) === "false") {
    return `its ${label === undefined ? "annotation" : "label"} sidecar.istio.io/inject is false`;
  }
  return spec.hostNetwork === true ? "it is in the node's network" : "it was created before the namespace was meshed";
}

const socketWriters: Check = {
  id: "socket-writers",
  step: "socket",
  title: "Nothing but tbot can write to the socket directory",
  run(facts) {
    const directory = hostDirectory(socketDirectory(facts));
    const daemonSet = tbotDaemonSet(facts);
    const labels = Object.entries(daemonSet.spec.template.metadata?.labels ?? {});
    const others = facts.runningPods().filter(
      // Labels alone are anybody's to put on a pod.
      ({ metadata }) =>
        metadata.namespace !== daemonSet.metadata.namespace ||
        !labels.every(([key, value]) => metadata.labels?.[key] === value),
    );
    const findings = others.flatMap((pod): Finding[] =>
      (pod.spec.volumes ?? []).flatMap(({ name, hostPath }): Finding[] => {
        if (hostPath === undefined || otherMounts(pod, name).every(({ readOnly }) => readOnly === true)) return [];
        const path = hostDirectory(hostPath.path);
        if (path === directory || path.startsWith(`${directory}/`)) {
          const evidence = `it mounts ${hostPath.path} writable and may serve a socket of its own there, as SPIRE's agent does`;
          const hint =
            "Remove it, or move tbot: tbot.socket.hostPath (both charts' values), then restart the meshed pods.";
          return [problem(nameOf(pod), evidence, hint)];
        }
        if (path !== "/" && !directory.startsWith(`${path}/`)) return [];
        const evidence = `it mounts ${hostPath.path} writable, and with it ${directory}`;
        return [warning(nameOf(pod), evidence, "Mount it read-only or narrower, or make sure that only you run it.")];
      }),
    );
    return looked(others.length, "other pod", findings, `host directories of ${counted(others.length, "pod")}`);
  },
};

const admissionPolicy: Check = {
  id: "admission-policy",
  step: "socket",
  title: "Admission refuses pods that could take the socket over (fail-closed layer c)",
  run(facts) {
    const text = known(facts.kubernetesVersion);
    const version = versionIn(text);
    if (version === undefined || isBefore(version, WITH_ADMISSION_POLICIES)) {
      return { skipped: `Kubernetes ${text} has no ValidatingAdmissionPolicy` };
    }
    const namespaces = facts.meshedNamespaces().map(({ metadata }) => metadata.name);
    const open = `whoever may create pods in ${namespaces.join(", ") || "a meshed namespace"} can mount the socket directory writable`;
    const fault = admissionFault(facts);
    if (fault === undefined) {
      const spaces =
        namespaces.length === 0 ? "no namespace is meshed yet" : counted(namespaces.length, "meshed namespace");
      return { examined: `the policy is bound, ${spaces}`, findings: [] };
    }
    const isMeant = facts.intended?.mesh.admission.enabled === false;
    const hint = "Set mesh.admission.enabled: true (its default) and upgrade the chart's release.";
    const finding = (isMeant ? warning : problem)("the cluster", `${fault}: ${open}`, hint);
    return { examined: `${counted(namespaces.length, "meshed namespace")}`, findings: [finding] };
  },
};

function admissionFault(facts: Facts): string | undefined {
  const policy = known(facts.admissionPolicy);
  const binding = known(facts.admissionBinding);
  if (policy === undefined) return "there is no ValidatingAdmissionPolicy istio-teleport-workload-identity";
  if (binding === undefined) return `the policy ${policy.metadata.name} has no binding`;
  if (binding.spec.policyName !== policy.metadata.name || !binding.spec.validationActions?.includes("Deny")) {
    return `the binding of ${policy.metadata.name} does not deny`;
  }
  if (binding.spec.matchResources !== undefined) return `the binding of ${policy.metadata.name} is narrowed`;
  if (policy.spec.failurePolicy === "Ignore") return `the policy ${policy.metadata.name} ignores its own failures`;
  const refused = refusedVolume(facts, policy);
  if (refused !== undefined) return refused;
  const guarded = policy.spec.variables?.find(({ name }) => name === "socketDir")?.expression.replaceAll("'", "");
  const directory = socketDirectory(facts);
  if (guarded !== directory) return `the policy guards ${guarded}, and tbot's socket is in ${directory}`;
  const judged = scopeText(scopeOfPolicy(policy));
  const scope = scopeText(facts.injectionScope());
  if (judged !== scope) return `the policy judges ${judged}, and Teleport's identities are for ${scope}`;
  return undefined;
}

/** Why the policy refuses what an istiod injects; absent where it accepts it. */
function refusedVolume(facts: Facts, policy: AdmissionPolicy): string | undefined {
  const accepted = policy.spec.variables?.find(({ name }) => name === "socketVolumes")?.expression;
  if (accepted === undefined) return undefined;
  for (const revision of facts.ownRevisions()) {
    const volume = injectedVolume(facts, revision);
    if (volume === undefined) continue;
    const isAccepted = "driver" in volume ? accepted.includes(`'${volume.driver}'`) : accepted.includes("v.hostPath");
    if (isAccepted) continue;
    const what = "driver" in volume ? `volumes of the CSI driver ${volume.driver}` : "a hostPath";
    return `istiod ${revision.name} injects ${what}, which the policy refuses, so no new pod of its mesh starts`;
  }
  return undefined;
}

const podSecurity: Check = {
  id: "pod-security",
  step: "socket",
  title: "Pod Security lets meshed pods and tbot mount the socket directory",
  run(facts) {
    const own = tbotDaemonSet(facts).metadata.namespace;
    const namespaces = facts.meshedNamespaces();
    const tbots = known(facts.namespaces).filter(({ metadata }) => metadata.name === own);
    if (namespaces.length === 0 && tbots.length === 0) throw new CouldNotLook("no namespace of the mesh is known");
    const findings = [...namespaces, ...tbots].flatMap(({ metadata: { name, labels } }): Finding[] => {
      const level = labels?.["pod-security.kubernetes.io/enforce"];
      if (level === undefined || level === "privileged") return [];
      const needs = name === own ? "hostPath volumes" : needsPrivileged(facts);
      if (needs === undefined) return [];
      const evidence = `it enforces ${level}, which refuses ${needs}: its next pods will not start`;
      const hint = `kubectl label namespace ${name} pod-security.kubernetes.io/enforce=privileged --overwrite`;
      return [
        problem(
          `namespace ${name}`,
          evidence,
          `Run \`${hint}\`, and read ${page("docs/explain/security.md")} on tenants.`,
        ),
      ];
    });
    return looked(namespaces.length + tbots.length, "namespace", findings);
  },
};

/** What of the injected pods Pod Security refuses below `privileged`; absent where nothing is left. */
function needsPrivileged(facts: Facts): string | undefined {
  if (!injectsOnlyCsi(facts)) return "hostPath volumes";
  return facts.ownRevisions().every(usesIstioCni) ? undefined : "NET_ADMIN, which istio-init needs (istio.cni)";
}

export const SOCKET_CHECKS: readonly Check[] = [
  injectionTemplate,
  socketPath,
  proxyMount,
  gatewayMount,
  optedOut,
  socketWriters,
  admissionPolicy,
  podSecurity,
];
