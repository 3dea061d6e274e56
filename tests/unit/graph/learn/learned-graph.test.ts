import { expect, test } from "vitest";
import { parse } from "yaml";
import { graphJudge } from "../../../../tools/graph/learn/allowed.ts";
import { type Call, type SeenCall, seenCalls } from "../../../../tools/graph/learn/calls.ts";
import { learnedGraph, type Narrowing } from "../../../../tools/graph/learn/learned-graph.ts";
import { snippet } from "../../../../tools/graph/learn/snippet.ts";
import { meshGraph } from "../../../../tools/graph/mesh-graph.ts";
import type { Application } from "../../../../tools/values/types.ts";

const BROAD: Narrowing = { methods: false, paths: false, generalize: false };
const NARROW: Narrowing = { methods: true, paths: true, generalize: false };

interface ShortCall extends Partial<Omit<Call, "to" | "from">> {
  /** ServiceAccount in the namespace shop, or `namespace/account`; absent: plaintext. */
  from?: string | undefined;
  to: string;
}

function call({ to, from, port = 80, protocol = "HTTP", outcome = "passed", ...rest }: ShortCall): Call {
  const [namespace = "", serviceAccount = ""] = qualified(to).split("/");
  return {
    to: { trustDomain: "a.example", namespace, serviceAccount },
    ...(from !== undefined && { from: `a.example/ns/${qualified(from).replace("/", "/sa/")}` }),
    port,
    protocol,
    outcome,
    ...rest,
  };
}

const qualified = (name: string) => (name.includes("/") ? name : `shop/${name}`);

function seen(calls: readonly Call[], details = true): SeenCall[] {
  const all = seenCalls({ details });
  for (const each of calls) all.add(each);
  return all.all();
}

const valuesOf = (applications: Record<string, Application>, gateways = {}) => ({
  global: { teleport: { clusterName: "a.example" } },
  mesh: { gateways, applications },
});

/** The values that come out, and all that is said of them. */
function learn(
  calls: readonly ShortCall[],
  narrowing = BROAD,
  applications?: Record<string, Application>,
  gateways = {},
) {
  const graph = applications && meshGraph(valuesOf(applications, gateways));
  const learned = learnedGraph(seen(calls.map(call)), narrowing, graph, () => undefined);
  const text = snippet(learned, []);
  return { learned, text, applications: parse(text).mesh.applications as Record<string, Application> };
}

const SHOP: Record<string, Application> = {
  store: {
    namespace: "shop",
    services: {
      website: {
        labels: { app: "w" },
        serviceAccount: "web",
        ports: [{ port: 80, targetPort: 8079, protocol: "HTTP" }],
      },
      database: {
        labels: { app: "d" },
        serviceAccount: "db",
        ports: [
          { port: 3306, protocol: "TCP" },
          { port: 9104, protocol: "HTTP" },
        ],
        callers: [
          { principal: "a.example/ns/ops/sa/*", ports: [9104] },
          { service: "website", ports: [3306] },
        ],
      },
      api: {
        labels: { app: "a" },
        serviceAccount: "api",
        ports: [{ port: 80, protocol: "HTTP" }],
        callers: [
          { service: "website", methods: ["GET"], paths: ["/items*"] },
          { gateway: "public" },
          { anyone: true },
        ],
      },
    },
  },
};
const GATEWAYS = { public: { namespace: "ingress", serviceAccount: "gw" } };

