import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { page, REPOSITORY } from "../../tools/base/documentation.ts";
import { repositoryPath } from "../support/run-helm.ts";

/** What the npm package and the chart say of themselves, and where they send their readers. */

const read = (path: string) => readFileSync(repositoryPath(path), "utf8");
const PACKAGE = JSON.parse(read("package.json")) as Record<string, unknown> & { version: string };
/** Where links to files go that the package does not ship. */
const ON_MAIN = `${REPOSITORY}/blob/main/`;

/** Every file of the package, as npm would pack it; `dist` is what the last build left. */
const PACKED = new Set(
  (
    JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: repositoryPath("."),
        encoding: "utf8",
      }),
    ) as [{ files: { path: string }[] }]
  )[0].files.map(({ path }) => path),
);

describe("the npm package", () => {
  const pages = [...PACKED].filter((path) => path.endsWith(".md"));

  it.each(pages)("%s has no dead link", (path) => {
    const links = linksOf(read(path));
    const dead = links.filter(({ target, anchor }) => {
      const inRepository = target.startsWith(ON_MAIN);
      if (/^[a-z]+:/.test(target) && !inRepository) return false;
      const file = inRepository ? target.slice(ON_MAIN.length) : target === "" ? path : join(dirname(path), target);
      const isThere = inRepository ? existsSync(repositoryPath(file)) : PACKED.has(file);
      return !isThere || (anchor !== undefined && file.endsWith(".md") && !anchorsOf(read(file)).has(anchor));
    });
    expect(dead).toEqual([]);
  });

  it("has pages with links", () => {
    expect(pages.length).toBeGreaterThan(30);
    expect(pages.flatMap((path) => linksOf(read(path))).length).toBeGreaterThan(200);
  });

  it("ships no types, since it has nothing to import but what the package gen-token runs", () => {
    expect([...PACKED].filter((path) => path.endsWith(".d.ts"))).toEqual([]);
    expect(Object.keys(PACKAGE.exports as object)).toEqual(["./package.json", "./bin/gen-token.js"]);
  });

  it("runs nothing when somebody installs it", () => {
    const hooks = Object.keys(PACKAGE.scripts as object).filter((name) => /install|^prepublish$/.test(name));
    expect(hooks).toEqual([]);
    expect([...PACKED].filter((path) => path.startsWith("dist/")).length).toBeGreaterThan(100);
  });
});

describe("the repository", () => {
  it("is the same in package.json, the chart and the messages", () => {
    const { home, sources } = parse(read("chart/Chart.yaml"));
    expect([home, sources, PACKAGE.homepage]).toEqual([REPOSITORY, [REPOSITORY], REPOSITORY]);
    expect(PACKAGE.repository).toEqual({ type: "git", url: `git+${REPOSITORY}.git` });
    expect(PACKAGE.bugs).toEqual({ url: `${REPOSITORY}/issues` });
  });

  it("has the pages of the version that runs", () => {
    expect(page("docs/operate/csi.md")).toBe(`${REPOSITORY}/blob/v${PACKAGE.version}/docs/operate/csi.md`);
  });
});

describe("messages", () => {
  const sources = readdirSync(repositoryPath("tools"), { recursive: true, encoding: "utf8" })
    // The values' descriptions are read beside chart/values.yaml, whose README says where their pages are.
    .filter((file) => file.endsWith(".ts") && !file.includes("compiled-"))
    .map((file) => join("tools", file));

  it("name pages of the documentation by their URL, which a reader without a checkout can open", () => {
    expect(
      sources.filter((file) => /(?<!page\(["`])\bdocs\/\w+\/[\w-]+\.md/.test(withoutComments(read(file)))),
    ).toEqual([]);
  });

  it("lead to pages that exist", () => {
    const named = sources.flatMap((file) =>
      [...read(file).matchAll(/page\(["`](docs\/[^"`#]+)/g)].map(([, path]) => path),
    );
    const inChart = readdirSync(repositoryPath("chart/templates"), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(yaml|tpl|txt)$/.test(file))
      .flatMap((file) => [...read(join("chart/templates", file)).matchAll(/"(docs\/[^"#]+)/g)].map(([, path]) => path));
    expect(named.length).toBeGreaterThan(10);
    expect(inChart.length).toBeGreaterThan(10);
    for (const path of new Set([...named, ...inChart])) expect(read(path ?? "")).toMatch(/^# /);
  });
});

interface Link {
  /** File or URL; empty for a section of the same page. */
  readonly target: string;
  readonly anchor: string | undefined;
}

/** The links and pictures of a Markdown page outside of its code. */
function linksOf(markdown: string): Link[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  // Markdown's, and those of HTML: a picture for dark mode or without motion has no Markdown.
  return [...prose.matchAll(/\]\(([^)\s]+)\)|\s(?:src|srcset|href)="([^"\s]+)"/g)].map(([, markdown, html = ""]) => {
    const link = markdown ?? html;
    const [target = "", anchor] = link.split("#");
    return { target, anchor };
  });
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** TypeScript without block comments and lines that are comments: those are for people with a checkout. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}
