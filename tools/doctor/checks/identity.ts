import { counted } from "../../base/count.ts";
import { goDurationSeconds } from "../../base/durations.ts";
import { groupBy } from "../../base/group-by.ts";
import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import { PERMISSION_MISSING, POD_GONE } from "../../programs/kube-api/read.ts";
import { type RootUse, rootUses, spiffeIdIn } from "../facts/certificates.ts";
import { known } from "../facts/facts.ts";
import { nameOf, nodeOf } from "../facts/meshed-pods.ts";
import type { Pod } from "../facts/objects.ts";
import { stoppedProxy } from "../facts/stopped-proxy.ts";
import { type Check, type Finding, looked, problem, unknown, warning } from "./check.ts";
import { proxyStart } from "./proxy-start.ts";
import { withRefusal } from "./refusal.ts";

const RENDER_ISTIO = "Install istiod with the values that `istio-teleport render istio -f values.yaml` prints.";

const trustDomain: Check = {
  id: "trust-domain",
  step: "identity",
  title: "The trust domain of each istiod is the Teleport cluster's name",
  run(facts) {
    if (known(facts.istiods).length === 0) {
      const evidence = "there is no Deployment of istiod (label app=istiod)";
      return { examined: "no istiod", findings: [problem("the cluster", evidence, RENDER_ISTIO)] };
    }
    const name = facts.clusterName();
    const all = facts.ownRevisions();
    const findings = all.flatMap((revision): Finding[] => {
      const own = revision.mesh.trustDomain ?? "cluster.local";
      if (own === name) return [];
      const evidence = `its trust domain is ${own}, and Teleport issues spiffe://${name}/…: peers refuse each other`;
      return [problem(`istiod ${revision.name}`, evidence, `${RENDER_ISTIO} Then restart the meshed pods.`)];
    });
    return { examined: `${counted(all.length, "revision")}, ${name}`, findings };
  },
};

/** A certificate that lives this long, in seconds, has expired before a proxy could use it. */
const UNUSABLE = 1;

const istiodCa: Check = {
  id: "istiod-ca",
  step: "identity",
  title: "istiod's own CA signs nothing usable (fail-closed layer b)",
  run(facts) {
    const all = facts.ownRevisions();
    const isPart = facts.injectionScope().kind !== "mesh";
    const findings = all.flatMap(({ name, deployment }): Finding[] => {
      const env = deployment.spec.template.spec.containers.flatMap((container) => container.env ?? []);
      const usable = ["DEFAULT_WORKLOAD_CERT_TTL", "MAX_WORKLOAD_CERT_TTL"].filter((variable) => {
        const life = goDurationSeconds(env.find((entry) => entry.name === variable)?.value ?? "");
        return life === undefined || life > UNUSABLE;
      });
      if (usable.length === 0) return [];
      // Pods out of scope need istiod's certificates.
      const isMeant = isPart || facts.intended?.istio.blockIstiodCertificates === false;
      const evidence = `it does not set ${usable.join(" and ")} to 1ms: one annotation gives a pod istiod's certificate for a Teleport identity`;
      const hint = `Set istio.blockIstiodCertificates: true (its default). ${RENDER_ISTIO}`;
      return [(isMeant ? warning : problem)(`istiod ${name}`, evidence, hint)];
    });
    return looked(all.length, "revision", findings);
  },
};

const GRANT_PORTFORWARD = "Grant get and create on pods/portforward in this namespace.";

const REACH_PROXY = "Check that the pod runs and that `kubectl logs` works for it (same kubelet path), then rerun.";

const REACH_NODE = "Check that `kubectl logs` works for these pods (same kubelet path), then rerun.";

const ISSUES_NOTHING =
  "See tbot-nodes and attestation; if both are ok, compare role, bot and workload identity with `istio-teleport render teleport`.";

