import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Browser,
  type BrowserContextOptions,
  type BrowserServer,
  chromium,
  type LaunchOptions,
  type Page,
} from "playwright-core";

/** Where distributions put it; CHROMIUM names another one. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * The machine's Chromium, without a window.
 *
 * @throws Error that says how to install it where there is none: these tests never skip
 */
export async function startBrowser(): Promise<Browser> {
  return await chromium.launch(launchOptions());
}

/** The same as a process that can be killed. @throws Error as `startBrowser` */
export async function startBrowserServer(): Promise<BrowserServer> {
  return await chromium.launchServer(launchOptions());
}

function launchOptions(): LaunchOptions {
  // Its sandbox needs what containers and root do not have; the pages are our own.
  return { executablePath: chromiumPath(), args: ["--no-sandbox"] };
}

function chromiumPath(): string {
  const { CHROMIUM: named } = process.env;
  const found = (named === undefined ? PLACES : [named]).find(isExecutable);
  if (found === undefined) {
    throw new Error(
      `There is no Chromium at ${named ?? PLACES.join(", ")}: install it (apt-get install --no-install-recommends chromium), or name it with CHROMIUM=/path.`,
    );
  }
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A page of ours in a browser, and what it did that it must not. */
export interface OpenedPage {
  page: Page;
  /** Requests beside the file itself, errors, and what the page's policy has blocked. */
  offences: string[];
  close(): Promise<void>;
}

/** Opens HTML as a file, as a reader does, and waits until its script has started. */
export async function openPage(
  browser: Browser,
  html: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const dir = await mkdtemp(join(tmpdir(), "page-test-"));
  const file = join(dir, "page.html");
  await writeFile(file, html);
  const url = pathToFileURL(file).href;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const offences: string[] = [];
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== url) offences.push(`request ${request.url()}`);
  });
  page.on("pageerror", (error) => offences.push(`error ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") offences.push(`console ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    offences.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.waitForSelector("html[data-ready]");
  return {
    page,
    offences,
    close: async () => {
      await context.close();
      await rm(dir, { recursive: true });
    },
  };
}