test("with a graph: its names, labels, ports and order", () => {
  const { applications, learned } = learn(
    [
      { from: "web", to: "db", port: 3306, protocol: "TCP" },
      { from: "ops/scraper", to: "db", port: 9104 },
      { from: "web", to: "api", path: "/items/1", method: "GET" },
      { from: "ingress/gw", to: "api" },
      { to: "api" },
    ],
    BROAD,
    SHOP,
    GATEWAYS,
  );
  const { services = {} } = applications.store ?? {};
  expect(services).toEqual({
    ...SHOP.store?.services,
    website: { ...SHOP.store?.services.website, callers: [] },
    database: {
      ...SHOP.store?.services.database,
      // Exactly who called, even where the graph allows more.
      callers: [
        { service: "website", ports: [3306] },
        { principal: "a.example/ns/ops/sa/scraper", ports: [9104] },
      ],
    },
  });
  expect(learned).toMatchObject({ callers: 5, deniedCallers: 0, unused: [] });
});

test("what the graph denies is marked, and stays apart from what it allows", () => {
  const { text, learned } = learn(
    [
      { from: "web", to: "api", method: "GET", path: "/items/1" },
      { from: "web", to: "api", method: "DELETE", path: "/items/1" },
      { from: "api", to: "db", port: 3306, protocol: "TCP", outcome: "wouldBeDenied" },
      { from: "api", to: "db", port: 3306, protocol: "TCP", outcome: "denied" },
    ],
    BROAD,
    { store: { ...SHOP.store, services: withoutAnyone() } as Application },
    GATEWAYS,
  );
  const callers = text.split("\n").filter((line) => line.includes("- {service"));
  expect(callers.map((line) => line.trim())).toEqual([
    "- {service: website, methods: [GET], paths: [/items*]}",
    "- {service: website} # denied by the current graph",
    "- {service: api, ports: [3306]} # denied by the current graph; a dry run would deny it; was denied",
  ]);
  expect(learned).toMatchObject({ callers: 3, deniedCallers: 2 });
});

function withoutAnyone() {
  const { api, ...rest } = SHOP.store?.services ?? {};
  if (!api) throw new Error("no api");
  return { ...rest, api: { ...api, callers: api.callers?.filter(({ anyone }) => !anyone) ?? [] } };
}

test("narrowed to paths, what the graph denies has an entry of its own", () => {
  const calls = ["/items/1", "/admin"].map((path) => ({ from: "web", to: "api", method: "GET", path }));
  const { text } = learn(
    calls,
    NARROW,
    { store: { ...SHOP.store, services: withoutAnyone() } as Application },
    GATEWAYS,
  );
  expect(text).toContain("- {service: website, methods: [GET], paths: [/items/1]}\n");
  expect(text).toContain("- {service: website, methods: [GET], paths: [/admin]} # denied by the current graph\n");
});

test("edges that no call used are listed", () => {
  const { learned } = learn([{ from: "web", to: "db", port: 3306, protocol: "TCP" }], BROAD, SHOP, GATEWAYS);
  expect(learned.unused.map(({ from, to }) => `${from.label} > ${to.name}`)).toEqual([
    "store/website > api",
    "gateway public > api",
    "anyone > api",
    "a.example/ns/ops/sa/* > database",
  ]);
});

test("an unknown port of a known service is added, with a number that is free", () => {
  const { text } = learn([{ from: "web", to: "web", port: 80, protocol: "TCP" }], BROAD, SHOP, GATEWAYS);
  expect(text).toContain(
    "- {port: 81, targetPort: 80, protocol: TCP} # the container's; set port to that of its Service",
  );
  expect(text).toContain("- {service: website, ports: [81]} # denied by the current graph");
});

