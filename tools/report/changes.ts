import { diffGraphs } from "../graph/diff.ts";
import { graphFromJson } from "../graph/graph-from-json.ts";
import { labelOf, type MeshGraph } from "../graph/mesh-graph.ts";
import { narrowingText, type Permission, portText } from "../graph/permissions.ts";
import type { Change, ReportDocument } from "./document.ts";

type Changes = NonNullable<ReportDocument["changes"]>;

/** What differs between two reports. Times, serial numbers and pods' names are no difference: they change by themselves. */
export function changesSince(before: ReportDocument, now: ReportDocument): Changes {
  return {
    since: before.takenAt,
    identities: differences(identityStates(before), identityStates(now)),
    permissions: permissionChanges(before, now),
    findings: differences(findingStates(before), findingStates(now)),
    layers: differences(layerStates(before), layerStates(now)),
    versions: differences(versionStates(before), versionStates(now)),
  };
}

/** What there is by its name, and in which state it is. */
type States = ReadonlyMap<string, string>;

function differences(before: States, now: States): Change[] {
  const names = [...new Set([...before.keys(), ...now.keys()])].toSorted();
  return names.flatMap((what): Change[] => {
    const [old, current] = [before.get(what), now.get(what)];
    if (old === current) return [];
    if (old === undefined) return [{ kind: "added", what, detail: current ?? "" }];
    if (current === undefined) return [{ kind: "removed", what, detail: old }];
    return [{ kind: "changed", what, detail: `${old} → ${current}` }];
  });
}

function identityStates({ identities }: ReportDocument): States {
  const states = new Map<string, string>();
  for (const { id, issuer, namespace, serviceAccount } of identities) {
    const what = `${namespace}/${serviceAccount}`;
    const state = `${id || "no SPIFFE ID"}, issuer ${issuer}`;
    const other = states.get(what);
    states.set(what, other === undefined ? state : `${other}; ${state}`);
  }
  return states;
}

function findingStates({ checks }: ReportDocument): States {
  return new Map(
    checks.flatMap(({ id, findings }) =>
      findings.map(({ status, subject, evidence }) => [`${id}: ${subject}`, `${status}: ${evidence}`] as const),
    ),
  );
}

function layerStates({ layers }: ReportDocument): States {
  return new Map(layers.map(({ id, title, status }) => [`layer ${id}: ${title}`, status]));
}

function versionStates({ versions }: ReportDocument): States {
  const states = new Map<string, string>();
  for (const { component, version } of versions) {
    const text = version ?? "not known";
    const other = states.get(component);
    states.set(component, other === undefined ? text : `${other}, ${text}`);
  }
  return states;
}

function permissionChanges(before: ReportDocument, now: ReportDocument): Change[] {
  if (before.graph === null || now.graph === null) {
    if (before.graph === now.graph) return [];
    const isNew = before.graph === null;
    return [{ kind: isNew ? "added" : "removed", what: "the graph", detail: (isNew ? now : before).graphSource }];
  }
  const [old, current] = [graphFromJson(before.graph, "the other report"), graphFromJson(now.graph, "the report")];
  return graphChanges(old, current);
}

function graphChanges(before: MeshGraph, now: MeshGraph): Change[] {
  const { trustDomain, modes, gained, lost } = diffGraphs(before, now);
  return [
    ...(trustDomain === undefined
      ? []
      : [changed("the trust domain of every principal", `${trustDomain.before} → ${trustDomain.after}`)]),
    ...modes.map(({ namespace, before: old = "new", after = "removed" }) =>
      changed(`mode of the namespace ${namespace}`, `${old} → ${after}`),
    ),
    ...gained.map(({ permission }): Change => ({ kind: "added", ...permissionText(permission) })),
    ...lost.map(({ permission }): Change => ({ kind: "removed", ...permissionText(permission) })),
  ];
}

function changed(what: string, detail: string): Change {
  return { kind: "changed", what, detail };
}

function permissionText(permission: Permission): Pick<Change, "what" | "detail"> {
  const { from, to, port } = permission;
  const narrowing = narrowingText(permission);
  return {
    what: `${from.label} → ${labelOf(to)}`,
    detail: `${portText(port)}${narrowing === "" ? "" : `, ${narrowing}`}`,
  };
}
