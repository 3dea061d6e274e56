import { found, type Model } from "./model.ts";

/** Matches that fit below the field. */
const SHOWN = 12;

/** The search field: a combobox whose list is walked by arrow keys. `choose` gets the node. */
export function startSearch(
  input: HTMLInputElement,
  list: HTMLElement,
  model: Model,
  choose: (node: number) => void,
): void {
  let hits: number[] = [];
  let active = -1;

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const mark = (next: number) => {
    active = next;
    [...list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === active));
    });
    input.setAttribute("aria-activedescendant", `found-${active}`);
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const open = () => {
    hits = found(model, input.value, SHOWN);
    list.replaceChildren(...hits.map((node, index) => option(model, node, index)));
    if (hits.length === 0 && input.value.trim() !== "") list.replaceChildren(nothing());
    list.hidden = list.children.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
    active = -1;
    if (hits.length > 0) mark(0);
  };
  const pick = (index: number) => {
    const node = hits[index];
    if (node === undefined) return;
    input.value = model.nodes[node]?.label ?? "";
    close();
    choose(node);
  };

  input.addEventListener("input", open);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      // The first Escape closes the list, the next one clears the field, as browsers do.
      if (!list.hidden) event.preventDefault();
      close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (list.hidden) open();
      pick(Math.max(active, 0));
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open();
      else if (hits.length > 0) mark((active + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length);
    }
  });
  input.addEventListener("blur", close);
  // Before the field loses the focus, which would close the list.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const item = event.target instanceof Element ? event.target.closest("[data-hit]") : null;
    if (item instanceof HTMLElement) pick(Number(item.dataset.hit));
  });
}

function option(model: Model, node: number, index: number): HTMLElement {
  const item = document.createElement("li");
  item.id = `found-${index}`;
  item.setAttribute("role", "option");
  item.dataset.hit = `${index}`;
  const { label = "", principal } = model.nodes[node] ?? {};
  const name = document.createElement("span");
  name.textContent = label;
  item.append(name);
  if (principal !== undefined && principal !== label) {
    const detail = document.createElement("small");
    detail.textContent = principal;
    item.append(detail);
  }
  return item;
}

function nothing(): HTMLElement {
  const item = document.createElement("li");
  item.className = "nothing";
  item.textContent = "No service or caller has this name.";
  return item;
}
