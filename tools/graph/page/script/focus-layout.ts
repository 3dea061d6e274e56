import type { Point, Size } from "../../views/layout.ts";
import { nodeSize } from "../../views/node-size.ts";
import type { PageNode } from "../graph-data.ts";
import type { Model, Visible } from "./model.ts";

/** Pixels between columns, between the nodes of a column, and around everything. */
const COLUMN_GAP = 110;
const ROW_GAP = 14;
const MARGIN = 24;
const MORE_SIZE: Size = { width: 110, height: 30 };

/** A node at its place: `x` and `y` are its centre. */
export interface PlacedNode extends Point, Size {
  node: number;
  /** Distance from the centre. */
  column: number;
  lines: [string, ...string[]];
}

/** The nodes that a column leaves out. */
export interface More extends Point, Size {
  count: number;
}

export interface PlacedEdge {
  edge: number;
  /** Path data of SVG. */
  d: string;
  /** Where its label goes. */
  middle: Point;
  /** Neither to nor from the next column: it would cross what stands between. */
  isAside: boolean;
}

export interface Placed extends Size {
  nodes: PlacedNode[];
  more: More[];
  edges: PlacedEdge[];
}

/**
 * Callers in columns to the left, what is called to the right, each node near those that it is connected with. Takes time
 * in proportion to what is shown and its edges, not to the graph.
 *
 * @param perColumn how many nodes of a column are shown
 */
export function focusLayout(
  model: Model,
  visible: Visible,
  distances: ReadonlyMap<number, number>,
  perColumn: number,
): Placed {
  const columns = columnsOf(distances);
  const ranks = new Map<number, number>();
  const order = [...columns.keys()].toSorted((a, b) => Math.abs(a) - Math.abs(b));
  for (const column of order) {
    const nodes = sorted(model, visible, columns.get(column) ?? [], ranks);
    columns.set(column, nodes);
    nodes.forEach((node, index) => {
      ranks.set(node, index / nodes.length);
    });
  }
  const stacks = [...columns.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([column, nodes]) => stack(model, column, nodes, perColumn));
  return place(model, visible, stacks);
}

/** The services of one application in a grid, without arrows. */
export function gridLayout(model: Model, nodes: readonly number[], shown: number, width: number): Placed {
  const items = nodes.slice(0, shown).map((node) => sized(model.nodes[node], node, 0));
  const widest = Math.max(MORE_SIZE.width, ...items.map((item) => item.width));
  const tallest = Math.max(MORE_SIZE.height, ...items.map((item) => item.height));
  const across = Math.max(1, Math.floor((width - 2 * MARGIN + ROW_GAP) / (widest + ROW_GAP)));
  const left = nodes.length - items.length;
  const at = (index: number): Point => ({
    x: MARGIN + (index % across) * (widest + ROW_GAP) + widest / 2,
    y: MARGIN + Math.floor(index / across) * (tallest + ROW_GAP) + tallest / 2,
  });
  const cells = items.length + (left > 0 ? 1 : 0);
  return {
    width: 2 * MARGIN + Math.min(across, cells) * (widest + ROW_GAP) - ROW_GAP,
    height: 2 * MARGIN + Math.ceil(cells / across) * (tallest + ROW_GAP) - ROW_GAP,
    nodes: items.map((item, index) => ({ ...item, ...at(index) })),
    more: left > 0 ? [{ ...MORE_SIZE, ...at(items.length), count: left }] : [],
    edges: [],
  };
}

function columnsOf(distances: ReadonlyMap<number, number>): Map<number, number[]> {
  const columns = new Map<number, number[]>();
  for (const [node, distance] of distances) {
    const column = columns.get(distance);
    if (column === undefined) columns.set(distance, [node]);
    else column.push(node);
  }
  return columns;
}

/** By the mean place of the neighbours that have one, then by name. */
function sorted(
  model: Model,
  visible: Visible,
  nodes: readonly number[],
  ranks: ReadonlyMap<number, number>,
): number[] {
  const mean = (node: number) => {
    const others = [
      ...(model.incoming[node] ?? []).map((edge) => [edge, model.edges[edge]?.[0]] as const),
      ...(model.outgoing[node] ?? []).map((edge) => [edge, model.edges[edge]?.[1]] as const),
    ];
    const known = others.flatMap(([edge, other]) =>
      visible.edges[edge] === true && other !== undefined && other !== node ? (ranks.get(other) ?? []) : [],
    );
    return known.length === 0 ? 0.5 : known.reduce((sum, rank) => sum + rank, 0) / known.length;
  };
  const keyed = nodes.map((node) => ({ node, mean: mean(node), label: model.nodes[node]?.label ?? "" }));
  return keyed
    .toSorted((a, b) => a.mean - b.mean || (a.label < b.label ? -1 : Number(a.label > b.label)))
    .map(({ node }) => node);
}

