import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { helmTemplate } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { mergedValues } from "../../tools/values/load.ts";
import type { Caller, Port, Service } from "../../tools/values/types.ts";
import { outcomesOf, schemaRefusal } from "../support/render-many.ts";
import { repositoryPath } from "../support/run-helm.ts";

/** Graphs that JSON Schema takes and we do not. The tools read the chart's own list of problems: Helm alone tells all. */

const WEB = {
  labels: { app: "web" },
  serviceAccount: "web",
  ports: [
    { port: 80, targetPort: 8080, protocol: "HTTP" },
    { port: 5432, protocol: "TCP" },
  ],
} satisfies Service;
const BATCH = { labels: { app: "batch" }, serviceAccount: "batch" } satisfies Service;

/** A graph that both take; each case changes something of it. */
const LEGAL = {
  global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } },
  mesh: {
    gateways: { public: { namespace: "ingress", serviceAccount: "gateway" } },
    applications: {
      office: { namespace: "office", services: { audit: { ...BATCH, labels: { app: "audit" } } } },
      shop: { namespace: "shop", services: { batch: BATCH, web: WEB } },
    },
  },
};

const shop = (services: Record<string, Partial<Service>>) => ({ mesh: { applications: { shop: { services } } } });
const callers = (...list: Caller[]) => shop({ web: { callers: list } });
const ports = (...list: Port[]) => shop({ web: { ports: list } });
const inNamespace = (namespace: string) => ({ mesh: { applications: { shop: { namespace } } } });

