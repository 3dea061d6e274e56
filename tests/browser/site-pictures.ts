/**
 * `npx tsx tests/browser/site-pictures.ts FOLDER [PAGE…]`: pictures of the built site's pages, light, dark and narrow, for people to
 * look at. `npm run site` builds it.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BASE, SITE } from "../../scripts/site/build.ts";
import { startBrowser } from "./support/browser.ts";
import { serveSite } from "./support/site-server.ts";

/** The pages that readers begin with, and those with the widest tables. */
const PAGES = ["", "start/quick-start", "start/sock-shop-demo", "operate/troubleshooting", "reference/values"];
const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1100, height: 760 } },
  dark: { colorScheme: "dark", viewport: { width: 1100, height: 760 } },
  narrow: { colorScheme: "light", viewport: { width: 390, height: 844 } },
} as const;

const [folder = "out/site-pictures", ...named] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const site = await serveSite(SITE, BASE);
const browser = await startBrowser();
for (const [view, options] of Object.entries(VIEWS)) {
  const context = await browser.newContext(options);
  for (const path of named.length > 0 ? named : [...PAGES, "explain/comparison"]) {
    const page = await context.newPage();
    await page.goto(`${site.url}${path}`, { waitUntil: "networkidle" });
    await page.screenshot({ path: join(folder, `${path.replaceAll("/", "-") || "home"}-${view}.png`) });
    await page.close();
  }
}
await browser.close();
await site.stop();
