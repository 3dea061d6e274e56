import { counted } from "../../base/count.ts";
import { WITH_FINE_GRAINED_KUBELET } from "../../base/kubernetes-versions.ts";
import { isBefore, versionIn, versionText } from "../../base/versions.ts";
import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import { CouldNotLook, known, runningTbots, tbotDaemonSet } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nodeOf } from "../facts/meshed-pods.ts";
import type { Node } from "../facts/objects.ts";
import type { LogEntry } from "../snapshot.ts";
import { type Check, type Finding, looked, problem, unknown, warning } from "./check.ts";

/** The nodes whose kubelets accept the right to nodes/proxy only. */
export function olderKubelets(nodes: readonly Node[]): Node[] {
  return nodes.filter(({ status }) => {
    const version = versionIn(status.nodeInfo.kubeletVersion);
    return version === undefined || isBefore(version, WITH_FINE_GRAINED_KUBELET);
  });
}

const kubeletRights: Check = {
  id: "kubelet-rights",
  step: "attestation",
  title: "Each kubelet lets tbot read its pod list",
  run(facts) {
    const { pods, proxy } = facts.kubeletRights;
    const mayPods = known(pods);
    const mayProxy = known(proxy);
    const nodes = known(facts.nodes);
    const older = olderKubelets(nodes);
    const { namespace } = tbotDaemonSet(facts).metadata;
    const account = `the ServiceAccount of tbot in ${namespace}`;
    const findings: Finding[] = [];
    if (!mayProxy && !mayPods) {
      const evidence = "it may get neither nodes/pods nor nodes/proxy, so no workload is attested";
      findings.push(problem(account, evidence, "Upgrade the chart's release: its ClusterRole and binding grant it."));
    } else if (!mayProxy && older.length > 0) {
      const names = older.map(({ metadata }) => metadata.name).join(", ");
      const evidence = `it may get nodes/pods, which the kubelets of ${names} (before ${versionText(WITH_FINE_GRAINED_KUBELET)}) do not ask for`;
      findings.push(problem(account, evidence, "Upgrade these nodes, or set tbot.kubelet.authorization: proxy."));
    } else if (mayProxy && older.length === 0) {
      const evidence = "it may get nodes/proxy, with which whoever has its token can exec in every pod";
      findings.push(warning(account, evidence, "Set tbot.kubelet.authorization: pods; these kubelets need no more."));
    }
    return looked(nodes.length, "kubelet", findings, `${counted(nodes.length, "kubelet")}, by SubjectAccessReview`);
  },
};

const ATTESTATION_FAILED = "Failed to perform Kubernetes workload attestation";

/** What Go's TLS says of a certificate that it does not take. */
function isCertificateError({ error }: LogEntry): boolean {
  return /x509:|tls: failed to verify/.test(error);
}

function attestationErrors(complaints: readonly LogEntry[]): LogEntry[] {
  return complaints.filter(({ message }) => message === ATTESTATION_FAILED);
}

const kubeletCertificate: Check = {
  id: "kubelet-certificate",
  restsOn: "tbot-nodes",
  step: "attestation",
  title: "tbot can verify each kubelet's certificate, and does",
  run(facts) {
    const findings: Finding[] = [];
    const { skipVerify } = facts.tbotSettings();
    if (skipVerify) {
      const evidence =
        "tbot does not verify it: whoever answers on a node's port 10250 tells tbot which pod a process is";
      const hint =
        "Have kubelets use certificates of the cluster's CA (serverTLSBootstrap), then set tbot.kubelet.skipVerify: false.";
      findings.push(warning("all nodes", evidence, hint));
    }
    const proven = attestedNodes(facts);
    const tbots = runningTbots(facts);
    for (const { node, complaints } of tbots) {
      const error = complaints.ok ? attestationErrors(complaints.value).find(isCertificateError) : undefined;
      if (error !== undefined) {
        const hint =
          "Have this kubelet use a certificate of the cluster's CA that names its address, or set tbot.kubelet.skipVerify: true.";
        findings.push(problem(`node ${node}`, `tbot's log: ${error.error}`, hint));
      } else if (!complaints.ok && !proven.has(node) && !skipVerify) {
        findings.push(unknown(`node ${node}`, complaints.reason, hintForNoLog(facts, complaints.reason)));
      }
    }
    return { examined: `${counted(tbots.length, "node")}, by tbot's log and what it attested`, findings };
  },
};

function hintForNoLog(facts: Facts, reason: string): string {
  const { namespace } = tbotDaemonSet(facts).metadata;
  if (reason.startsWith(PERMISSION_MISSING)) return `Grant get on pods/log in ${namespace}.`;
  return `See whether \`kubectl -n ${namespace} logs\` of the pods of tbot there works: the API server must reach their kubelets.`;
}

/** Nodes on which some proxy holds a certificate of Teleport: there the kubelet told tbot about it. */
function attestedNodes(facts: Facts): Set<string> {
  try {
    return new Set(
      facts
        .certifiedPods()
        .filter(({ issuer }) => issuer === "teleport")
        .map(({ pod }) => nodeOf(pod)),
    );
  } catch (error) {
    if (error instanceof CouldNotLook) return new Set();
    throw error;
  }
}

const attestationLog: Check = {
  id: "attestation",
  restsOn: "tbot-nodes",
  step: "attestation",
  title: "tbot attested every caller of the last two minutes",
  run(facts) {
    const { namespace } = tbotDaemonSet(facts).metadata;
    const tbots = runningTbots(facts);
    const findings = tbots.flatMap(({ node, name, complaints }): Finding[] => {
      if (!complaints.ok) {
        return [unknown(`node ${node}`, complaints.reason, hintForNoLog(facts, complaints.reason))];
      }
      const errors = attestationErrors(complaints.value).filter((entry) => !isCertificateError(entry));
      const last = errors.at(-1);
      if (last === undefined) return [];
      const hint = `See kubelet-rights; "not found" means that the kubelet refused or does not know the pod. Log: \`kubectl -n ${namespace} logs ${name}\`.`;
      return [problem(`node ${node}`, `tbot's log, ${counted(errors.length, "time")}: ${last.error}`, hint)];
    });
    return { examined: `the log of ${counted(tbots.length, "pod")} of tbot`, findings };
  },
};

export const ATTESTATION_CHECKS: readonly Check[] = [kubeletRights, kubeletCertificate, attestationLog];