/** The whole sentence, and what to change for it. */
const CASES: [string, object][] = [
  [
    'mesh.applications.office.mode is enforce while mesh.enabled is false, with which no policy is rendered: set mesh.enabled to true, or mesh.applications.office.mode to "off".',
    { mesh: { enabled: false, applications: { shop: { mode: "off" } } } },
  ],
  [
    'sockShop.policies is dryRun while mesh.enabled is false, with which no policy is rendered: set mesh.enabled to true, or sockShop.policies to "none".',
    {
      mesh: { enabled: false, applications: { office: { mode: "off" }, shop: { mode: "off" } } },
      sockShop: { enabled: true, policies: "dryRun" },
    },
  ],
  [
    "sockShop.enabled is true while istio.injection.scope is pod, and the pods of Sock Shop do not name the injection template: set it to false, or the scope to namespace.",
    { sockShop: { enabled: true }, istio: { blockIstiodCertificates: false, injection: { scope: "pod" } } },
  ],
  [
    "mesh.applications.shop.namespace is shop, which is not in istio.injection.namespaces: add it, or leave the application out until its namespace is in scope.",
    {
      istio: { blockIstiodCertificates: false, injection: { scope: "namespace", namespaces: ["office"] } },
    },
  ],
  [
    "mesh.applications.sock-shop has the name of Sock Shop's own graph: rename it, or set sockShop.enabled to false.",
    { sockShop: { enabled: true }, mesh: { applications: { "sock-shop": { namespace: "own", services: {} } } } },
  ],
  [
    "mesh.applications.shop.namespace is istio-system, the namespace of tbot or of Istio: give the application one of its own.",
    inNamespace("istio-system"),
  ],
  [
    "mesh.applications.shop.namespace is teleport-system, the namespace of tbot or of Istio: give the application one of its own.",
    inNamespace("teleport-system"),
  ],
  [
    "sockShop.namespace.name is teleport-system, the namespace of tbot or of Istio: give the application one of its own.",
    { sockShop: { enabled: true, namespace: { name: "teleport-system" } } },
  ],
  [
    "mesh.applications.shop.namespace is test-app, the namespace of the test app: give the application one of its own.",
    { testApp: { enabled: true }, ...inNamespace("test-app") },
  ],
  [
    "mesh.applications.shop.namespace is office, the namespace of application office: give each application one of its own.",
    inNamespace("office"),
  ],
  [
    "sockShop.namespace.name is shop, the namespace of application shop: give each application one of its own.",
    { sockShop: { enabled: true, namespace: { name: "shop" } } },
  ],
  [
    "mesh.gateways.public.namespace is shop, the namespace of application shop, whose policies would refuse what comes to the gateway: run it in another one, or make it a service of the application.",
    { mesh: { gateways: { public: { namespace: "shop" } } } },
  ],
  [
    "mesh.applications.shop.services.web.serviceAccount is batch, which service batch has: give each service a ServiceAccount of its own, for it is its identity.",
    shop({ web: { serviceAccount: "batch" } }),
  ],
  [
    "mesh.applications.shop.services.batch.labels select the pods of service web, too, which would get both policies: add a label that only this service's pods have.",
    shop({ batch: { labels: { app: "web" } } }),
  ],
  [
    "mesh.applications.shop.services.web.labels select the pods of service batch, too, which would get both policies: add a label that only this service's pods have.",
    shop({
      batch: { labels: { app: "web", tier: "night" } },
      other: { ...BATCH, labels: { tier: "night", app: "x" }, serviceAccount: "x" },
    }),
  ],
  [
    "mesh.applications.shop.services.web.ports[1].port is 80, which ports[0] has: list each port once.",
    ports({ port: 80, targetPort: 8080, protocol: "HTTP" }, { port: 80, protocol: "HTTP" }),
  ],
  [
    "mesh.applications.shop.services.web.ports[1] is container port 8080, which ports[0] is: policies match on container ports and cannot tell the two apart; keep one of them.",
    ports({ port: 80, targetPort: 8080, protocol: "HTTP" }, { port: 8080, protocol: "HTTP" }),
  ],
  [
    "mesh.applications.shop.services.batch.callers is set, but the service has no ports: list in mesh.applications.shop.services.batch.ports what may be called.",
    shop({ batch: { callers: [{ service: "web" }] } }),
  ],
  [
    "mesh.applications.shop.services.web.callers[0] names nobody: set one of service, gateway, principal and anyone.",
    callers({ ports: [80] }),
  ],
  [
    "mesh.applications.shop.services.web.callers[1] sets service and anyone at once: make one entry of each.",
    callers({ service: "batch" }, { service: "web", anyone: true }),
  ],
  [
    "mesh.applications.shop.services.web.callers[0].application is set without service: name a service of that application, or remove it.",
    callers({ application: "office", gateway: "public" }),
  ],
  [
    'mesh.applications.shop.services.web.callers[0].application is "constructor", which is not in mesh.applications: add it, or name one that is.',
    callers({ application: "constructor", service: "audit" }),
  ],
  [
    'mesh.applications.shop.services.web.callers[0].service is "constructor", which is no service of application shop: add it, or name one that is.',
    callers({ service: "constructor" }),
  ],
  [
    'mesh.applications.shop.services.web.callers[0].service is "batch", which is no service of application office: add it, or name one that is.',
    callers({ service: "batch", application: "office" }),
  ],
  [
    'sockShop.frontEnd.callers[0].service is "batch", which is no service of application sock-shop: add it, or name one that is.',
    { sockShop: { enabled: true, frontEnd: { callers: [{ service: "batch" }] } } },
  ],
  [
    'mesh.applications.shop.services.web.callers[0].gateway is "constructor", which is not in mesh.gateways: add it, or name one that is.',
    callers({ gateway: "constructor" }),
  ],
  [
    'mesh.applications.shop.services.web.callers[0].principal is "spiffe://a.example/ns/x/sa/y": leave spiffe:// out, for policies name only the rest.',
    callers({ principal: "spiffe://a.example/ns/x/sa/y" }),
  ],
  ...["*", "a.example", "a.example/ns/*/sa/y", "a.example/ns/x/sa/y*", "*/sa/y", "a.example//y"].map(
    (principal): [string, object] => [
      `mesh.applications.shop.services.web.callers[0].principal is "${principal}", which is no SPIFFE ID without spiffe://: write it like example.teleport.sh/ns/shop/sa/web; only the last part may be *.`,
      callers({ principal }),
    ],
  ),
  [
    'mesh.applications.shop.services.web.callers[0].principal is "cluster.local/ns/x/sa/y", in which Istio takes cluster.local for the mesh\'s own trust domain: write a.example/ns/x/sa/y, or remove it.',
    callers({ principal: "cluster.local/ns/x/sa/y" }),
  ],
  [
    "mesh.applications.shop.services.web.callers[0].ports has 8080, which is no port of the service: name a port that mesh.applications.shop.services.web.ports lists.",
    callers({ service: "batch", ports: [80, 8080] }),
  ],
  [
    "mesh.applications.shop.services.web.callers[0] has methods or paths, but may use port 5432, which is TCP and has neither: list the other ports in mesh.applications.shop.services.web.callers[0].ports, or remove them.",
    callers({ service: "batch", methods: ["GET"] }),
  ],
  [
    "mesh.applications.shop.services.web.callers[0].paths is set while istio.pathNormalization is NONE, with which /public/../admin passes for /public/*: set it to MERGE_SLASHES, or remove the paths.",
    callers({ service: "batch", ports: [80], paths: ["/public/*"] }),
  ],
  ...[
    ["MERGE_SLASHES", "/a//b", "//"],
    ["MERGE_SLASHES", "/a/../b", "/../"],
    ["BASE", "/a/%2e/b", "/%2e/"],
    ["BASE", "/a/.", "/."],
    ["DECODE_AND_MERGE_SLASHES", "/a%2Fb/*", "%2F"],
  ].map(([pathNormalization, path = "", part]): [string, object] => [
    `mesh.applications.shop.services.web.callers[0].paths[0] is "${path}", which matches no request: istio.pathNormalization ${pathNormalization} rewrites "${part}" before policies see the path; write the rewritten path.`,
    { istio: { pathNormalization }, ...callers({ service: "batch", ports: [80], paths: [path] }) },
  ]),
  [
    "mesh.applications.shop.services.web.callers[0].paths[0] is a template of more than 256 characters, which Envoy refuses: shorten it, or use a prefix.",
    {
      istio: { pathNormalization: "BASE" },
      ...callers({ service: "batch", ports: [80], paths: [`/{*}/${"a".repeat(255)}`] }),
    },
  ],
  [
    "mesh.applications.shop.services.web.callers allow 513 different sets of ports, methods and paths, and one policy holds at most 512 rules: let callers share them.",
    { istio: { pathNormalization: "BASE" }, ...callers(...manyPaths(513)) },
  ],
  [
    "mesh.gateways.public.namespace is test-app, the namespace of the test app, whose policies would refuse what comes to the gateway: run it in another one.",
    { testApp: { enabled: true }, mesh: { gateways: { public: { namespace: "test-app", serviceAccount: "public" } } } },
  ],
  [
    "mesh.applications.shop.services.web.callers[2] allows what callers[0] allows: remove one of them.",
    callers(
      { service: "batch", ports: [80, 5432] },
      { service: "batch", ports: [80], methods: ["GET"] },
      { principal: "a.example/ns/shop/sa/batch" },
    ),
  ],
  [
    "mesh.applications.shop.services.web.callers[1] allows what callers[0] allows: remove one of them.",
    callers({ anyone: true }, { anyone: true, ports: [5432, 80] }),
  ],
];

