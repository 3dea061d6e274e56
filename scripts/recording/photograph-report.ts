import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "../../tests/browser/support/browser.ts";

/** Pixels. */
const WIDTH = 1100;

/** Takes the pictures that docs/operate/report.md shows, of a report with Sock Shop in it. */
export async function photographReport(report: string, folder: string): Promise<void> {
  const browser = await startBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 540 } });
    await page.goto(pathToFileURL(report).href);
    await page.waitForSelector("html[data-ready]");
    await page.screenshot({ path: join(folder, "report-summary.png") });

    await page.getByRole("combobox", { name: "Find a service or a caller" }).fill("sock-shop/orders");
    await page.keyboard.press("Enter");
    await page.getByRole("radio", { name: "2" }).check();
    await page.setViewportSize({ width: WIDTH, height: 570 });
    await page.getByText("Find a service or a caller").evaluate((label) => label.scrollIntoView(true));
    await page.screenshot({ path: join(folder, "report-focus.png") });
  } finally {
    await browser.close();
  }
}
