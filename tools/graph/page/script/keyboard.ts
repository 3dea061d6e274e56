const ARROWS = new Map([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, -1]],
  ["ArrowDown", [0, 1]],
] as const);

/**
 * Lets the nodes of a picture be reached by keys: one stop of the Tab key for the picture, arrow keys from node to node,
 * Enter or the blank to choose.
 */
export function makeWalkable(svg: SVGElement): void {
  const nodes = [...svg.querySelectorAll<SVGGElement>("g.node")];
  nodes.forEach((node, index) => {
    node.setAttribute("role", "button");
    node.setAttribute("tabindex", index === 0 ? "0" : "-1");
  });
  const start = svg.querySelector<SVGGElement>("g.centre");
  if (start) take(nodes, start);
}

/** The answer to a key on a node. */
export function walk(svg: SVGElement, event: KeyboardEvent, choose: (node: SVGGElement) => void): void {
  const current = event.target instanceof Element ? event.target.closest<SVGGElement>("g.node") : null;
  if (current === null) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(current);
    return;
  }
  const direction = ARROWS.get(event.key as "ArrowUp");
  if (direction === undefined) return;
  event.preventDefault();
  const nodes = [...svg.querySelectorAll<SVGGElement>("g.node")];
  const next = nearest(current, nodes, direction);
  if (next === undefined) return;
  take(nodes, next);
  next.focus();
}

/** Makes a node the one that Tab comes to. */
function take(nodes: readonly SVGGElement[], node: SVGGElement): void {
  for (const other of nodes) other.setAttribute("tabindex", other === node ? "0" : "-1");
}

/** The nearest one in a direction; what is aside counts double. */
function nearest(
  from: SVGGElement,
  nodes: readonly SVGGElement[],
  [right, down]: readonly [number, number],
): SVGGElement | undefined {
  const start = centreOf(from);
  let best: { node: SVGGElement; cost: number } | undefined;
  for (const node of nodes) {
    const { x, y } = centreOf(node);
    const ahead = (x - start.x) * right + (y - start.y) * down;
    const aside = Math.abs((x - start.x) * down) + Math.abs((y - start.y) * right);
    const cost = ahead + 2 * aside;
    if (ahead > 1 && (best === undefined || cost < best.cost)) best = { node, cost };
  }
  return best?.node;
}

function centreOf(node: SVGGElement): { x: number; y: number } {
  const { x, y, width, height } = node.getBoundingClientRect();
  return { x: x + width / 2, y: y + height / 2 };
}
