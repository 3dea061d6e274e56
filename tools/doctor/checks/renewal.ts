import { counted } from "../../base/count.ts";
import { groupBy } from "../../base/group-by.ts";
import type { CertifiedPod } from "../facts/certificates.ts";
import { known } from "../facts/facts.ts";
import { nameOf, nodeOf } from "../facts/meshed-pods.ts";
import { isLate } from "../facts/renewal.ts";
import { type Check, type Finding, looked, problem, warning } from "./check.ts";
import { withRefusal } from "./refusal.ts";

const RENEWAL_HINT =
  "See tbot-health for this node. Where tbot is healthy the pod holds a socket that is gone, as after its directory was removed and made again: restart the pod.";

const BROKEN_CONNECTION_HINT =
  "Find what cuts the connection: the idle limit of a load balancer or proxy, restarts of Teleport's Auth Service, or disconnect_expired_cert. Until then set tbot.renewalInterval below the time between two breaks.";

const certificateLife: Check = {
  id: "certificate-life",
  restsOn: "proxy-certificate",
  step: "renewal",
  title: "No certificate has expired",
  run(facts) {
    const now = known(facts.takenAt);
    const all = facts.certifiedPods();
    const findings = all.flatMap(({ pod, expiresAt }): Finding[] => {
      if (expiresAt > now) return [];
      const evidence = `it expired ${duration(now - expiresAt)} ago: new connections to and from it fail`;
      return [problem(nameOf(pod), evidence, RENEWAL_HINT)];
    });
    return looked(all.length, "certificate", findings, `${counted(all.length, "certificate")}, ${soonest(all, now)}`);
  },
};

const certificateRotation: Check = {
  id: "certificate-rotation",
  restsOn: "proxy-certificate",
  step: "renewal",
  title: "Each certificate was replaced within the renewal interval",
  run(facts) {
    const now = known(facts.takenAt);
    const { renewalInterval = 0 } = facts.tbotSettings();
    const all = facts.certifiedPods().filter(({ expiresAt }) => expiresAt > now);
    const late = new Set(all.filter(({ issuedAt }) => isLate(issuedAt, now, renewalInterval)));
    const fresh = groupBy(
      all.filter((certified) => !late.has(certified)),
      ({ pod }) => nodeOf(pod),
    );
    const breaksOn = new Map(facts.tbotPods.map(({ node, connectionBreaks }) => [node, connectionBreaks]));
    const findings = [...late].map(({ pod, issuedAt, expiresAt }) => {
      const others = fresh.get(nodeOf(pod))?.length ?? 0;
      const evidence = `it was issued ${duration(now - issuedAt)} ago, tbot replaces each after ${duration(renewalInterval * 1000)}, and it expires in ${duration(expiresAt - now)}; on its node ${nodeOf(pod)} ${counted(others, "other")} ${others === 1 ? "is" : "are"} fresh`;
      const onNode = breaksOn.get(nodeOf(pod));
      const breaks = onNode?.ok ? onNode.value.filter((at) => at > issuedAt) : [];
      // A break within the last interval has started the renewal timer anew.
      if (breaks.some((at) => (now - at) / 1000 < renewalInterval + RECONNECTED)) {
        const cut = `tbot's connection to Teleport broke ${counted(breaks.length, "time")} since, and each break postpones the renewal by an interval`;
        return problem(nameOf(pod), `${evidence}; ${cut}`, BROKEN_CONNECTION_HINT);
      }
      return problem(nameOf(pod), evidence, RENEWAL_HINT);
    });
    const last = all.reduce((newest, { issuedAt }) => Math.max(newest, issuedAt), Number.NEGATIVE_INFINITY);
    const examined = `${counted(all.length, "certificate")}, the last rotation ${duration(now - last)} ago`;
    return looked(all.length, "certificate", findings, examined);
  },
};

/** Envoy waits up to 30 s before it tries again to reach an SDS server that was away; in seconds, with a little more. */
const RECONNECTED = 35;