const proxyCertificate: Check = {
  id: "proxy-certificate",
  restsOn: "proxy-start",
  step: "identity",
  title: "Each proxy holds a certificate and uses the one it was given",
  run(facts) {
    const pods = facts.meshedPods();
    const byName = new Map(facts.proxies.map((proxy) => [`${proxy.namespace}/${proxy.pod}`, proxy]));
    const silent: SilentProxy[] = [];
    const findings = pods.flatMap((pod): Finding[] => {
      const { secrets: read, refusal } = byName.get(nameOf(pod)) ?? {};
      if (read === undefined || !read.ok) {
        // proxy-start speaks of it.
        if (stoppedProxy(pod, read) !== undefined) return [];
        const reason = read?.reason ?? "its proxy was not asked";
        if (reason !== POD_GONE) silent.push({ pod, reason });
        return [];
      }
      const { chain, roots, serialsInUse } = read.value;
      if (chain[0] === undefined || roots.length === 0) {
        const missing = chain[0] === undefined ? "its certificate (default)" : "the roots (ROOTCA)";
        const { evidence, hint } = withRefusal(`Envoy waits for ${missing}`, ISSUES_NOTHING, pod, refusal);
        return [problem(nameOf(pod), evidence, hint)];
      }
      const serial = facts.certificate(chain[0]).serialNumber.toLowerCase();
      if (serialsInUse.length === 0 || serialsInUse.includes(serial)) return [];
      const evidence = `Envoy was given the certificate ${serial} and still uses ${serialsInUse.join(", ")}`;
      return [problem(nameOf(pod), evidence, "Restart the pod, and report it with `pilot-agent request GET certs`.")];
    });
    const examined =
      silent.length === 0
        ? `the proxies of ${counted(pods.length, "pod")}`
        : `${pods.length - silent.length} of the proxies of ${counted(pods.length, "pod")} answered`;
    return looked(pods.length, "meshed pod", [...findings, ...unreached(silent)], examined);
  },
};

/** A proxy that could not be asked, and why. */
interface SilentProxy {
  pod: Pod;
  reason: string;
}

/** One finding for all that have the cause in common: the permission of a namespace, or the way to a node. */
function unreached(silent: readonly SilentProxy[]): Finding[] {
  const isForbidden = ({ reason }: SilentProxy) => reason.startsWith(PERMISSION_MISSING);
  const forbidden = groupBy(silent.filter(isForbidden), ({ pod }) => `namespace ${pod.metadata.namespace}`);
  const lost = groupBy(
    silent.filter((proxy) => !isForbidden(proxy)),
    ({ pod }) => `node ${nodeOf(pod)}`,
  );
  return [...forbidden, ...lost].map(([place, proxies]) => {
    const [first, ...others] = proxies as [SilentProxy, ...SilentProxy[]];
    if (others.length === 0) {
      return unknown(nameOf(first.pod), first.reason, isForbidden(first) ? GRANT_PORTFORWARD : REACH_PROXY);
    }
    const evidence = `${proxies.length} proxies could not be asked (${listed(proxies)}): ${first.reason}`;
    return unknown(place, evidence, isForbidden(first) ? GRANT_PORTFORWARD : REACH_NODE);
  });
}

const proxyIssuer: Check = {
  id: "proxy-issuer",
  restsOn: "proxy-certificate",
  step: "identity",
  title: "Each certificate was issued by Teleport, none by istiod",
  run(facts) {
    const all = facts.certifiedPods();
    const findings = all.flatMap(({ pod, issuer, leaf }): Finding[] => {
      if (issuer === "teleport") return [];
      if (issuer === "istiod") {
        const evidence = "it was signed by istiod's CA";
        return [problem(nameOf(pod), evidence, "See proxy-mount, opted-out and istiod-ca, then restart the pod.")];
      }
      const signer = leaf.issuer.replaceAll("\n", ", ") || "nobody that has a name";
      const evidence = `it was signed by ${signer}, which is neither Teleport's authority nor istiod's: something else serves the socket`;
      return [
        problem(nameOf(pod), evidence, "See socket-writers; remove the other issuer from the directory, restart tbot."),
      ];
    });
    return looked(all.length, "certificate", findings);
  },
};

