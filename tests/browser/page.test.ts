import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { meshGraph } from "../../tools/graph/mesh-graph.ts";
import { graphPage } from "../../tools/graph/page/graph-page.ts";
import type { ReportDocument } from "../../tools/report/document.ts";
import { reportPage } from "../../tools/report/page/report-page.ts";
import { healthySnapshot } from "../unit/doctor/healthy-snapshot.ts";
import { SMALL_GRAPH, sockShopValues } from "../unit/support/graph-values.ts";
import { reportOf } from "../unit/support/report-document.ts";
import { type OpenedPage, openPage, startBrowser } from "./support/browser.ts";
import { largeGraph } from "./support/large-graph.ts";

/** The pages in headless Chromium, by clicks and keys, with the script that ships. */

let browser: Browser;
let sockShop: string;
beforeAll(async () => {
  browser = await startBrowser();
  sockShop = await reportPage(reportOf(healthySnapshot(), await sockShopValues()));
});
afterAll(async () => {
  await browser?.close();
});

let opened: OpenedPage | undefined;
afterEach(async () => {
  const { offences = [] } = opened ?? {};
  await opened?.close();
  opened = undefined;
  // Of every page: nothing was loaded, nothing failed, nothing was blocked.
  expect(offences).toEqual([]);
});

async function open(html: string, options?: Parameters<typeof openPage>[2]) {
  opened = await openPage(browser, html, options);
  return opened.page;
}

type Page = OpenedPage["page"];

/** The names of the boxes that are drawn, by their left edges. */
async function drawnNames(page: Page): Promise<string[]> {
  return await page.locator(".canvas svg:visible g.node:not(.faded) .name").evaluateAll((names) =>
    names
      .map((name) => ({ text: name.textContent ?? "", x: name.getBoundingClientRect().x }))
      .toSorted((a, b) => a.x - b.x)
      .map(({ text }) => text),
  );
}

const status = (page: Page) => page.locator("#graph-status").textContent();

describe("the report of Sock Shop", () => {
  it("focuses on the service that is found, callers on the left, and widens by depth", async () => {
    const page = await open(sockShop);
    expect(await drawnNames(page)).toHaveLength(15);
    await page.getByRole("combobox", { name: "Find a service or a caller" }).fill("orders");
    expect(await page.locator("#found").getByRole("option").allTextContents()).toEqual([
      expect.stringContaining("sock-shop/orders"),
      expect.stringContaining("sock-shop/orders-db"),
    ]);
    await page.locator("#found").getByRole("option").first().click();
    const names = await drawnNames(page);
    expect(names[0]).toBe("front-end");
    expect(names[1]).toBe("orders");
    expect(names.slice(2).toSorted()).toEqual(["carts", "orders-db", "payment", "shipping", "user"]);
    expect(await status(page)).toBe("sock-shop/orders: called by 1, calls 5. Shown: 7.");
    await page.getByLabel("2", { exact: true }).check();
    expect(await drawnNames(page)).toEqual(expect.arrayContaining(["anyone", "rabbitmq", "user-db", "carts-db"]));
    await page.getByRole("button", { name: "Whole graph" }).click();
    expect(await drawnNames(page)).toHaveLength(15);
  });

  it("focuses by a click on a box, and on a name in the tables", async () => {
    const page = await open(sockShop);
    await page.locator(".scene g.node", { hasText: "payment" }).click();
    expect(await status(page)).toMatch(/^sock-shop\/payment: called by 1, calls 0/);
    await page.locator(".application tr", { hasText: "sa/rabbitmq" }).getByRole("link", { name: "shipping" }).click();
    expect(await status(page)).toMatch(/^sock-shop\/shipping: called by 1, calls 1/);
  });

  it("is walked by keys alone: search, boxes, back", async () => {
    const page = await open(sockShop);
    await page.getByRole("combobox", { name: "Find a service or a caller" }).focus();
    await page.keyboard.type("or");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await status(page)).toMatch(/^sock-shop\/orders-db/);
    await page.locator(".canvas").focus();
    await page.keyboard.press("Tab");
    const focused = () => page.evaluate('document.activeElement?.querySelector(".name")?.textContent');
    expect(await focused()).toBe("orders-db");
    await page.keyboard.press("ArrowLeft");
    expect(await focused()).toBe("orders");
    await page.keyboard.press("Enter");
    expect(await status(page)).toMatch(/^sock-shop\/orders: /);
    expect(await focused()).toBe("orders");
    await page.keyboard.press("Escape");
    expect(await drawnNames(page)).toHaveLength(15);
  });

  it("changes between light and dark, and follows the system until then", async () => {
    const page = await open(sockShop, { colorScheme: "dark" });
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    const toggle = page.getByRole("button", { name: "Dark" });
    expect(await toggle.getAttribute("aria-pressed")).toBe("true");
    await toggle.click();
    expect(await background()).toBe("rgb(255, 255, 255)");
    expect(await toggle.getAttribute("aria-pressed")).toBe("false");
    await toggle.press("Enter");
    expect(await background()).toBe(dark);
    await page.emulateMedia({ media: "print" });
    expect(await background()).toBe("rgb(255, 255, 255)");
  });

  it("reads without its script: every section, the picture and the tables, and no dead control", async () => {
    const page = await open(sockShop, { javaScriptEnabled: false });
    for (const heading of ["Health of the hand-off", "Layers and exceptions", "Who is who", "Who may call whom"]) {
      expect(await page.getByRole("heading", { name: heading }).isVisible()).toBe(true);
    }
    expect(await page.locator(".scene g.node").count()).toBe(15);
    expect(await page.locator("button:visible, input:visible, select:visible").count()).toBe(0);
    expect(await page.locator("#calls tr[data-node]").count()).toBe(14);
  });

  it("prints no control, and nothing wider than the paper", async () => {
    const page = await open(sockShop, { viewport: { width: 720, height: 1000 } });
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("button:visible, input:visible, select:visible, nav:visible").count()).toBe(0);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(720);
  });

  it("never scrolls sideways on a narrow screen", async () => {
    const page = await open(sockShop, { viewport: { width: 390, height: 800 } });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
  });
});