type Sized = Omit<PlacedNode, "x" | "y">;

interface Stack extends Size {
  items: Sized[];
  left: number;
}

function stack(model: Model, column: number, nodes: readonly number[], perColumn: number): Stack {
  // One more box would say no less than "1 more".
  const shown = nodes.length <= perColumn + 1 ? nodes : nodes.slice(0, perColumn);
  const items = shown.map((node) => sized(model.nodes[node], node, column));
  const left = nodes.length - shown.length;
  const boxes: Size[] = left > 0 ? [...items, MORE_SIZE] : items;
  return {
    items,
    left,
    width: Math.max(...boxes.map(({ width }) => width)),
    height: boxes.reduce((sum, { height }) => sum + height + ROW_GAP, -ROW_GAP),
  };
}

function sized(data: PageNode | undefined, node: number, column: number): Sized {
  const [name = "", ...details] = data === undefined ? [] : [data.name, ...shownDetails(data, column)];
  const lines: [string, ...string[]] = [name, ...details];
  return { node, column, lines, ...nodeSize({ kind: data?.kind ?? "service", lines }) };
}

/** In the centre everything; around it the application, which tells services of one name apart. */
function shownDetails({ label, name, details, application }: PageNode, column: number): string[] {
  const own = application === undefined ? [] : [label.slice(0, -name.length - 1)];
  return column === 0 ? [...own, ...details] : own;
}

function place(model: Model, visible: Visible, stacks: readonly Stack[]): Placed {
  const height = Math.max(...stacks.map((column) => column.height)) + 2 * MARGIN;
  const nodes: PlacedNode[] = [];
  const more: More[] = [];
  let x = MARGIN;
  for (const { items, left, width, height: own } of stacks) {
    let y = (height - own) / 2;
    for (const item of items) {
      nodes.push({ ...item, x: x + width / 2, y: y + item.height / 2 });
      y += item.height + ROW_GAP;
    }
    if (left > 0) more.push({ ...MORE_SIZE, x: x + width / 2, y: y + MORE_SIZE.height / 2, count: left });
    x += width + COLUMN_GAP;
  }
  return { width: x - COLUMN_GAP + MARGIN, height, nodes, more, edges: edgesBetween(model, visible, nodes) };
}

function edgesBetween(model: Model, visible: Visible, nodes: readonly PlacedNode[]): PlacedEdge[] {
  const byNode = new Map(nodes.map((placed) => [placed.node, placed]));
  return nodes.flatMap((from) =>
    (model.outgoing[from.node] ?? []).flatMap((edge) => {
      const to = byNode.get(model.edges[edge]?.[1] ?? -1);
      if (to === undefined || visible.edges[edge] !== true) return [];
      return [{ edge, isAside: to.column - from.column !== 1, ...curve(from, to) }];
    }),
  );
}

/** From the side of the caller that faces the called one; around the right side within a column. */
function curve(from: PlacedNode, to: PlacedNode): Pick<PlacedEdge, "d" | "middle"> {
  const sign = Math.sign(to.column - from.column);
  const start = { x: from.x + ((sign < 0 ? -1 : 1) * from.width) / 2, y: from.y };
  const end = { x: to.x + ((sign > 0 ? -1 : 1) * to.width) / 2, y: to.y };
  if (sign === 0) {
    // A call to itself leaves above its middle and comes back below it.
    const apart = from.node === to.node ? 8 : 0;
    const out = Math.max(start.x, end.x) + COLUMN_GAP / 3;
    return {
      d: `M${start.x} ${start.y - apart}C${out} ${start.y - apart} ${out} ${end.y + apart} ${end.x} ${end.y + apart}`,
      middle: { x: out - COLUMN_GAP / 12, y: (start.y + end.y) / 2 },
    };
  }
  const bend = (end.x - start.x) / 2;
  return {
    d: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`,
    middle: { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 },
  };
}
