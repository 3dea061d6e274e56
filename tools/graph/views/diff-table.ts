import { alignColumns } from "../../terminal/columns.ts";
import { type GraphDiff, isDifferent, type ModeChange, type PermissionChange } from "../diff.ts";
import { labelOf, type MeshGraph } from "../mesh-graph.ts";
import { EFFECT, narrowingText, type Permission } from "../permissions.ts";
import { PERMISSION_HEAD, permissionCells } from "./table.ts";

/**
 * The difference of two graphs as text: modes first, because they decide what the rest comes to, then one line for each
 * permission gained or lost.
 *
 * @param after the second of the two graphs
 */
export function diffTable(diff: GraphDiff, after: MeshGraph): string {
  if (!isDifferent(diff)) return "No difference: the same calls pass.\n";
  const { trustDomain } = diff;
  const isAmbiguous = ambiguityOf(diff);
  const modeOf = new Map(after.applications.map(({ namespace, mode }) => [namespace, mode]));
  const row = (change: string, { permission, rest }: PermissionChange, restWord: string) => {
    const mode = modeOf.get(permission.to.namespace);
    const notes = [
      ...(rest.length > 0 ? [`${restWord} ${rest.map((part) => restText(part, permission)).join("; ")}`] : []),
      ...(isAmbiguous(permission) ? [identityText(permission)] : []),
      ...(mode === undefined || mode === "enforce" ? [] : [`in mode ${mode}`]),
    ];
    const { from, to } = permission;
    return [change, from.label, "→", labelOf(to), ...permissionCells(permission), notes.join("; ")];
  };
  const rows = [
    ...diff.gained.map((change) => row("gained", change, "had")),
    ...diff.lost.map((change) => row("lost", change, "keeps")),
  ];
  const blocks = [
    trustDomain === undefined
      ? []
      : [`trust domain: ${trustDomain.before} → ${trustDomain.after}: every principal is another one`],
    diff.modes.map(modeText),
    rows.length === 0 ? [] : alignColumns([["CHANGE", "SOURCE", "", "DESTINATION", ...PERMISSION_HEAD, ""], ...rows]),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

function modeText({ namespace, application, before, after }: ModeChange): string {
  return `namespace ${namespace} (${application}): ${before ?? "new"} → ${after ?? "removed"}: ${EFFECT[after ?? "off"]}`;
}

/** What differs between a part of a permission and the whole. */
function restText(part: Permission, whole: Permission): string {
  const source = part.from.label === whole.from.label ? "" : part.from.label;
  return [source, narrowingText(part)].filter((text) => text !== "").join(" ");
}

/** Whether a permission stands among the gained and the lost by the same names: then it is the identities that differ. */
function ambiguityOf({ gained, lost }: GraphDiff): (permission: Permission) => boolean {
  const names = ({ from, to, port }: Permission) => `${from.label} ${labelOf(to)} ${port.port}`;
  const [first, second] = [gained, lost].map((changes) => new Set(changes.map(({ permission }) => names(permission))));
  return (permission) => first?.has(names(permission)) === true && second?.has(names(permission)) === true;
}

function identityText({ from, to }: Permission): string {
  const labels = Object.entries(to.labels).map(([key, value]) => `${key}=${value}`);
  return `${from.principal ?? "anyone"} → pods ${labels.join(",")} in ${to.namespace}`;
}
