import { groupBy } from "../../base/group-by.ts";
import { principalOf } from "../../base/spiffe-id.ts";
import { known } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { isGateway, nameOf } from "../facts/meshed-pods.ts";
import type { AuthorizationPolicy, PeerAuthentication, Pod, PolicySource } from "../facts/objects.ts";
import { type Check, type Finding, looked, type Outcome, problem, warning } from "./check.ts";
import { destinationRules } from "./destination-rules.ts";

const strictMtls: Check = {
  id: "strict-mtls",
  step: "policy",
  title: "Every workload refuses plaintext (STRICT mutual TLS)",
  run(facts) {
    const policies = groupBy(known(facts.peerAuthentications), ({ metadata }) => metadata.namespace);
    const root = facts.revisions()[0]?.mesh.rootNamespace ?? "istio-system";
    const pods = facts.meshedPods().filter((pod) => !isGateway(pod));
    const gaps = new Map<string, { gap: Gap; pods: Pod[] }>();
    for (const pod of pods) {
      for (const gap of gapsOf(pod, policies, root)) {
        const entry = gaps.get(`${pod.metadata.namespace} ${gap.cause}`) ?? { gap, pods: [] };
        entry.pods.push(pod);
        gaps.set(`${pod.metadata.namespace} ${gap.cause}`, entry);
      }
    }
    const findings = [...gaps.values()].map(({ gap, pods: open }): Finding => {
      const names = open.slice(0, 3).map(nameOf).join(", ");
      const evidence = `${gap.cause}; plaintext is answered by ${names}${open.length > 3 ? ` and ${open.length - 3} more` : ""}`;
      // The chart makes such a gap only for what the values open to anyone.
      const isMeant = gap.isOurs || facts.intended?.mesh.mtls.mode === "PERMISSIVE";
      const hint = isMeant
        ? "Leave it if the values mean it: a caller `anyone`, or mesh.mtls.mode."
        : "Set the mode STRICT, in the root namespace (mesh.mtls.mode) or in that policy.";
      return (isMeant ? warning : problem)(`namespace ${open[0]?.metadata.namespace}`, evidence, hint);
    });
    return looked(pods.length, "workload pod", findings);
  },
};

interface Gap {
  cause: string;
  isOurs: boolean;
}

/**
 * Where the effective mode is not STRICT: of the oldest policy for the workload, else the namespace, else the mesh
 * (Istio pilot/pkg/model/authentication.go); a selector in the root namespace has no effect.
 */
function gapsOf(pod: Pod, policies: ReadonlyMap<string, PeerAuthentication[]>, root: string): Gap[] {
  const { namespace, labels = {} } = pod.metadata;
  const oldest = (candidates: PeerAuthentication[]) =>
    candidates.toSorted((a, b) => (created(a) < created(b) ? -1 : 1))[0];
  const plain = (where: string) => oldest((policies.get(where) ?? []).filter((policy) => !hasSelector(policy)));
  const own = oldest(
    (policies.get(namespace) ?? []).filter(
      (policy) =>
        namespace !== root &&
        hasSelector(policy) &&
        Object.entries(policy.spec?.selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value),
    ),
  );
  const chain = [own, plain(namespace), plain(root)].filter((policy) => policy !== undefined);
  const decides = chain.find((policy) => isSet(policy.spec?.mtls?.mode));
  const gaps: Gap[] = [];
  if (decides === undefined) {
    gaps.push({ cause: "no PeerAuthentication says STRICT, and the default is PERMISSIVE", isOurs: false });
  } else if (decides.spec?.mtls?.mode !== "STRICT") {
    gaps.push({ cause: `${described(decides)} has mode ${decides.spec?.mtls?.mode}`, isOurs: isOurs(decides) });
  }
  for (const [port, { mode }] of Object.entries(own?.spec?.portLevelMtls ?? {})) {
    if (own === undefined || !isSet(mode) || mode === "STRICT") continue;
    gaps.push({ cause: `${described(own)} has mode ${mode} on port ${port}`, isOurs: isOurs(own) });
  }
  return gaps;
}

function created({ metadata }: PeerAuthentication): string {
  return metadata.creationTimestamp ?? "";
}

function hasSelector({ spec }: PeerAuthentication): boolean {
  return Object.keys(spec?.selector?.matchLabels ?? {}).length > 0;
}