test("without a graph: an application for each namespace that was called, in dry run, with guessed labels", () => {
  const { text } = learn([
    { from: "web", to: "db", port: 3306, protocol: "TCP" },
    { from: "other/job", to: "db", port: 3306, protocol: "TCP" },
    { from: "default", to: "back.office/api.v2", port: 8080 },
    { to: "back.office/default", port: 8080 },
  ]);
  expect(text).toBe(
    `
mesh:
  applications:
    # New. In dry run nothing is denied, and the access log names what would be.
    back-office:
      namespace: back.office
      mode: dryRun
      services:
        api-v2:
          labels: {app: api.v2} # guessed: set the labels of its pods
          serviceAccount: api.v2
          ports:
            - {port: 8080, protocol: HTTP} # the container's; set port to that of its Service
          callers:
            - {service: default-account, application: shop}
        default-account:
          labels: {app: default} # guessed: set the labels of its pods
          serviceAccount: default
          ports:
            - {port: 8080, protocol: HTTP} # the container's; set port to that of its Service
          callers:
            - {anyone: true} # called without a certificate; this lets everyone in
    # New. In dry run nothing is denied, and the access log names what would be.
    shop:
      namespace: shop
      mode: dryRun
      services:
        db:
          labels: {app: db} # guessed: set the labels of its pods
          serviceAccount: db
          ports:
            - {port: 3306, protocol: TCP} # the container's; set port to that of its Service
          callers:
            - {principal: a.example/ns/other/sa/job}
            - {service: web}
        default-account:
          labels: {app: default} # guessed: set the labels of its pods
          serviceAccount: default
        web:
          labels: {app: web} # guessed: set the labels of its pods
          serviceAccount: web
`.trimStart(),
  );
});

test("the graph of a bundled application is marked while it is installed", () => {
  const { learned } = learn([{ from: "web", to: "db", port: 3306 }], BROAD, SHOP, GATEWAYS);
  const application = SHOP.store as Application;
  const installed = snippet(learned, [], { store: { enabledBy: "storeDemo.enabled", application } });
  expect(installed).toContain(
    "# The chart has this graph already (storeDemo.enabled): for comparison, not for a values file.\n    store:\n",
  );
  expect(snippet(learned, [], { store: { enabledBy: "storeDemo.enabled" } })).not.toContain("already");
});

test("a caller of another trust domain is no service, though it has the name of one", () => {
  const [one] = seen([{ ...call({ to: "db" }), from: "b.example/ns/shop/sa/db" }]);
  if (one === undefined) throw new Error("no call");
  const { applications } = learnedGraph([one], BROAD, undefined, () => undefined);
  expect(applications.get("shop")?.services.get("db")?.value.callers).toEqual([
    { principal: "b.example/ns/shop/sa/db" },
  ]);
});

test("names that are taken get a number, whatever the order of the log", () => {
  const calls = [{ to: "a.b" }, { to: "a-b" }, { to: "default-account" }, { to: "default" }];
  const names = (order: ShortCall[]) => Object.keys(learn(order).applications.shop?.services ?? {});
  expect(names(calls)).toEqual(["a-b", "a-b-2", "default-account", "default-account-2"]);
  expect(learn(calls.toReversed()).text).toBe(learn(calls).text);
});

test("YAML 1.1 reads every name and label as the text that it is", () => {
  const accounts = ["on", "0123", "1e3", "null", "yes", "12:30", "0o12"];
  const { text } = learn(accounts.map((to) => ({ to, from: to })));
  const { services } = parse(text, { version: "1.1" }).mesh.applications.shop;
  expect(Object.values<{ serviceAccount: unknown }>(services).map(({ serviceAccount }) => serviceAccount)).toEqual(
    accounts.toSorted(),
  );
  // A number of Helm's parser, though of no version of YAML.
  expect(text).toContain('serviceAccount: "0o12"');
});

test("what cannot be narrowed is left out where narrowing is asked for: it would allow everything", () => {
  const { applications, learned } = learn(
    [
      { from: "web", to: "api", method: "GET", path: "/a" },
      { from: "web", to: "api", method: "get\u001b[31m", path: "/a" },
      { from: "web", to: "api", protocol: "TCP" },
      { from: "web", to: "db", port: 3306, protocol: "TCP" },
    ],
    NARROW,
  );
  expect(applications.shop?.services.api?.callers).toEqual([{ service: "web", methods: ["GET"], paths: ["/a"] }]);
  expect(applications.shop?.services.db?.callers).toEqual([{ service: "web" }]);
  expect([...learned.inexpressible.methods]).toEqual(["get\u001b[31m"]);
  expect([...learned.inexpressible.bareCalls]).toEqual(["shop/api"]);
  const broad = learn([{ from: "web", to: "api", protocol: "TCP" }]).applications.shop?.services.api;
  expect(broad?.callers).toEqual([{ service: "web" }]);
});

