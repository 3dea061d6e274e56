import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { ROOT } from "./stage.ts";

/** Pages and files of the repository, as the site links to them. */
const IN_REPOSITORY = new RegExp(`^${REPOSITORY}/(?:blob|tree|edit)/main/([^#?]+)(?:#(.+))?$`);

/** A link, picture, script, style or frame of a page. */
export interface Link {
  /** Path of the page's file below the site. */
  readonly page: string;
  readonly url: string;
}

/** All links of the built pages. */
export function linksOf(site: string): Link[] {
  return pagesOf(site).flatMap((page) =>
    [...readFileSync(join(site, page), "utf8").matchAll(/<[a-z][^>]*>/g)].flatMap(([tag]) =>
      [...tag.matchAll(/\s(?:href|src|srcset)="([^"]*)"/g)].map(([, url = ""]) => ({
        page,
        url: url.replaceAll("&amp;", "&"),
      })),
    ),
  );
}

/**
 * The links that lead nowhere: to a page, a file or a section that the site or this checkout does not have. Other hosts
 * are not asked.
 *
 * @param site folder of the built site
 * @param base its path at the host, `/istio-teleport/`
 * @returns a line for each, with its page
 */
export function deadLinks(site: string, base: string): string[] {
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (file: string) => {
    const known = anchors.get(file) ?? new Set(idsOf(readFileSync(file, "utf8")));
    anchors.set(file, known);
    return known;
  };
  const isDead = ({ page, url }: Link) => {
    const [, inRepository] = IN_REPOSITORY.exec(url) ?? [];
    if (inRepository !== undefined) return !existsSync(join(ROOT, decodeURI(inRepository)));
    if (/^(https?|mailto|data):/.test(url)) return false;
    const { pathname, hash } = new URL(url, `https://site.invalid${base}${page}`);
    if (!pathname.startsWith(base)) return true;
    const file = fileOf(site, decodeURI(pathname.slice(base.length)));
    if (file === undefined) return true;
    return hash !== "" && file.endsWith(".html") && !anchorsOf(file).has(decodeURIComponent(hash.slice(1)));
  };
  return [
    ...new Set(
      linksOf(site)
        .filter(isDead)
        .map(({ page, url }) => `${page}: ${url}`),
    ),
  ];
}

/** The file that GitHub Pages serves at a path, if any. */
export function fileOf(site: string, path: string): string | undefined {
  return [path, `${path}.html`, join(path, "index.html")]
    .map((name) => join(site, name))
    .find((file) => existsSync(file) && statSync(file).isFile());
}

function pagesOf(site: string): string[] {
  return readdirSync(site, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".html"));
}

function idsOf(html: string): string[] {
  return [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = ""]) => id);
}