function isSet(mode: string | undefined): boolean {
  return mode !== undefined && mode !== "UNSET";
}

function described({ metadata }: PeerAuthentication): string {
  return `PeerAuthentication ${metadata.namespace}/${metadata.name}`;
}

function isOurs({ metadata }: PeerAuthentication): boolean {
  return metadata.labels?.["app.kubernetes.io/part-of"] === "istio-teleport";
}

/** `cluster.local` stands for the mesh's own trust domain (Istio pilot/pkg/security/trustdomain/bundle.go). */
const POINTER = "cluster.local";

const policyTrustDomain: Check = {
  id: "policy-trust-domain",
  step: "policy",
  title: "AuthorizationPolicies name principals of this trust domain",
  run(facts) {
    const policies = inScope(facts);
    const name = facts.clusterName();
    const aliases = facts.revisions().flatMap(({ mesh }) => mesh.trustDomainAliases ?? []);
    const local = [name, POINTER, ...aliases];
    const hint = `Write principals as ${principalOf(name, "<namespace>", "<service account>")}.`;
    const findings = policies.flatMap((policy): Finding[] => {
      const foreign = principalsOf(policy).filter((principal) => !isLocal(principal, local));
      return [...new Set(foreign)].map((principal) => {
        const evidence = principal.startsWith("spiffe://")
          ? `the principal ${principal} has spiffe:// before it and matches nobody`
          : `the principal ${principal} is of another trust domain than ${name}`;
        return problem(`AuthorizationPolicy ${nameOf(policy)}`, evidence, hint);
      });
    });
    const domains = policies.flatMap((policy): Finding[] =>
      sourcesOf(policy).flatMap(({ trustDomains = [] }) =>
        trustDomains
          .filter((domain) => !local.some((own) => matches(domain, own)))
          .map((domain) =>
            problem(`AuthorizationPolicy ${nameOf(policy)}`, `it names the trust domain ${domain}`, hint),
          ),
      ),
    );
    return policiesSeen(policies, [...findings, ...domains]);
  },
};

function isLocal(principal: string, local: readonly string[]): boolean {
  if (principal.startsWith("spiffe://")) return false;
  const parts = principal.split("/");
  // A pattern such as */sa/x, or x* cut within the trust domain, matches by text alone.
  if (parts.length !== 5) return principal.includes("*");
  return local.some((own) => matches(parts[0] ?? "", own));
}

/** Istio's text match: exact, `*` at one end. */
function matches(pattern: string, text: string): boolean {
  if (pattern === "*") return true;
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  return pattern.startsWith("*") ? text.endsWith(pattern.slice(1)) : pattern === text;
}

const policyServiceAccounts: Check = {
  id: "policy-service-accounts",
  step: "policy",
  title: "No AuthorizationPolicy lets a service account of any trust domain in",
  run(facts) {
    const policies = inScope(facts);
    const findings = policies.flatMap((policy): Finding[] => {
      // Where the source names principals or trust domains as well, these bind it.
      const unbound = sourcesOf(policy).filter(
        ({ serviceAccounts = [], principals, trustDomains }) =>
          serviceAccounts.length > 0 && !bindsTrustDomain(principals) && !bindsTrustDomain(trustDomains),
      );
      return unbound.map(({ serviceAccounts = [] }) => {
        const evidence = `serviceAccounts: ${serviceAccounts.join(", ")} matches these accounts in every trust domain that a proxy trusts`;
        return warning(
          `AuthorizationPolicy ${nameOf(policy)}`,
          evidence,
          "Name principals instead, or trustDomains too.",
        );
      });
    });
    return policiesSeen(policies, findings);
  },
};

/** Any of a list suffices, so that each must say a trust domain. */
function bindsTrustDomain(patterns: readonly string[] = []): boolean {
  return patterns.length > 0 && patterns.every((pattern) => !pattern.startsWith("*"));
}