const proxyIdentity: Check = {
  id: "proxy-identity",
  restsOn: "proxy-certificate",
  step: "identity",
  title: "Each certificate names its own namespace and service account",
  run(facts) {
    const name = facts.clusterName();
    const all = facts.certifiedPods();
    const findings = all.flatMap(({ pod, leaf }): Finding[] => {
      const account = pod.spec.serviceAccountName ?? "default";
      const expected = spiffeId(principalOf(name, pod.metadata.namespace, account));
      const own = spiffeIdIn(leaf);
      if (own === expected) return [];
      const evidence = `it is ${own || "without a SPIFFE ID"}, and Istio expects ${expected}`;
      const hint =
        "Compare spec.spiffe.id of the workload identity with `istio-teleport render teleport`; where it is another pod's, restart the pod and look at socket-writers.";
      return [problem(nameOf(pod), evidence, hint)];
    });
    return looked(all.length, "certificate", findings);
  },
};

/** Teleport's authorities live for ten years; one that is about to end must be rotated before, in seconds. */
const ROOT_LEFT = 30 * 24 * 3600;

const trustRoots: Check = {
  id: "trust-roots",
  restsOn: "proxy-certificate",
  step: "identity",
  title: "Every proxy trusts the roots that are in use",
  run(facts) {
    const all = facts.certifiedPods();
    const roots = rootUses(all, facts.certificate);
    const findings: Finding[] = [];
    for (const { fingerprint, root, users, trusters } of roots) {
      const trusting = new Set(trusters);
      const blind = all.filter((certified) => !trusting.has(certified));
      if (users.length > 0 && blind.length > 0) {
        const evidence = `${counted(blind.length, "pod")} ${blind.length === 1 ? "does" : "do"} not trust it (${listed(blind)}), and ${presented(users.length)} of it: they refuse each other`;
        const hint =
          "During a rotation wait for tbot to send the new bundle; otherwise restart these pods. Then look again.";
        findings.push(problem(`root ${fingerprint}`, evidence, hint));
      }
      const left = (Date.parse(root.validTo) - known(facts.takenAt)) / 1000;
      if (users.length > 0 && left < ROOT_LEFT) {
        const evidence = `it ${left < 0 ? "expired" : "expires"} on ${new Date(root.validTo).toISOString()}`;
        findings.push(
          warning(`root ${fingerprint}`, evidence, "Rotate Teleport's SPIFFE CA: `tctl auth rotate --type=spiffe`."),
        );
      }
    }
    return looked(roots.length, "certificate", findings, seenRoots(roots, all.length));
  },
};

function presented(pods: number): string {
  return pods === 1 ? "1 pod presents a certificate" : `${pods} pods present certificates`;
}

/** "1 root in 12 sidecars: 0f… used by 12, trusted by 12"; what each sidecar uses and trusts is in --format json. */
function seenRoots(roots: readonly RootUse[], pods: number): string {
  const uses = roots.map(
    ({ fingerprint, users, trusters }) => `${fingerprint} used by ${users.length}, trusted by ${trusters.length}`,
  );
  return `${counted(roots.length, "root")} in ${counted(pods, "sidecar")}: ${uses.join("; ")}`;
}

function listed(pods: readonly { pod: Pod }[]): string {
  const names = pods.slice(0, 3).map(({ pod }) => nameOf(pod));
  return `${names.join(", ")}${pods.length > names.length ? ", …" : ""}`;
}

export const IDENTITY_CHECKS: readonly Check[] = [
  trustDomain,
  istiodCa,
  proxyStart,
  proxyCertificate,
  proxyIssuer,
  proxyIdentity,
  trustRoots,
];
