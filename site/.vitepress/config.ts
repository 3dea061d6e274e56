import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { withContentPolicy } from "../../scripts/site/content-policy.ts";
import { contentsOf } from "../../scripts/site/contents.ts";
import { anchorOf } from "../../scripts/site/links.ts";
import { asOnSite, sourceOf } from "../../scripts/site/markdown.ts";
import { navOf, sidebarOf } from "../../scripts/site/navigation.ts";
import { REPOSITORY } from "../../tools/base/documentation.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONTENTS = contentsOf(readFileSync(join(ROOT, "docs/README.md"), "utf8"));

/** The site has all of docs/. */
const isOnSite = (path: string) => path.startsWith("docs/") && existsSync(join(ROOT, path));
const base = process.env.SITE_BASE ?? "/";

export default defineConfig({
  title: "istio-teleport",
  description: "Gives every workload of an Istio mesh its identity from Teleport Workload Identity.",
  lang: "en-US",
  base,
  srcDir: "out/source",
  outDir: "../out/site",
  cacheDir: "out/cache",
  cleanUrls: true,
  // The policy would block the style with which transitions are switched off.
  appearance: { disableTransition: false },
  // A file of its own, which the policy needs no exception for.
  metaChunk: true,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark" },
    anchor: { slugify: anchorOf },
    config: (md) => asOnSite(md, isOnSite),
  },
  transformPageData: ({ relativePath }) => ({ filePath: sourceOf(relativePath) }),
  transformHtml: withContentPolicy,
  vite: {
    // Drawings stay files, also small ones: readers open them, and the style knows them by their ending.
    build: { assetsInlineLimit: 0 },
  },
  themeConfig: {
    logo: "/icon.svg",
    nav: navOf(CONTENTS, { base, isOnSite }),
    sidebar: sidebarOf(CONTENTS, { base, isOnSite }),
    outline: { level: [2, 3] },
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: REPOSITORY }],
    externalLinkIcon: true,
    editLink: { text: "Edit this page", pattern: `${REPOSITORY}/edit/main/:path` },
    footer: {
      message: "Apache-2.0. These pages ask no other host for anything.",
    },
  },
});