const proxyStream: Check = {
  id: "proxy-stream",
  restsOn: "proxy-certificate",
  step: "renewal",
  title: "Each proxy has the stream to tbot over which its next certificate comes",
  run(facts) {
    const now = known(facts.takenAt);
    const certified = facts.certifiedPods();
    const all = certified.filter(({ secrets }) => secrets.tbot !== undefined);
    if (all.length === 0 && certified.length > 0)
      return { skipped: "no Envoy has a cluster of the name that Istio gives tbot's socket" };
    const settled = all.filter(({ pod }) => {
      const tbot = facts.tbotOn(nodeOf(pod));
      // A tbot that is away is tbot-nodes' to tell; to one that has just come back proxies are on their way.
      return tbot?.ready && now - (tbot.readySince ?? 0) > RECONNECTED * 1000;
    });
    const refusals = new Map(facts.proxies.map((proxy) => [`${proxy.namespace}/${proxy.pod}`, proxy.refusal]));
    const findings = settled.flatMap(({ pod, secrets, expiresAt }): Finding[] => {
      if (secrets.tbot === undefined || secrets.tbot.streams > 0) return [];
      const until =
        expiresAt > now ? `its certificate expires in ${duration(expiresAt - now)}` : "its certificate has expired";
      if (secrets.tbot.connections > 0) {
        const { evidence, hint } = withRefusal(
          `tbot ends its stream each time, and ${until}`,
          `Teleport does not answer tbot on ${nodeOf(pod)}, or does not issue: see tbot-health and attestation.`,
          pod,
          refusals.get(nameOf(pod)),
        );
        return [problem(nameOf(pod), evidence, hint)];
      }
      const evidence = `it does not reach tbot's socket, though tbot is ready on its node, and ${until}: it holds a socket directory that was removed, perhaps made again since`;
      return [problem(nameOf(pod), evidence, "Restart the pod: it keeps the old directory as long as it runs.")];
    });
    return looked(
      settled.length,
      "proxy that has had time to connect",
      findings,
      `the proxies of ${counted(settled.length, "pod")}`,
    );
  },
};

/** Below this time to repair Teleport, in seconds, a night or a meeting is too long. */
const SHORT = 600;

/** Renewal intervals in a certificate's life: fewer are refused, and up to here an unlucky hour is enough (docs/decisions/0007). */
const FEWEST_INTERVALS = 3;
const ENOUGH_INTERVALS = 6;

const outageBudget: Check = {
  id: "outage-budget",
  step: "renewal",
  title: "Certificates last long enough to survive a Teleport outage",
  run(facts) {
    const { credentialLife = 0, renewalInterval = 0 } = facts.tbotSettings();
    const least = credentialLife - renewalInterval;
    const findings: Finding[] = [];
    const hint =
      "Raise tbot.credentialTTL, or lower tbot.renewalInterval; a stolen certificate stays valid just as long.";
    const proportion = `certificates live ${duration(credentialLife * 1000)} and are replaced every ${duration(renewalInterval * 1000)}`;
    const intervals = credentialLife / renewalInterval;
    if (intervals < FEWEST_INTERVALS) {
      const evidence = `${proportion}: ${Math.ceil(intervals)} breaks of tbot's connection to Teleport in a row let them expire`;
      findings.push(problem("tbot.yaml", evidence, hint));
    } else if (intervals < ENOUGH_INTERVALS) {
      const evidence = `${proportion}: ${Math.ceil(intervals)} breaks of tbot's connection to Teleport, each before an interval is over, let them expire`;
      findings.push(warning("tbot.yaml", evidence, "Lower tbot.renewalInterval to a sixth of tbot.credentialTTL."));
    } else if (least < SHORT) {
      findings.push(warning("tbot.yaml", `without Teleport, connections fail after ${duration(least * 1000)}`, hint));
    }
    const examined = `without Teleport the mesh continues for ${duration(least * 1000)} to ${duration(credentialLife * 1000)}`;
    return { examined, findings };
  },
};

function soonest(all: readonly CertifiedPod[], now: number): string {
  const live = all.map(({ expiresAt }) => expiresAt).filter((expiresAt) => expiresAt > now);
  return live.length === 0 ? "none is valid" : `the first expires in ${duration(Math.min(...live) - now)}`;
}

/** Milliseconds for people: "45 s", "40 min", "23 h". */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

export const RENEWAL_CHECKS: readonly Check[] = [certificateLife, certificateRotation, proxyStream, outageBudget];
