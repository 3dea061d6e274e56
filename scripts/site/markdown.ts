import { siteLink } from "./links.ts";

/** What this needs of a token of markdown-it. */
interface Token {
  type: string;
  content: string;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

/** What this needs of markdown-it; the site's package has its types, the toolchain has not. */
interface MarkdownIt {
  core: {
    ruler: {
      push(
        name: string,
        rule: (state: {
          tokens: Token[];
          env: { relativePath?: string };
          Token: new (type: string, tag: string, nesting: 0) => Token;
        }) => void,
      ): void;
    };
  };
}

/** Pictures that the site has as a page to search and focus in, too: the picture's file → the page's. */
const INTERACTIVE = new Map([["start/sock-shop.svg", { file: "/sock-shop-graph.html", title: "Sock Shop" }]]);

/**
 * Makes pages of docs/ pages of the site: links lead to pages of the site or to the repository, and a picture that has an
 * interactive twin shows that. The pages stay what GitHub and the npm package show.
 *
 * @param isOnSite whether the site has that file of the repository
 */
export function asOnSite(md: MarkdownIt, isOnSite: (path: string) => boolean): void {
  md.core.ruler.push("as-on-site", (state) => {
    // The home page has its links as if it were in docs/.
    const page = state.env.relativePath === "index.md" ? "docs/index.md" : sourceOf(state.env.relativePath ?? "");
    for (const token of state.tokens) {
      if (token.type === "html_block") token.content = withRelativePictures(token.content);
      for (const child of token.children ?? []) {
        if (child.type === "link_open") {
          child.attrSet("href", siteLink(child.attrGet("href") ?? "", page, isOnSite));
        }
        if (child.type === "html_inline") child.content = withRelativePictures(child.content);
        // Teleport's templates have the braces of Vue's.
        if (child.type === "code_inline") child.attrSet("v-pre", "");
      }
      token.children = token.children?.flatMap((child) => withTwin(child, page, state.Token)) ?? null;
    }
  });
}

/** Pictures in HTML with paths that begin with a dot: Vite takes others for names of packages. */
function withRelativePictures(html: string): string {
  return html.replaceAll(/(\s(?:src|srcset)=")(?![./]|[a-z]+:)/g, "$1./");
}

/** The file in the repository that a page of the site is made from. */
export function sourceOf(relativePath: string): string {
  if (relativePath === "index.md") return "site/home.md";
  return relativePath === "contents.md" ? "docs/README.md" : `docs/${relativePath}`;
}

function withTwin(image: Token, page: string, TokenOf: new (type: string, tag: string, nesting: 0) => Token): Token[] {
  if (image.type !== "image") return [image];
  const file = siteLink(image.attrGet("src") ?? "", page, () => true).slice(1);
  const twin = INTERACTIVE.get(file);
  if (twin === undefined) return [image];
  const frame = new TokenOf("html_inline", "", 0);
  frame.content = `<InteractiveGraph file="${twin.file}" title="${twin.title}" />`;
  return [frame];
}
