import type { Model, Visible } from "./model.ts";

/** Fades in the picture of the whole graph what the filters leave out. */
export function fadePicture(picture: SVGSVGElement, visible: Visible): void {
  for (const node of picture.querySelectorAll<SVGGElement>("g.node")) {
    node.classList.toggle("faded", visible.nodes[Number(node.dataset.node)] !== true);
  }
  for (const edge of picture.querySelectorAll<SVGGElement>("g.edge")) {
    edge.classList.toggle("faded", visible.edges[Number(edge.dataset.edge)] !== true);
  }
}

/** The same where each application is one box. */
export function fadeApplications(picture: SVGSVGElement, model: Model, visible: Visible): void {
  const outside = firstApplication(model);
  const shown = new Set(
    model.nodes.flatMap(({ application }, index) => (visible.nodes[index] === true ? (application ?? []) : [])),
  );
  for (const node of picture.querySelectorAll<SVGGElement>("g.node")) {
    const index = Number(node.dataset.node);
    node.classList.toggle("faded", !(index < outside ? visible.nodes[index] : shown.has(index - outside)));
  }
}

/** Where the applications begin among the nodes of that picture: callers from outside come first. */
export function firstApplication({ nodes }: Model): number {
  const first = nodes.findIndex(({ application }) => application !== undefined);
  return first < 0 ? nodes.length : first;
}

/** Hides in the tables what the filters leave out, and tables that have nothing left. */
export function hideRows(section: Element, visible: Visible): void {
  for (const application of section.querySelectorAll<HTMLElement>(".application")) {
    let isEmpty = true;
    for (const row of application.querySelectorAll<HTMLElement>("tr[data-node]")) {
      row.hidden = visible.nodes[Number(row.dataset.node)] !== true;
      if (!row.hidden) isEmpty = false;
    }
    application.hidden = isEmpty;
  }
}
