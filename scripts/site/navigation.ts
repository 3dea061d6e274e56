import type { Section } from "./contents.ts";
import { siteLink } from "./links.ts";

/** A link of the site's menus, in VitePress's form. */
interface Item {
  readonly text: string;
  readonly link: string;
}

/** A foldable part of the sidebar, in VitePress's form. */
interface Group {
  readonly text: string;
  readonly collapsed: boolean;
  readonly items: readonly Item[];
}

/** Sections that few read from end to end: folded unless the page shown is one of theirs. */
const FOLDED = new Set(["Decisions", "Proof"]);

/** What the menus need to know of the site. */
interface Place {
  /** Its path at the host, `/istio-teleport/`. */
  readonly base: string;
  /** Whether the site has that file of the repository. */
  readonly isOnSite: (path: string) => boolean;
}

/** The sidebar, in the order of docs/README.md. */
export function sidebarOf(sections: readonly Section[], place: Place): Group[] {
  return sections.map((section) => ({
    text: section.title,
    collapsed: FOLDED.has(section.title),
    items: itemsOf(section, place),
  }));
}

/** The menu above: each section by its first page. */
export function navOf(sections: readonly Section[], place: Place): Item[] {
  return sections.flatMap((section) => {
    const [first] = itemsOf(section, place);
    return first === undefined ? [] : { text: section.title, link: first.link };
  });
}

function itemsOf({ entries }: Section, { base, isOnSite }: Place): Item[] {
  return entries.map(({ title, target }) => {
    const link = siteLink(target, "docs/README.md", isOnSite);
    // VitePress puts the base path before its pages only.
    const isFile = link.startsWith("/") && /\.\w+$/.test(link);
    return { text: title, link: isFile ? `${base}${link.slice(1)}` : link };
  });
}
