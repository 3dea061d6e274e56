import { counted } from "../../../base/count.ts";
import { page } from "../../../base/documentation.ts";
import { WITH_FINE_GRAINED_KUBELET } from "../../../base/kubernetes-versions.ts";
import { versionText } from "../../../base/versions.ts";
import type { BeforeFacts } from "../../facts/before.ts";
import { known } from "../../facts/facts.ts";
import { olderKubelets } from "../attestation.ts";
import { type Check, type Finding, problem, unknown } from "../check.ts";
import { kubernetesVersion } from "../cluster.ts";

const programs: Check<BeforeFacts> = {
  id: "programs",
  step: "before",
  title: "helm, kubectl and tctl run",
  run(facts) {
    const findings = facts.programs.flatMap((program): Finding[] =>
      program.ok
        ? []
        : [unknown("this machine", program.reason, "Install it, or put it on PATH; then run the command again.")],
    );
    const versions = facts.programs.flatMap((program) => (program.ok ? [program.value] : []));
    return { examined: versions.join(", ") || "none of them", findings };
  },
};

const kubeletVersions: Check<BeforeFacts> = {
  id: "kubelet-versions",
  step: "before",
  title: "Each kubelet accepts the right that tbot gets",
  run({ intended, nodes }) {
    const all = known(nodes);
    const { enabled, kubelet } = intended.tbot;
    if (!enabled || kubelet.authorization !== "pods")
      return { skipped: "the values grant tbot nodes/proxy, or no tbot" };
    const findings = olderKubelets(all).map(({ metadata, status }) => {
      const evidence = `its kubelet has version ${status.nodeInfo.kubeletVersion}, and before ${versionText(WITH_FINE_GRAINED_KUBELET)} tbot cannot read its pods with the right to nodes/pods`;
      const hint = `Upgrade the node, or set tbot.kubelet.authorization to proxy; ${page("docs/explain/security.md")} says why that is worse.`;
      return problem(`node ${metadata.name}`, evidence, hint);
    });
    return { examined: counted(all.length, "node"), findings };
  },
};

const installationRights: Check<BeforeFacts> = {
  id: "installation-rights",
  step: "before",
  title: "You have the rights that an installation needs",
  run({ missingRights }) {
    const missing = known(missingRights);
    if (missing.length === 0) return { examined: "all of them", findings: [] };
    const hint = "Use an account with the ClusterRole cluster-admin, or have these rights granted.";
    return { examined: "some of them", findings: [problem("your account", `it may not ${missing.join(", ")}`, hint)] };
  },
};

const namespaces: Check<BeforeFacts> = {
  id: "chart-namespaces",
  step: "before",
  title: "The namespaces that the chart makes are free or ours",
  run(facts) {
    const planned = known(facts.namespaces);
    if (planned.length === 0) return { skipped: "the chart makes none" };
    const findings = planned
      .filter(({ state }) => state === "other")
      .map(({ name }) => {
        const evidence = "it exists already and is not the chart's, so Helm would refuse to install";
        return problem(`namespace ${name}`, evidence, "Set its namespace.create to false in the values.");
      });
    return { examined: planned.map(({ name }) => name).join(", "), findings };
  },
};

export const CLUSTER_BEFORE: readonly Check<BeforeFacts>[] = [
  programs,
  { ...kubernetesVersion, step: "before" },
  kubeletVersions,
  installationRights,
  namespaces,
];