test("a caller whose names Kubernetes cannot have is a principal, no service that the chart would refuse", () => {
  const { applications } = learn([{ from: "Web_1", to: "api" }]);
  expect(Object.keys(applications.shop?.services ?? {})).toEqual(["api"]);
  expect(applications.shop?.services.api?.callers).toEqual([{ principal: "a.example/ns/shop/sa/Web_1" }]);
});

test("a path that a rule would read as a wildcard opens nothing", () => {
  const { applications, learned } = learn(
    [
      { from: "web", to: "api", method: "GET", path: "/*" },
      { from: "web", to: "api", method: "GET", path: "/a" },
    ],
    NARROW,
  );
  expect(applications.shop?.services.api?.callers).toEqual([{ service: "web", methods: ["GET"], paths: ["/a"] }]);
  expect([...learned.inexpressible.paths]).toEqual(["/*"]);
});

test("identifiers become wildcards only on request", () => {
  const calls = ["/c/1", "/c/2"].map((path) => ({ from: "web", to: "api", method: "GET", path }));
  const callers = (narrowing: Narrowing) => learn(calls, narrowing).applications.shop?.services.api?.callers;
  expect(callers(BROAD)).toEqual([{ service: "web" }]);
  expect(callers({ ...BROAD, paths: true })).toEqual([{ service: "web", paths: ["/c/1", "/c/2"] }]);
  expect(callers({ ...NARROW, generalize: true })).toEqual([{ service: "web", methods: ["GET"], paths: ["/c/{*}"] }]);
});

test("exactly what was seen: of every possible call, the learned graph allows those that were made and no other", () => {
  const accounts = ["a", "b", "c"];
  const universe = accounts.flatMap((to) =>
    [...accounts, undefined].flatMap((from) =>
      [80, 90].flatMap((port) =>
        ["GET", "POST"].flatMap((method) => ["/x", "/y", "/x/1"].map((path) => ({ to, from, port, method, path }))),
      ),
    ),
  );
  // A small generator of its own, so that a failure can be repeated.
  let state = 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  for (let round = 0; round < 15; round += 1) {
    const share = random();
    const made = universe.filter(({ from }) => from !== undefined && random() < share).map(call);
    if (made.length === 0) continue;
    for (const narrowing of [NARROW, { ...NARROW, paths: false }, { ...NARROW, methods: false }, BROAD]) {
      const learned = learnedGraph(seen(made), narrowing, undefined, () => undefined);
      const applications = parse(snippet(learned, [])).mesh.applications;
      const graph = meshGraph(valuesOf(applications));
      const judge = graphJudge(graph);
      const key = ({ to, from, port, method, path }: Omit<Call, "outcome" | "protocol">) =>
        JSON.stringify([to.serviceAccount, from, port, narrowing.methods && method, narrowing.paths && path]);
      const expected = new Set(made.map(key));
      for (const possible of universe.map(call)) {
        const to = graph.applications[0]?.services.find(({ name }) => name === possible.to.serviceAccount);
        const ports = to?.ports.filter(({ targetPort }) => targetPort === possible.port) ?? [];
        const [one] = seen([possible]);
        const isAllowed = to !== undefined && one !== undefined && judge.allowingEdge(one, to, ports) !== undefined;
        if (isAllowed !== expected.has(key(possible))) {
          throw new Error(
            `${isAllowed ? "allowed" : "not allowed"}: ${JSON.stringify(possible)} in ${JSON.stringify(applications)}`,
          );
        }
      }
    }
  }
});
