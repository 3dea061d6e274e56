/**
 * `npm run bench:report`: what it costs to open the page of a graph, and to focus on a service in it, at 100, 1,000 and
 * 3,000 services with 5 callers each. `--mermaid` draws the same graph by Mermaid in the same Chromium, which takes minutes
 * and is fetched for it. `--check` exits 1 when either grows faster than the graph. `--save` keeps the result.
 */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { meshGraph } from "../../tools/graph/mesh-graph.ts";
import { graphPage } from "../../tools/graph/page/graph-page.ts";
import { mermaidChart } from "../../tools/graph/views/mermaid.ts";
import { startBrowser, startBrowserServer } from "../browser/support/browser.ts";
import { largeGraph } from "../browser/support/large-graph.ts";
import { makeResult, median, point, printAndSave, type Result } from "./support/result.ts";

const SIZES = [100, 1000, 3000];
const CALLERS = 5;
const RUNS = 5;
const PATIENCE_MS = 180_000;
/** Mermaid may never come to an end: after so long it has not. */
const MERMAID_SECONDS = 60;
/** How much longer 3,000 services may take than 1,000, which a frame of the screen and noise are part of. */
const GROWTH_LIMIT = 4;
/** Fetched by npm, which checks it against the registry's hash; as a dependency it would be a quarter of them all. */
const MERMAID = "mermaid@12.3.0";

/** Milliseconds since the page was asked for, when the frame after `done` was on the screen. */
const AFTER_FRAME = "requestAnimationFrame(() => setTimeout(() => { window.openedAt = performance.now(); }))";

interface Measurement {
  services: number;
  edges: number;
  bytes: number;
  /** Milliseconds of each round. */
  open: number[];
  focus: number[];
  /** The same, once; absent where it was not asked for, or did not end. */
  mermaid?: number;
}

async function measure(
  browser: Browser,
  services: number,
  dir: string,
  script: string | undefined,
): Promise<Measurement> {
  const graph = meshGraph(largeGraph(services, CALLERS));
  const html = await graphPage(graph);
  const file = join(dir, `page-${services}.html`);
  await writeFile(file, html);
  const runs = [];
  for (let run = 0; run < RUNS; run++) runs.push(await openAndFocus(browser, file, services));
  const mermaid =
    script === undefined
      ? undefined
      : await drawByMermaid(mermaidChart(graph), script, join(dir, `mermaid-${services}.html`));
  return {
    services,
    edges: graph.edges.length,
    bytes: Buffer.byteLength(html),
    open: runs.map(({ open }) => open),
    focus: runs.map(({ focus }) => focus),
    ...(mermaid !== undefined && { mermaid }),
  };
}

async function openAndFocus(
  browser: Browser,
  file: string,
  services: number,
): Promise<{ open: number; focus: number }> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    // A busy machine may take longer than Playwright waits.
    page.setDefaultTimeout(PATIENCE_MS);
    await page.addInitScript(`addEventListener("load", () => { ${AFTER_FRAME} })`);
    await page.goto(pathToFileURL(file).href);
    // By evaluate, for the page's policy forbids what waitForFunction does where it has to look more than once.
    const open = Number(
      await page.evaluate(`new Promise((resolve) => {
        const look = () => (window.openedAt > 0 ? resolve(window.openedAt) : setTimeout(look, 5));
        look();
      })`),
    );
    const wanted = JSON.stringify(`service-${Math.floor(services / 2)}`);
    const focus = Number(
      await page.evaluate(`(async () => {
        const input = document.getElementById("find");
        input.value = ${wanted};
        const start = performance.now();
        input.dispatchEvent(new Event("input"));
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        return performance.now() - start;
      })()`),
    );
    const said = await page.locator("#graph-status").textContent();
    if (said?.includes(`${JSON.parse(wanted)}: called by ${CALLERS}`) !== true) {
      throw new ExitError(`The page of ${services} services has no focus: ${said}`);
    }
    return { open, focus };
  } finally {
    await context.close();
  }
}

/** URL of Mermaid's script, below `dir`. */
function fetchMermaid(dir: string): string {
  const [archive = ""] = execFileSync("npm", ["pack", MERMAID, "--silent", "--pack-destination", dir], {
    encoding: "utf8",
  })
    .trim()
    .split("\n");
  execFileSync("tar", ["-xzf", join(dir, archive), "-C", dir, "package/dist/mermaid.min.js"]);
  return pathToFileURL(join(dir, "package/dist/mermaid.min.js")).href;
}

