import { scopeText } from "../doctor/facts/injection-scope.ts";
import type { Facts } from "../doctor/facts/make-facts.ts";
import { labelOf, type MeshGraph } from "../graph/mesh-graph.ts";
import { EFFECT, narrowingText, portText } from "../graph/permissions.ts";
import type { Check, Exception } from "./document.ts";
import { orUndefined } from "./or-undefined.ts";

/** What is open on purpose, and what nobody has looked at: an auditor asks for each. */
export function exceptionsOf(facts: Facts, checks: readonly Check[], graph: MeshGraph | undefined): Exception[] {
  return [...scopeExceptions(facts), ...(graph === undefined ? [] : graphExceptions(graph)), ...meant(checks)];
}

function scopeExceptions(facts: Facts): Exception[] {
  const scope = facts.injectionScope();
  const outside = orUndefined(facts.podsOutOfScope) ?? 0;
  const { scope: namespaces = [] } = facts;
  return [
    ...(scope.kind === "mesh" && outside === 0
      ? []
      : [
          {
            subject: "the mesh",
            statement: `Only ${scopeText(scope)} get their identity from Teleport.`,
            evidence: `${outside} running pods of the mesh are outside of it (istio.injection.scope).`,
          },
        ]),
    ...(namespaces.length === 0
      ? []
      : [
          {
            subject: "this report",
            statement: `Only workloads of ${namespaces.join(", ")} were looked at.`,
            evidence: "It was made with --namespace.",
          },
        ]),
  ];
}

function graphExceptions({ applications, edges, clusterName }: MeshGraph): Exception[] {
  const modes = applications
    .filter(({ mode }) => mode === "dryRun" || mode === "off")
    .map(
      ({ name, namespace, mode }): Exception => ({
        subject: `namespace ${namespace}`,
        statement: `Callers are not held to the graph: ${EFFECT[mode]}.`,
        evidence: `The application ${name} has mode ${mode}.`,
      }),
    );
  const open = edges.flatMap(({ from, to, ports, ...narrowed }): Exception[] => {
    const narrowing = narrowingText(narrowed);
    const evidence = `Caller of ${labelOf(to)} on ${ports.map(portText).join(", ")}${narrowing === "" ? "" : `, ${narrowing}`}.`;
    if (from.kind === "anyone") {
      const statement = "Anyone may call it, also without an identity and in plaintext.";
      return [{ subject: labelOf(to), statement, evidence }];
    }
    if (from.kind !== "principal") return [];
    if (from.principal.endsWith("*")) {
      return [{ subject: labelOf(to), statement: `Every identity like ${from.principal} may call it.`, evidence }];
    }
    if (from.principal.startsWith(`${clusterName}/`)) return [];
    return [{ subject: labelOf(to), statement: `${from.principal} of another trust domain may call it.`, evidence }];
  });
  return [...modes, ...open];
}

/** Doctor warns where something works with a risk, as what the values turn off. */
function meant(checks: readonly Check[]): Exception[] {
  return checks.flatMap(({ id, findings }) =>
    findings
      .filter(({ status }) => status === "warning")
      .map(({ subject, evidence }) => ({ subject, statement: evidence, evidence: `Doctor's check ${id} warns.` })),
  );
}
