import type { GraphData } from "../graph-data.ts";
import { canvasOf, roomIn } from "./canvas.ts";
import { drawing } from "./drawing.ts";
import { fadeApplications, fadePicture, firstApplication, hideRows } from "./fading.ts";
import { focusLayout, gridLayout } from "./focus-layout.ts";
import { makeWalkable, walk } from "./keyboard.ts";
import { type Filters, isFiltered, modelOf, NO_FILTERS, neighbourhood, visibleOf } from "./model.ts";
import { startSearch } from "./search.ts";
import { applicationSentence, focusSentence, wholeSentence } from "./sentences.ts";

/** Nodes of a column, and of a grid, before "more" is chosen. */
const PER_COLUMN = 30;
const IN_GRID = 120;

/** What the frame shows; `isAll`: also what "more" stands for. */
type View =
  | { kind: "whole" }
  | { kind: "focus"; node: number; isAll: boolean }
  | { kind: "application"; application: number; isAll: boolean };

/** Brings the picture, its controls and the tables below it to life. */
export function startViewer(viewer: HTMLElement, data: GraphData): void {
  const model = modelOf(data);
  const part = <E extends Element = HTMLElement>(selector: string) => viewer.querySelector<E>(selector) as E;
  const frame = part(".canvas");
  const whole = frame.querySelector<SVGSVGElement>("svg");
  const isCollapsed = viewer.dataset.collapsed !== undefined;
  const drawn = document.createElement("div");
  frame.append(drawn);
  const picture = () => (view.kind === "whole" ? whole : drawn.querySelector("svg"));
  const canvas = canvasOf(frame, picture);

  let view: View = { kind: "whole" };
  let depth = 1;
  let filters: Filters = NO_FILTERS;
  let visible = visibleOf(model, filters);

  function show(next: View): void {
    view = next;
    part("#whole").hidden = view.kind === "whole";
    part(".depth").hidden = view.kind !== "focus";
    part(".scene").hidden = view.kind !== "whole";
    drawn.replaceChildren();
    part("#graph-status").textContent = drawView(view);
    canvas.readPicture();
  }

  /** Draws what is not there yet, and says what it is. */
  function drawView(now: View): string {
    if (now.kind === "whole") return wholeSentence(model, visible, filters);
    const isFocus = now.kind === "focus";
    const placed = isFocus
      ? focusLayout(model, visible, neighbourhood(model, visible, now.node, depth), now.isAll ? Infinity : PER_COLUMN)
      : gridLayout(model, servicesOf(now.application), now.isAll ? Infinity : IN_GRID, roomIn(frame).width);
    const svg = drawing(model, placed, isFocus ? now.node : undefined);
    drawn.append(svg);
    makeWalkable(svg);
    return isFocus
      ? focusSentence(model, visible, now.node, placed)
      : applicationSentence(model, now.application, placed);
  }

  function servicesOf(application: number): number[] {
    return model.nodes.flatMap((node, index) =>
      node.application === application && visible.nodes[index] === true ? [index] : [],
    );
  }

  function showNode(node: number): void {
    show({ kind: "focus", node, isAll: false });
  }

  function choose(node: SVGGElement): void {
    const index = Number(node.dataset.node);
    const application = index - firstApplication(model);
    if (node.dataset.more !== undefined && view.kind !== "whole") show({ ...view, isAll: true });
    else if (view.kind === "whole" && isCollapsed && application >= 0) {
      show({ kind: "application", application, isAll: false });
    } else showNode(index);
    takeFocus();
  }

  /** Whoever walks by keys goes on in the new picture. */
  function takeFocus(): void {
    drawn.querySelector<SVGGElement>("g.node[tabindex='0']")?.focus({ preventScroll: true });
  }

  function showWhole(): void {
    show({ kind: "whole" });
    frame.focus({ preventScroll: true });
  }

  const fields = (["application", "mode", "caller", "principal"] as const).map(
    (name) => [name, part<HTMLInputElement | HTMLSelectElement>(`#filter-${name}`)] as const,
  );
  function readFilters(): void {
    filters = Object.fromEntries(fields.map(([name, { value }]) => [name, value])) as unknown as Filters;
    visible = visibleOf(model, filters);
    part("#clear").hidden = !isFiltered(filters);
    if (whole !== null && isCollapsed) fadeApplications(whole, model, visible);
    else if (whole !== null) fadePicture(whole, visible);
    const section = viewer.closest("section");
    if (section !== null) hideRows(section, visible);
    show(view);
  }
  for (const [, field] of fields) field.addEventListener("input", readFilters);
  part("#clear").addEventListener("click", () => {
    for (const [, field] of fields) field.value = "";
    readFilters();
  });

  frame.addEventListener("click", ({ target }) => {
    const node = target instanceof Element ? target.closest<SVGGElement>("g.node") : null;
    if (node !== null) choose(node);
  });
  frame.addEventListener("keydown", (event) => {
    const svg = picture();
    if (event.key === "Escape" && view.kind !== "whole") showWhole();
    else if (svg !== null) walk(svg, event, choose);
  });
  part("#whole").addEventListener("click", showWhole);
  for (const radio of viewer.querySelectorAll<HTMLInputElement>("input[name=depth]")) {
    radio.addEventListener("change", () => {
      depth = Number(radio.value);
      show(view);
    });
  }
  part("#zoom-in").addEventListener("click", canvas.zoomIn);
  part("#zoom-out").addEventListener("click", canvas.zoomOut);
  part("#zoom-fit").addEventListener("click", canvas.fitPicture);
  startSearch(part<HTMLInputElement>("#find"), part("#found"), model, showNode);

  // The names of services in the tables lead to their rows; with the script, to the picture.
  viewer.closest("section")?.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href^='#s-']") : null;
    if (link === null) return;
    event.preventDefault();
    showNode(Number(link.getAttribute("href")?.slice("#s-".length)));
    viewer.scrollIntoView({ block: "start" });
    takeFocus();
  });

  if (whole !== null) makeWalkable(whole);
  for (const element of viewer.querySelectorAll<HTMLElement>("[data-script]")) element.hidden = false;
  viewer.classList.add("live");
  show(view);
}
