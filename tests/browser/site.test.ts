import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BASE, SITE } from "../../scripts/site/build.ts";
import { startBrowser } from "./support/browser.ts";
import { type ServedSite, serveSite } from "./support/site-server.ts";

/** The built documentation site in headless Chromium, below its base path and under its policy. */

let browser: Browser;
let site: ServedSite;
beforeAll(async () => {
  if (!existsSync(join(SITE, "index.html"))) throw new Error("There is no site to try: run `npm run site` first.");
  site = await serveSite(SITE, BASE);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
});

/** What a page must not do: ask another host, fail, or be blocked by its policy. */
let offences: string[];
beforeEach(() => {
  offences = [];
});
const contexts: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  expect(offences).toEqual([]);
});

async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  contexts.push(context);
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(site.url) && !url.startsWith("data:")) offences.push(`request ${url}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && !path.includes("nowhere")) offences.push(`${response.status()} ${response.url()}`);
  });
  page.on("pageerror", (error) => offences.push(`error ${error.message}`));
  page.on("console", (message) => {
    const isKnown = path.includes("nowhere") && message.text().includes("404");
    if (["error", "warning"].includes(message.type()) && !isKnown) offences.push(`console ${message.text()}`);
  });
  await page.goto(`${site.url}${path}`);
  // Until Vue has taken the page over, a click does nothing.
  await page.waitForFunction("'__vue_app__' in document.querySelector('#app')");
  return page;
}

const isDark = (page: Page) => page.locator("html.dark").isVisible();

/** The colour in the middle of the left edge of a picture, as the page shows it. */
async function edgeColour(page: Page, selector: string): Promise<number[]> {
  const shot = await page.locator(selector).screenshot();
  const pixel = `(async () => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array([${shot.join()}])], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return [...context.getImageData(4, bitmap.height / 2, 1, 1).data].slice(0, 3);
  })()`;
  return await page.evaluate<number[]>(pixel);
}

describe("the site", () => {
  it("finds a value by its name, without a server", async () => {
    const page = await open("");
    await page.getByRole("button", { name: "Search" }).first().click();
    await page.locator("#localsearch-input").fill("attestBinary");
    await page.locator(".results a", { hasText: "Values" }).first().click();
    await page.waitForURL(/\/reference\/values#tbot$/);
    await page.getByRole("cell", { name: "tbot.attestBinary", exact: true }).waitFor();
  });

  it("is dark on demand, stays so on the next page, and its drawing with it", async () => {
    const page = await open("explain/architecture", { colorScheme: "light" });
    const drawing = 'img[src*="hand-off"]';
    expect(await edgeColour(page, drawing)).toEqual([255, 255, 255]);
    await page.locator(".VPSwitchAppearance").first().click();
    expect(await isDark(page)).toBe(true);
    expect(Math.max(...(await edgeColour(page, drawing)))).toBeLessThan(40);
    await page.goto(`${site.url}start/quick-start`);
    expect(await isDark(page)).toBe(true);
  });

  it("shows Sock Shop's graph within the page, to search and focus in", async () => {
    const page = await open("start/sock-shop-demo");
    await page.locator(".interactive-graph").scrollIntoViewIfNeeded();
    const graph = page.frameLocator(".interactive-graph iframe");
    // The frame's page is dark where the site is, whatever the system is.
    const background = () =>
      graph.locator("body").evaluate((body) => body.ownerDocument.defaultView.getComputedStyle(body).backgroundColor);
    expect(await background()).toBe("rgb(255, 255, 255)");
    await page.locator(".VPSwitchAppearance").first().click();
    expect(await background()).not.toBe("rgb(255, 255, 255)");
    await graph.getByRole("combobox", { name: "Find a service or a caller" }).fill("orders");
    await graph.locator("#found").getByRole("option").first().click();
    expect(await graph.locator("#graph-status").textContent()).toMatch(/^sock-shop\/orders: called by 1, calls 5/);
    await page.getByRole("link", { name: "Open the graph of Sock Shop" }).click();
    await page.waitForURL(/\/sock-shop-graph\.html$/);
    expect(await page.locator("h1").textContent()).toBe("Who may call whom");
  });

  it("leads from a page to the next by the menu, and to the file that it was made from", async () => {
    const page = await open("contents");
    await page.locator(".VPSidebar").getByRole("link", { name: "Troubleshooting" }).click();
    await page.getByRole("heading", { level: 1, name: "Troubleshooting" }).waitFor();
    expect(await page.getByRole("link", { name: "Edit this page" }).getAttribute("href")).toMatch(
      /\/edit\/main\/docs\/operate\/troubleshooting\.md$/,
    );
  });

  it("says where nothing is", async () => {
    const page = await open("start/nowhere");
    expect(await page.getByText("404").first().isVisible()).toBe(true);
    expect(await page.getByRole("link", { name: /home/i }).first().getAttribute("href")).toBe(BASE);
  });

  it("is nowhere wider than a phone", async () => {
    const page = await open("", { viewport: { width: 390, height: 844 } });
    const widths: Record<string, number> = {};
    for (const path of WIDEST) {
      await page.goto(`${site.url}${path}`);
      widths[path] = await page.evaluate<number>("document.documentElement.scrollWidth");
    }
    expect(widths).toEqual(Object.fromEntries(WIDEST.map((path) => [path, 390])));
  });
});

/** Pages with pictures, wide tables, long lines of code and long words. */
const WIDEST = [
  "",
  "start/sock-shop-demo",
  "operate/troubleshooting",
  "operate/policies",
  "reference/values",
  "reference/commands",
  "explain/comparison",
  "explain/security",
  "proof/evidence",
];