/** In a browser of its own, which can be ended while it is busy. Undefined when it did not come to an end in time. */
async function drawByMermaid(chart: string, script: string, file: string): Promise<number | undefined> {
  const limits = "{ startOnLoad: false, maxEdges: 1e6, maxTextSize: 1e9 }";
  await writeFile(
    file,
    `<!doctype html><meta charset="utf-8"><pre class="mermaid"></pre><script src="${script}"></script>
<script>
document.querySelector("pre").textContent = ${JSON.stringify(chart)};
mermaid.initialize(${limits});
mermaid.run().then(() => { ${AFTER_FRAME} }, (error) => { window.failure = String(error.message ?? error); });
</script>`,
  );
  // Ended by a signal: a page that never comes to an end answers no request to close.
  const server = await startBrowserServer();
  try {
    return await Promise.race([openedAt(server.wsEndpoint(), file), sleep(MERMAID_SECONDS * 1000, undefined)]);
  } finally {
    await server.kill();
  }
}

async function openedAt(endpoint: string, file: string): Promise<number> {
  const page = await (await chromium.connect(endpoint)).newPage();
  await page.goto(pathToFileURL(file).href, { waitUntil: "commit" });
  await page.waitForFunction("window.openedAt > 0 || window.failure", undefined, { timeout: 0 });
  const failure = await page.evaluate("window.failure");
  if (failure !== undefined) throw new ExitError(`Mermaid failed: ${failure}`);
  return Number(await page.evaluate("window.openedAt"));
}

function* shortcomings(measurements: readonly Measurement[]): Generator<string> {
  for (const what of ["open", "focus"] as const) {
    // The fastest is the one that other programs disturbed least.
    const of = (services: number) => Math.min(...(measurements.find((one) => one.services === services)?.[what] ?? []));
    const growth = of(3000) / of(1000);
    if (!(growth <= GROWTH_LIMIT)) {
      yield `${what}: 3,000 services take ${growth.toFixed(2)} times as long as 1,000; it may be ${GROWTH_LIMIT} times.`;
    }
  }
}

function result(measurements: readonly Measurement[], withMermaid: boolean): Result {
  const series = (name: string, unit: string, of: (one: Measurement) => readonly number[]) => ({
    name,
    unit,
    points: measurements.filter((one) => of(one).length > 0).map((one) => point(one.services, of(one))),
  });
  return makeResult({
    bench: "report-page",
    title: "The page of a graph, in Chromium",
    command: withMermaid ? "npm run bench:report -- --mermaid" : "npm run bench:report",
    x: `services, ${CALLERS} callers each`,
    series: [
      series("open", "ms", ({ open }) => open),
      series("focus", "ms", ({ focus }) => focus),
      series("page", "kB", ({ bytes }) => [Math.round(bytes / 1000)]),
      series("permitted calls", "", ({ edges }) => [edges]),
      ...(withMermaid
        ? [
            {
              name: "drawn by Mermaid",
              unit: "ms",
              points: measurements.flatMap(({ services, open, mermaid }) =>
                mermaid === undefined ? [] : [point(services, [mermaid], median(open))],
              ),
            },
          ]
        : []),
    ],
    notes: withMermaid
      ? [
          `× compares Mermaid 12.3 with our page. Where it has no figure, it had not drawn after ${MERMAID_SECONDS} s and was ended.`,
        ]
      : [],
  });
}

const dir = await mkdtemp(join(tmpdir(), "bench-report-"));
const browser = await startBrowser();
try {
  const { values: flags } = parseArgs({
    options: { check: { type: "boolean" }, mermaid: { type: "boolean" }, save: { type: "boolean" } },
  });
  const script = flags.mermaid === true ? fetchMermaid(dir) : undefined;
  const measurements: Measurement[] = [];
  for (const services of SIZES) measurements.push(await measure(browser, services, dir, script));
  await printAndSave(result(measurements, script !== undefined));
  const problems = [...shortcomings(measurements)];
  if (flags.check === true && problems.length > 0) throw new ExitError(problems.join("\n"));
} catch (error) {
  process.stderr.write(`bench:report: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
} finally {
  await browser.close();
  await rm(dir, { recursive: true });
}