/** What JSON Schema refuses: how our sentence starts (Helm has its own), and what to change for it. */
const SCHEMA_CASES: [string, object][] = [
  [
    'mesh.applications.shop.services.web.ports[0].targetPort is "http", which is not an integer',
    shop({ web: { ports: [{ port: 80, targetPort: "http" as unknown as number, protocol: "HTTP" }] } }),
  ],
  [
    "mesh.applications.shop.services.new.serviceAccount is missing: set it. ServiceAccount of the service's pods",
    shop({ new: { labels: { app: "new" } } }),
  ],
  [
    'mesh.applications.shop.mode is false, but must be one of "enforce", "dryRun", "denyAll", "off": put the word in quotes, for on, off, yes and no are booleans.',
    { mesh: { applications: { shop: { mode: false } } } },
  ],
  [
    'mesh.applications.shop.services.default is named "default", a reserved name: choose another one.',
    shop({ default: { ...BATCH, labels: { app: "x" }, serviceAccount: "x" } }),
  ],
  [
    'mesh.applications.Shop is named "Shop", which does not match',
    { mesh: { applications: { Shop: { namespace: "x", services: {} } } } },
  ],
  [
    'mesh.applications."x\\nmesh is fine" is named "x\\nmesh is fine", which does not match',
    { mesh: { applications: { "x\nmesh is fine": { namespace: "x", services: {} } } } },
  ],
  [
    "mesh.applications.shop.services.web.caller is not a value; did you mean mesh.applications.shop.services.web.callers?",
    shop({ web: { caller: [] } as Partial<Service> }),
  ],
  [
    "mesh.applications.shop.services.new.labels is {}, which must NOT have fewer than 1 properties",
    shop({ new: { ...BATCH, labels: {} } }),
  ],
  ...["a", "/a*b", "/a?b=c", "/{name}", "/{*}a", "/{*}/*", "/{**}/{*}", "/caf\u00e9", "/a\u00a0b", "*/\u202e"].map(
    (path): [string, object] => [
      `mesh.applications.shop.services.web.callers[0].paths[0] is "${path}", which does not match`,
      callers({ service: "batch", ports: [80], paths: [path] }),
    ],
  ),
];

/** Callers that each may do something else. */
function manyPaths(count: number): Caller[] {
  return Array.from({ length: count }, (_, index) => ({ service: "batch", ports: [80], paths: [`/${index}`] }));
}

