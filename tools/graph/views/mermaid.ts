import { groupBy } from "../../base/group-by.ts";
import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import type { GraphApplication, GraphEdge, MeshGraph } from "../mesh-graph.ts";
import { EFFECT } from "../permissions.ts";
import { edgeLabel, type NodeKind, nodeId, type PictureNode, pictureNodes, serviceId } from "./picture-nodes.ts";

/**
 * The graph as a Mermaid flowchart, for Markdown in docs and pull requests: applications as boxes, services with ports
 * and service account, arrows from callers, labelled where they are narrowed and dotted where the mode of the called
 * application does not hold callers to them. Colours are the page's own, so that light and dark themes both can show it.
 */
export function mermaidChart(graph: MeshGraph): string {
  const nodes = pictureNodes(graph);
  const ids = new Map(nodes.map((node, index) => [node.id, mermaidId(node, index)]));
  const id = (node: string) => ids.get(node) ?? "";
  const byApplication = groupBy(nodes, ({ application }) => application);
  const enforced = new Set(graph.applications.filter(({ mode }) => mode === "enforce").map(({ name }) => name));
  const define = (node: PictureNode) => `${id(node.id)}${shape(node)}`;
  const lines = [
    "flowchart LR",
    "  accTitle: Who may call whom",
    `  accDescr: ${description(graph)}`,
    ...(byApplication.get(undefined) ?? []).map((node) => `  ${define(node)}`),
    ...graph.applications.flatMap((application) => [
      `  subgraph application.${idPart(application.name)}[${quoted(heading(application))}]`,
      ...(byApplication.get(application.name) ?? []).map((node) => `    ${define(node)}`),
      "  end",
    ]),
    ...graph.edges.map((edge) => `  ${id(nodeId(edge.from))} ${arrow(edge, enforced)} ${id(serviceId(edge.to))}`),
  ];
  return `${lines.join("\n")}\n`;
}

function description({ clusterName, applications }: MeshGraph): string {
  const modes = applications.map(({ name, mode }) => `${name} is in mode ${mode}, ${EFFECT[mode].replace(";", ",")}`);
  const identity = spiffeId(principalOf(clusterName, "NAMESPACE", "SERVICE-ACCOUNT"));
  return `Identities are ${identity}. ${modes.join(". ")}.`;
}

function heading({ name, namespace, mode }: GraphApplication): string {
  return `${name}: namespace ${namespace}, mode ${mode}`;
}

/** Ids are those of the values, so that one more service changes one line; a word of Mermaid (`end`) is none of them. */
function mermaidId({ kind, application, lines: [name] }: PictureNode, index: number): string {
  if (application !== undefined) return `service.${idPart(application)}.${idPart(name)}`;
  if (kind === "gateway") return `gateway.${idPart(name)}`;
  return kind === "anyone" ? kind : `${kind}.${index + 1}`;
}

/** A DNS label as part of an id: `--` would be a link. */
function idPart(name: string): string {
  return name.replaceAll("-", "_");
}

const BRACKETS: Readonly<Record<NodeKind, [string, string]>> = {
  service: ["[", "]"],
  entry: ["[[", "]]"],
  database: ["[(", ")]"],
  gateway: ["{{", "}}"],
  principal: ["([", "])"],
  anyone: ["((", "))"],
};

function shape({ kind, lines }: PictureNode): string {
  const [open, close] = BRACKETS[kind];
  return `${open}${quoted(...lines)}${close}`;
}

function arrow(edge: GraphEdge, enforced: ReadonlySet<string>): string {
  const line = enforced.has(edge.to.application) ? "-->" : "-.->";
  const label = edgeLabel(edge);
  return label === "" ? line : `${line}|${quoted(label)}|`;
}

/** Lines of text in quotes; Mermaid's entity codes stand for what it, Markdown or HTML would read as markup. */
function quoted(...lines: string[]): string {
  const escaped = lines.map((line) => line.replace(/[^\w .,/:→-]|_/gu, (character) => `#${character.codePointAt(0)};`));
  return `"${escaped.join("<br>")}"`;
}
