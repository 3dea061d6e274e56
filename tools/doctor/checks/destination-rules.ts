import { counted } from "../../base/count.ts";
import { trustDomainOf } from "../facts/certificates.ts";
import { known } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { DestinationRule } from "../facts/objects.ts";
import { type Check, type Finding, looked, problem, warning } from "./check.ts";

/** What each mode but ISTIO_MUTUAL makes of a call to a workload of the mesh. */
const WITHOUT_IDENTITY: Readonly<Record<string, string>> = {
  DISABLE: "callers send plaintext, which STRICT refuses with 503 and PERMISSIVE lets in without an identity",
  SIMPLE: "callers present no certificate, so that no server of the mesh takes them (503)",
  MUTUAL: "callers present a certificate of their own files in place of Teleport's",
};

export const destinationRules: Check = {
  id: "destination-rules",
  step: "policy",
  title: "No DestinationRule breaks or bypasses mutual TLS inside the mesh",
  run(facts) {
    const namespaces = new Set(facts.meshedNamespaces().map(({ metadata }) => metadata.name));
    const heeded = heededNamespaces(facts, namespaces);
    const rules = known(facts.destinationRules).filter(
      (rule) => heeded.has(rule.metadata.namespace) && isMeshHost(rule, namespaces),
    );
    // Also what leaving.md and migration.md have people do for a while.
    const isMeant = facts.intended?.mesh.mtls.mode === "PERMISSIVE";
    const findings = rules.flatMap((rule) =>
      settingsOf(rule).flatMap(({ where, mode, subjectAltNames }): Finding[] => {
        const subject = `DestinationRule ${nameOf(rule)}`;
        const effect = WITHOUT_IDENTITY[mode];
        if (effect !== undefined) {
          const evidence = `${where}tls.mode ${mode} for ${rule.spec?.host}: ${effect}`;
          return [(isMeant ? warning : problem)(subject, evidence, REMOVE)];
        }
        const foreign = foreignNames(facts, subjectAltNames);
        if (foreign.length === 0) return [];
        const evidence = `${where}tls.subjectAltNames for ${rule.spec?.host} names ${foreign.join(", ")}, and nobody of the trust domain ${facts.clusterName()}: callers refuse every server (503)`;
        return [problem(subject, evidence, `Remove subjectAltNames, or name ${facts.clusterName()} in them.`)];
      }),
    );
    const noun = "DestinationRule for a host of the mesh";
    return looked(rules.length, noun, findings, `${counted(rules.length, "DestinationRule")} for hosts of the mesh`);
  },
};

const REMOVE = "Remove the tls settings: Istio's automatic mutual TLS then uses Teleport's certificates.";

/**
 * Where Istio looks for rules: in the caller's namespace, that of the Service and the root namespace. In any other one a
 * rule has no effect, and whoever owns that must not be able to raise an alarm.
 */
function heededNamespaces(facts: Facts, meshed: ReadonlySet<string>): ReadonlySet<string> {
  // A gateway's namespace need not be injected: its pod may ask for it.
  const ofCallers = facts.meshedPods().map(({ metadata }) => metadata.namespace);
  const roots = facts.revisions().map(({ mesh }) => mesh.rootNamespace ?? "istio-system");
  return new Set([...meshed, ...ofCallers, ...roots]);
}

const WHOLE_CLUSTER = ["*", "*.local", "*.cluster.local", "*.svc.cluster.local"];

/**
 * Whether a rule is for Services of meshed namespaces. Istio completes a host without a dot by the rule's namespace; a
 * wildcard may cover any. Hosts outside the cluster have TLS of their own.
 */
function isMeshHost({ metadata, spec }: DestinationRule, namespaces: ReadonlySet<string>): boolean {
  const host = spec?.host ?? "";
  if (WHOLE_CLUSTER.includes(host)) return namespaces.size > 0;
  if (!host.includes(".")) return namespaces.has(metadata.namespace);
  const [, namespace] = /([^.]+)\.svc(?:\.|$)/.exec(host) ?? [];
  // `*.svc.example.org` is every namespace of a cluster with another domain.
  return namespace === "*" ? namespaces.size > 0 : namespace !== undefined && namespaces.has(namespace);
}

interface Setting {
  /** Path to it in the rule, before `tls`. */
  where: string;
  mode: string;
  subjectAltNames: readonly string[];
}

function settingsOf({ spec }: DestinationRule): Setting[] {
  const policies = [
    { where: "", policy: spec?.trafficPolicy },
    ...(spec?.subsets ?? []).map(({ name, trafficPolicy }) => ({ where: `subset ${name}: `, policy: trafficPolicy })),
  ];
  return policies.flatMap(({ where, policy }) => {
    const ports = policy?.portLevelSettings ?? [];
    const all = [
      { where, tls: policy?.tls },
      ...ports.map(({ port, tls }) => ({ where: `${where}port ${port?.number}: `, tls })),
    ];
    return all.flatMap(({ where: place, tls }): Setting[] =>
      // Without a mode Istio takes DISABLE.
      tls === undefined
        ? []
        : [{ where: place, mode: tls.mode ?? "DISABLE", subjectAltNames: tls.subjectAltNames ?? [] }],
    );
  });
}

/** Names of which none is of this trust domain: one that is suffices. */
function foreignNames(facts: Facts, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const aliases = facts.revisions().flatMap(({ mesh }) => mesh.trustDomainAliases ?? []);
  const local = [facts.clusterName(), ...aliases];
  return names.some((name) => local.includes(trustDomainOf(name))) ? [] : names;
}