const policyWildcards: Check = {
  id: "policy-wildcards",
  step: "policy",
  title: "No AuthorizationPolicy lets principals of any trust domain in",
  run(facts) {
    // A DENY policy with them refuses more than it needs to, and lets nobody in.
    const policies = inScope(facts);
    const findings = policies
      .filter(({ spec }) => (spec?.action ?? "ALLOW") === "ALLOW")
      .flatMap((policy): Finding[] => {
        const wild = [...new Set(allowedPrincipals(policy).filter((principal) => principal.startsWith("*")))];
        if (wild.length === 0) return [];
        const evidence = `the ${wild.length === 1 ? "principal" : "principals"} ${wild.join(", ")} ${wild.length === 1 ? "matches" : "match"} ${wild.includes("*") ? "everybody with a certificate" : "these accounts"} of every trust domain that a proxy trusts`;
        const hint = `Begin each with the trust domain, as in ${principalOf(trustDomainName(facts), "<namespace>", "<service account>")}, or add trustDomains.`;
        return [warning(`AuthorizationPolicy ${nameOf(policy)}`, evidence, hint)];
      });
    return policiesSeen(policies, findings);
  },
};

/** Principals that a policy lets in, of sources that trustDomains do not bind; of serviceAccounts their own check speaks. */
function allowedPrincipals(policy: AuthorizationPolicy): string[] {
  const sources = sourcesOf(policy).filter(
    ({ trustDomains, serviceAccounts = [] }) => !bindsTrustDomain(trustDomains) && serviceAccounts.length === 0,
  );
  const conditions = policy.spec?.rules?.flatMap(({ when }) => when ?? []) ?? [];
  return [
    ...sources.flatMap(({ principals = [] }) => principals),
    ...conditions.flatMap(({ key, values = [] }) => (key === "source.principal" ? values : [])),
  ];
}

/** For a hint: what it proposes need not be proven. */
function trustDomainName(facts: Facts): string {
  return facts.provenClusterName() ?? "<Teleport cluster>";
}

const policyPaths: Check = {
  id: "policy-paths",
  step: "policy",
  title: "No AuthorizationPolicy matches on paths that are left as the client wrote them",
  run(facts) {
    const policies = inScope(facts);
    const raw = facts.revisions().filter(({ mesh }) => mesh.pathNormalization?.normalization === "NONE");
    const findings = policies.flatMap((policy): Finding[] => {
      const operations = policy.spec?.rules?.flatMap(({ to }) => to?.map(({ operation }) => operation) ?? []) ?? [];
      const paths = operations.flatMap((operation) => [...(operation?.paths ?? []), ...(operation?.notPaths ?? [])]);
      if (raw.length === 0 || paths.length === 0) return [];
      const names = raw.map(({ name }) => name).join(", ");
      const evidence = `it matches on ${paths.join(", ")} while istiod ${names} has path normalization NONE: //admin or %2e%2e bypasses this rule`;
      const hint = "Set istio.pathNormalization: BASE or stricter and install istiod's values, or take the paths out.";
      return [problem(`AuthorizationPolicy ${nameOf(policy)}`, evidence, hint)];
    });
    return policiesSeen(policies, findings);
  },
};

function policiesSeen(policies: readonly AuthorizationPolicy[], findings: Finding[]): Outcome {
  const noun = "AuthorizationPolicy";
  return looked(
    policies.length,
    noun,
    findings,
    policies.length === 1 ? `1 ${noun}` : `${policies.length} AuthorizationPolicies`,
  );
}

function inScope(facts: Facts): AuthorizationPolicy[] {
  return known(facts.authorizationPolicies).filter(({ metadata }) => facts.scope?.includes(metadata.namespace) ?? true);
}

function sourcesOf({ spec }: AuthorizationPolicy): PolicySource[] {
  return spec?.rules?.flatMap(({ from }) => from?.flatMap(({ source }) => source ?? []) ?? []) ?? [];
}

function principalsOf(policy: AuthorizationPolicy): string[] {
  const conditions = policy.spec?.rules?.flatMap(({ when }) => when ?? []) ?? [];
  return [
    ...sourcesOf(policy).flatMap(({ principals = [], notPrincipals = [] }) => [...principals, ...notPrincipals]),
    ...conditions
      .filter(({ key }) => key === "source.principal")
      .flatMap(({ values = [], notValues = [] }) => [...values, ...notValues]),
  ];
}

export const POLICY_CHECKS: readonly Check[] = [
  strictMtls,
  destinationRules,
  policyTrustDomain,
  policyServiceAccounts,
  policyWildcards,
  policyPaths,
];