describe("the filters", () => {
  const rows = (page: Page) => page.locator("tr[data-node]:visible").count();

  it("leave callers of a kind, a mode, an application or a principal, in the picture and the tables", async () => {
    const page = await open(await graphPage(meshGraph(SMALL_GRAPH)));
    const all = await drawnNames(page);
    const before = await rows(page);
    await page.getByLabel("Callers").selectOption("gateway");
    expect((await drawnNames(page)).toSorted()).toEqual(["public", "web"]);
    expect(await status(page)).toMatch(
      /^The filters leave 2 of \d+ services and callers, and 1 of 6 permitted calls\.$/,
    );
    expect(await rows(page)).toBeLessThan(before);
    await page.getByRole("button", { name: "Clear the filters" }).click();
    expect(await drawnNames(page)).toEqual(all);
    await page.getByLabel("Mode").selectOption("dryRun");
    expect((await drawnNames(page)).toSorted()).toEqual(["b.example/ns/ops/sa/*", "end", "report", "web"]);
    await page.getByLabel("Caller’s principal contains").fill("b.example");
    expect((await drawnNames(page)).toSorted()).toEqual(["b.example/ns/ops/sa/*", "report"]);
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await page.getByLabel("Application", { exact: true }).selectOption("shop");
    expect(await drawnNames(page)).not.toContain("end");
    expect(await page.locator(".application:visible h3").allTextContents()).toHaveLength(2);
    expect(await rows(page)).toBeLessThan(before);
  });
});

