import { counted } from "../../base/count.ts";
import { OLDEST_KUBERNETES, WITH_ADMISSION_POLICIES } from "../../base/kubernetes-versions.ts";
import { isBefore, versionIn, versionText } from "../../base/versions.ts";
import { CouldNotLook, isReady, known, orUndefined } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import { type Check, type Finding, problem, warning } from "./check.ts";

/** Also before an installation. */
export const kubernetesVersion: Check<Pick<Facts, "kubernetesVersion" | "intended">> = {
  id: "kubernetes-version",
  step: "cluster",
  title: "The Kubernetes version is one that the chart supports",
  run(facts) {
    const text = known(facts.kubernetesVersion);
    const version = versionIn(text);
    const findings: Finding[] = [];
    if (version === undefined || isBefore(version, OLDEST_KUBERNETES)) {
      findings.push(
        problem(
          "API server",
          `it is ${text || "of no known version"}`,
          `Upgrade to Kubernetes ${versionText(OLDEST_KUBERNETES)} or later.`,
        ),
      );
    } else if (isBefore(version, WITH_ADMISSION_POLICIES)) {
      const { enabled, admission } = facts.intended?.mesh ?? {};
      const judged = enabled === true && admission?.enabled === true ? problem : warning;
      findings.push(
        judged(
          "API server",
          `${text} has no ValidatingAdmissionPolicy, so fail-closed layer c is missing`,
          `Upgrade to ${versionText(WITH_ADMISSION_POLICIES)} or later; or set mesh.admission.enabled to false, and keep tenants out of meshed namespaces.`,
        ),
      );
    }
    return { examined: `Kubernetes ${text}`, findings };
  },
};

/**
 * Teleport allows 10 s on a join token (lib/kube/token/validator.go); a difference below that does no harm, and the
 * measurement's doubt is below it too.
 */
const ALLOWED = 10_000;

/** A node's heartbeat is at most this old while the node is Ready: 10 s between two, 40 s of grace. */
const OLDEST_HEARTBEAT = 60_000;

const clocks: Check = {
  id: "clocks",
  step: "cluster",
  title: "The clocks of nodes, API server and Teleport agree",
  run(facts) {
    const now = known(facts.takenAt);
    const measured = new Map(
      facts.tbotPods.flatMap(({ node, clockAhead }) => (clockAhead.ok ? [[node, clockAhead.value] as const] : [])),
    );
    for (const [node, ahead] of heartbeats(facts, now)) {
      if (!measured.has(node)) measured.set(node, ahead);
    }
    if (measured.size === 0) throw new CouldNotLook("neither tbot's answers nor the nodes' leases could be read");
    const findings = [...measured].flatMap(([node, ahead]) =>
      Math.abs(ahead) > ALLOWED ? [skew(`node ${node}`, ahead)] : [],
    );
    const teleport = teleportAhead(facts, Math.max(now, facts.readUntil ?? now));
    if (teleport !== undefined && teleport.ahead > ALLOWED) {
      findings.push(skew(`Teleport (certificate of ${teleport.pod})`, teleport.ahead));
    }
    return { examined: `${counted(measured.size, "node")} compared with the API server`, findings };
  },
};

function skew(subject: string, ahead: number): Finding {
  const seconds = Math.round(Math.abs(ahead) / 1000);
  return problem(
    subject,
    `its clock is ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the API server's`,
    "Have NTP set the clock (chronyc tracking, timedatectl); certificates count as expired or not yet valid meanwhile.",
  );
}

/** By how much each Ready node's last heartbeat, written with its own clock, is off what can be. */
function heartbeats({ nodes, nodeLeases }: Facts, now: number): [string, number][] {
  if (!nodes.ok || !nodeLeases.ok) return [];
  const ready = new Set(nodes.value.filter(isReady).map(({ metadata }) => metadata.name));
  return nodeLeases.value.flatMap(({ metadata, spec }): [string, number][] => {
    const age = now - Date.parse(spec?.renewTime ?? "");
    if (!ready.has(metadata.name) || Number.isNaN(age)) return [];
    if (age < 0) return [[metadata.name, -age]];
    return [[metadata.name, age > OLDEST_HEARTBEAT ? -age : 0]];
  });
}

/** By how much the newest certificate was issued in the future; a clock that is behind does not show. */
function teleportAhead(facts: Facts, now: number): { pod: string; ahead: number } | undefined {
  const newest = orUndefined(facts.certifiedPods)?.toSorted((a, b) => b.issuedAt - a.issuedAt)[0];
  return newest && { pod: nameOf(newest.pod), ahead: newest.issuedAt - now };
}

export const CLUSTER_CHECKS: readonly Check[] = [kubernetesVersion, clocks];