/** What both take. */
const LEGAL_CASES: [string, object][] = [
  ["what the cases change", {}],
  [
    "callers of every kind",
    callers(
      { service: "web" },
      { service: "audit", application: "office" },
      { gateway: "public" },
      { principal: "a.example/*" },
      { principal: "a.example/ns/x/*" },
      { principal: "a.example/ns/x/sa/y", ports: [5432] },
      { anyone: true, ports: [80], methods: ["GET", "HEAD"] },
    ),
  ],
  [
    "a template of 256 characters without its braces, and 512 rules",
    {
      istio: { pathNormalization: "BASE" },
      ...callers({ service: "batch", ports: [80], paths: [`/{*}/${"a".repeat(253)}`] }, ...manyPaths(511)),
    },
  ],
  ...[
    ["BASE", "/a//b"],
    ["MERGE_SLASHES", "/a%2Fb"],
    ["MERGE_SLASHES", "/a/..b/.well-known/*"],
  ].map(([pathNormalization, path = ""]): [string, object] => [
    `the path ${path} with ${pathNormalization}`,
    { istio: { pathNormalization }, ...callers({ service: "batch", ports: [80], paths: [path] }) },
  ]),
  [
    "paths with a normalization",
    {
      istio: { pathNormalization: "BASE" },
      ...callers({ service: "batch", ports: [80], paths: ["/", "/a", "/a/*", "*/a", "*", "/{*}/{*}/b/{**}/c"] }),
    },
  ],
  [
    "selectors that share a label",
    shop({ batch: { labels: { app: "web", x: "1" } }, web: { labels: { app: "web", x: "2" } } }),
  ],
  ["the test app's namespace while there is no test app", inNamespace("test-app")],
  [
    "the name of a bundled application that is not installed",
    { mesh: { applications: { "sock-shop": { namespace: "own", services: { web: WEB } } } } },
  ],
  [
    "a caller of a bundled application",
    { sockShop: { enabled: true }, ...callers({ service: "orders", application: "sock-shop" }) },
  ],
  [
    "applications without policies while the mesh has none",
    { mesh: { enabled: false, applications: { office: { mode: "off" }, shop: { mode: "off" } } } },
  ],
];

type Row = [string, object];
const caseOf = ([, change]: Row) => ({ layers: [LEGAL, change] });

describe("the checks of graphs", () => {
  const checked = outcomesOf<Row>(CASES, caseOf, "checked");
  const rendered = outcomesOf<Row>(LEGAL_CASES, caseOf);
  const refused = outcomesOf<Row>(SCHEMA_CASES, caseOf);
  const merged = outcomesOf<Row>([...LEGAL_CASES, ...SCHEMA_CASES], caseOf, "merged");

  test.each(CASES.map((row) => [row[0], row] as const))("%s", async (sentence, row) => {
    const { refused, problems } = await checked(row);
    expect(refused).toEqual([]);
    expect(problems).toEqual([sentence]);
  });

  test.each(LEGAL_CASES.map((row) => [row[0], row] as const))("%s: legal", async (_, row) => {
    const { refused, problems, documents } = await rendered(row);
    expect([...refused, ...problems]).toEqual([]);
    expect(documents.keys()).toContain("charts/tbot/templates/daemonset.yaml");
    expect(await schemaRefusal(await merged(row))).toBe("");
  });

  test.each(SCHEMA_CASES.map((row) => [row[0], row] as const))("%s", async (start, row) => {
    expect(await schemaRefusal(await merged(row))).toContain(start);
    expect((await refused(row)).refused).not.toEqual([]);
  });

  test("what the tools say of a case is what they say of its values alone", async () => {
    const rows = [CASES[0], SCHEMA_CASES[0]] as [Row, Row];
    for (const row of rows) {
      const files = caseOf(row).layers.map((layer, index) => ({ name: `${index}`, text: JSON.stringify(layer) }));
      await expect(mergedValues(systemRunner, { files, sets: [] })).rejects.toThrow(row[0]);
      await expect(helmTemplate(systemRunner, { inputs: { files, sets: [] } })).rejects.toThrow(
        row === rows[0] ? row[0] : /^Helm: values don't meet the specifications of the schema/,
      );
    }
  });

  test("none is without a case here", () => {
    const source = readFileSync(repositoryPath("chart/templates/checks/_graph-problems.tpl"), "utf8");
    const formats = [...source.matchAll(/append \$problems (?:\(printf )?"(.*?)"(?: |\)| \})/g)].map(
      (match) => match[1] as string,
    );
    expect(formats.length).toBe(source.split("{{- $problems = append ").length - 1);
    for (const format of formats) {
      const literal = format.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const sentence = new RegExp(`^${literal.replace(/%[sdq]/g, ".+")}$`);
      expect(
        CASES.some(([said]) => sentence.test(said)),
        format,
      ).toBe(true);
    }
  });
});