describe("a graph of 1,000 services", () => {
  it("shows applications, opens one, and focuses on a service in it", async () => {
    const page = await open(await graphPage(meshGraph(largeGraph(1000))));
    expect(await drawnNames(page)).toHaveLength(67);
    await page.locator("g.node", { hasText: "team-42" }).click();
    expect(await drawnNames(page)).toHaveLength(15);
    expect(await status(page)).toBe("team-42: 15 services, mode enforce. Choose one to see its callers.");
    await page.locator(".canvas g.node:visible", { hasText: "service-635" }).click();
    expect(await status(page)).toBe("team-42/service-635: called by 3, calls 3. Shown: 7.");
    await page.getByRole("button", { name: "Whole graph" }).click();
    await page.getByLabel("Application", { exact: true }).selectOption("team-7");
    expect((await drawnNames(page)).length).toBeLessThan(67);
    expect(await drawnNames(page)).toContain("team-7");
  });

  it("says how many more callers a hub has, and shows them when asked", async () => {
    const values = largeGraph(300, 0);
    const [first] = Object.values(values.mesh.applications);
    const callers = Object.entries(values.mesh.applications).flatMap(([application, { services }]) =>
      Object.keys(services).map((service) => ({ application, service })),
    );
    if (first?.services["service-0"] === undefined) throw new Error("no service");
    first.services["service-0"].callers = callers.slice(1);
    const page = await open(await graphPage(meshGraph(values)));
    await page.getByRole("combobox", { name: "Find a service or a caller" }).fill("service-0");
    await page.keyboard.press("Enter");
    expect(await status(page)).toBe("team-0/service-0: called by 299, calls 0. Shown: 31, 269 more.");
    await page.locator("g.more").click();
    expect(await drawnNames(page)).toHaveLength(300);
  });
});

describe("hostile names", () => {
  const NAMES = [
    '</script><script>window.hit="script"</script>',
    '<img src=x onerror="window.hit=1">',
    `"'\`><svg onload=window.hit=2>`,
    "a\u202eb\u2066c",
    "__proto__",
    "constructor",
    "url(#x);}*{display:none}",
  ];

  /** A report in which they are all that a cluster can name. */
  function hostileReport(): ReportDocument {
    const services = Object.fromEntries(
      NAMES.map((name, index) => [
        name,
        {
          labels: { [name]: name },
          serviceAccount: name,
          ports: [{ port: 80, protocol: "HTTP" as const }],
          callers: [
            { service: NAMES[(index + 1) % NAMES.length] ?? "", paths: [name] },
            { principal: `${name}/ns/a/sa/*`, methods: [name] },
          ],
        },
      ]),
    );
    const report = reportOf(healthySnapshot(), {
      global: { teleport: { clusterName: NAMES[0] ?? "" } },
      mesh: {
        gateways: {},
        applications: Object.fromEntries(NAMES.slice(0, 1).map((name) => [name, { namespace: name, services }])),
      },
    });
    const finding = (name: string) => ({ status: "problem" as const, subject: name, evidence: name, hint: name });
    const [identity] = report.identities;
    if (identity === undefined) throw new Error("no identity");
    return {
      ...report,
      cluster: { name: NAMES[1] ?? "", trustDomain: NAMES[2] ?? "", namespaces: NAMES },
      checks: report.checks.map((check) => ({
        ...check,
        title: NAMES[0] ?? "",
        examined: NAMES[1] ?? "",
        documentation: NAMES[2] ?? "",
        status: "problem",
        findings: NAMES.map(finding),
      })),
      identities: NAMES.map((name) => ({
        ...identity,
        id: name,
        namespace: name,
        service: name,
        evidence: name,
        status: "problem",
        pods: identity.pods.map((pod) => ({ ...pod, pod: name, node: name, serial: name, root: name })),
      })),
      unread: NAMES.map((name) => ({ pod: name, reason: name })),
      exceptions: NAMES.map((name) => ({ subject: name, statement: name, evidence: name })),
      versions: NAMES.map((name) => ({ component: name, where: name, version: name, evidence: name })),
      graphSource: NAMES.join(" "),
      toolVersion: NAMES[0] ?? "",
    };
  }

  it("are text everywhere, and are found like any others", async () => {
    const page = await open(await reportPage(hostileReport()));
    expect(await page.evaluate("document.scripts.length")).toBe(2);
    expect(await page.locator("img, svg[onload], [onerror]").count()).toBe(0);
    for (const query of ["__proto__", "<img src=x onerror", "</script>", "constructor"]) {
      await page.getByRole("combobox", { name: "Find a service or a caller" }).fill(query);
      await page.keyboard.press("Enter");
      expect(await status(page)).toContain(query);
      expect((await drawnNames(page)).length).toBeGreaterThan(1);
    }
    const text = await page.locator("body").textContent();
    expect(text).toContain('<img src=x onerror="window.hit=1">');
    expect(text).toContain("a\\u{202e}b\\u{2066}c");
    expect(text).not.toMatch(/[\u202e\u2066]/);
    expect(await page.evaluate("window.hit")).toBeUndefined();
  });
});
