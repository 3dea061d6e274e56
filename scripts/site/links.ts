import { posix } from "node:path";
import { REPOSITORY } from "../../tools/base/documentation.ts";

/** Where pages of the repository lead that the site does not have. */
const ON_MAIN = `${REPOSITORY}/blob/main/`;

/**
 * Where a link of the documentation leads on the site: to a page of it, or to the file in the repository.
 *
 * @param href as the Markdown has it
 * @param page the page with the link, from the repository's root: `docs/start/quick-start.md`
 * @param isOnSite whether the site has that file of the repository
 * @returns `/start/quick-start#section` without the site's base path, or a URL
 */
export function siteLink(href: string, page: string, isOnSite: (path: string) => boolean): string {
  const [target = "", anchor] = href.split("#");
  const hash = anchor === undefined ? "" : `#${anchor}`;
  if (target === "") return href;
  const isOfRepository = target.startsWith(ON_MAIN);
  if (/^[a-z]+:/.test(target) && !isOfRepository) return href;
  const path = isOfRepository ? target.slice(ON_MAIN.length) : posix.join(posix.dirname(page), target);
  return isOnSite(path) ? `${sitePath(path)}${hash}` : `${ON_MAIN}${path}${hash}`;
}

/** Path of a file of docs/ on the site: `/start/quick-start` for a page, with its ending for everything else. */
function sitePath(path: string): string {
  const below = path.replace(/^docs\//, "").replace(/\.md$/, "");
  return below === "README" ? "/contents" : `/${below}`;
}

/** The anchor of a heading as GitHub makes it, so that one link to a section is right there and on the site. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
