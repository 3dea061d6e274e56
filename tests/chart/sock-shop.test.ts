import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { repositoryPath } from "../support/run-helm.ts";
import { type Rendered, renderObjects, renderScenario } from "../support/scenarios.ts";

/** Sock Shop as the chart renders it, against what its published images need and its sources call, written by hand. */

/** Service port, container port, name and application protocol of each part's one port. */
const PORTS: Readonly<Record<string, string>> = {
  carts: "80 → 80 http (http)",
  "carts-db": "27017 → 27017 tcp-mongo (tcp)",
  catalogue: "80 → 80 http (http)",
  "catalogue-db": "3306 → 3306 tcp-mysql (tcp)",
  "front-end": "80 → 8079 http (http)",
  orders: "80 → 80 http (http)",
  "orders-db": "27017 → 27017 tcp-mongo (tcp)",
  payment: "80 → 80 http (http)",
  "queue-master": "80 → 80 http (http)",
  rabbitmq: "5672 → 5672 tcp-amqp (tcp)",
  "session-db": "6379 → 6379 tcp-redis (tcp)",
  shipping: "80 → 80 http (http)",
  user: "80 → 80 http (http)",
  "user-db": "27017 → 27017 tcp-mongo (tcp)",
};
const PARTS = Object.keys(PORTS);

/** Their images' program has a file capability: without it in the bounding set it doesn't start. */
const WITH_FILE_CAPABILITY = ["carts", "catalogue", "orders", "payment", "queue-master", "shipping", "user"];

const named = (objects: Map<string, Rendered>, kind: string) =>
  [...objects.values()].filter((object) => object.kind === kind && object.metadata.namespace === "sock-shop");

const names = (objects: Map<string, Rendered>, kind: string) =>
  named(objects, kind).map(({ metadata }) => metadata.name);

const POLICY_KINDS = ["AuthorizationPolicy", "PeerAuthentication"];

/** Kind and name of Istio's policies in Sock Shop's namespace. */
const policies = async (...sets: string[]) => {
  const objects = await renderObjects("sock-shop", ...sets);
  return objects
    .filter(({ kind, metadata }) => POLICY_KINDS.includes(kind) && metadata.namespace === "sock-shop")
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
};

describe("the parts", { concurrent: true }, () => {
  test("are 14, each with a Deployment, a Service, a ServiceAccount of its own and an image by value", async () => {
    const objects = await renderScenario("sock-shop");
    for (const kind of ["Deployment", "Service", "ServiceAccount"]) expect(names(objects, kind)).toEqual(PARTS);
    const images = parse(readFileSync(repositoryPath("chart/values.yaml"), "utf8")).sockShop.images;
    for (const { metadata, spec } of named(objects, "Deployment")) {
      expect(spec.template.spec.serviceAccountName).toBe(metadata.name);
      expect(spec.template.spec.containers.map(({ image }: { image: string }) => image)).toEqual([
        images[metadata.name],
      ]);
    }
  });

  test("have settings for the graph's parts and for no other", () => {
    const file = (name: string) =>
      parse(readFileSync(repositoryPath(`chart/charts/sock-shop/files/${name}`), "utf8"), { merge: true });
    expect(Object.keys(file("graph.yaml").services).toSorted()).toEqual(PARTS);
    expect(Object.keys(file("parts.yaml")).toSorted()).toEqual(PARTS);
  });

  test("listen where their images do, under names by which Istio knows what is spoken", async () => {
    const objects = await renderScenario("sock-shop");
    for (const { metadata, spec } of named(objects, "Service")) {
      const [port, ...others] = spec.ports;
      expect(others).toEqual([]);
      const { name, appProtocol, targetPort } = port;
      expect(`${port.port} → ${targetPort} ${name} (${appProtocol})`).toBe(PORTS[metadata.name]);
      const { template } = objects.get(`Deployment ${metadata.name}`)?.spec ?? {};
      expect(template.metadata.labels).toMatchObject(spec.selector);
      expect(template.spec.containers[0].ports).toEqual([{ name, containerPort: targetPort }]);
      const { startupProbe, readinessProbe, livenessProbe } = template.spec.containers[0];
      for (const probe of [startupProbe, readinessProbe, livenessProbe])
        expect((probe.httpGet ?? probe.tcpSocket).port).toBe(name);
    }
  });

  test("run without root, without a token, and with no right that they don't need", async () => {
    const objects = await renderScenario("sock-shop");
    for (const { metadata, spec } of named(objects, "Deployment")) {
      const pod = spec.template.spec;
      const { runAsUser, ...rest } = pod.containers[0].securityContext;
      const fileCapability = WITH_FILE_CAPABILITY.includes(metadata.name);
      expect(runAsUser).toBeGreaterThan(0);
      expect(rest, metadata.name).toEqual({
        runAsNonRoot: true,
        runAsGroup: runAsUser,
        allowPrivilegeEscalation: false,
        // Its data lie in the image.
        readOnlyRootFilesystem: metadata.name !== "user-db",
        capabilities: { drop: ["ALL"], ...(fileCapability && { add: ["NET_BIND_SERVICE"] }) },
        seccompProfile: { type: "RuntimeDefault" },
      });
      const sysctls = [{ name: "net.ipv4.ip_unprivileged_port_start", value: "80" }];
      expect(pod.securityContext).toEqual(fileCapability ? { sysctls } : undefined);
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.containers[0].resources.limits.memory).toBeDefined();
      for (const volume of pod.volumes) expect(Object.keys(volume)).toEqual(["name", "emptyDir"]);
    }
    for (const account of named(objects, "ServiceAccount")) expect(account.automountServiceAccountToken).toBe(false);
  });
});

describe("the policies", { concurrent: true }, () => {
  test("allow the published application's calls, and nothing else", async () => {
    const allowed = named(await renderScenario("sock-shop"), "AuthorizationPolicy").flatMap(({ spec }) =>
      (spec.rules ?? []).map((rule: { from?: [{ source: { principals: string[] } }]; to: [{ operation: object }] }) => {
        const callers = rule.from?.[0].source.principals ?? ["anyone"];
        const prefix = "example.teleport.sh/ns/sock-shop/sa/";
        const short = callers.map((caller) => (caller.startsWith(prefix) ? caller.slice(prefix.length) : caller));
        const called = spec.selector.matchLabels["app.kubernetes.io/name"];
        return `${called} ${JSON.stringify(rule.to[0].operation)} from ${short.join(", ")}`;
      }),
    );
    expect(allowed).toEqual([
      'carts {"ports":["80"]} from front-end, orders',
      'carts-db {"ports":["27017"]} from carts',
      'catalogue {"ports":["80"]} from front-end',
      'catalogue-db {"ports":["3306"]} from catalogue',
      'front-end {"ports":["8079"]} from anyone',
      'orders {"ports":["80"]} from front-end',
      'orders-db {"ports":["27017"]} from orders',
      'payment {"ports":["80"]} from orders',
      'rabbitmq {"ports":["5672"]} from queue-master, shipping',
      'session-db {"ports":["6379"]} from front-end',
      'shipping {"ports":["80"]} from orders',
      'user {"ports":["80"]} from front-end, orders',
      'user-db {"ports":["27017"]} from user',
    ]);
  });

  test("leave plaintext to the front-end, on its container's port, as long as anyone may call it", async () => {
    const objects = await renderScenario("sock-shop");
    expect(objects.get("PeerAuthentication front-end")?.spec).toEqual({
      selector: { matchLabels: { "app.kubernetes.io/name": "front-end" } },
      mtls: { mode: "STRICT" },
      portLevelMtls: { 8079: { mode: "PERMISSIVE" } },
    });
  });

  test("let the front-end's callers be a gateway, which ends the exception", async () => {
    const gateway = [
      "mesh.gateways.shop.namespace=shop-ingress",
      "mesh.gateways.shop.serviceAccount=shop-ingress",
      "sockShop.frontEnd.callers[0].gateway=shop",
    ];
    const objects = await renderScenario("sock-shop", ...gateway);
    expect(objects.has("PeerAuthentication front-end")).toBe(false);
    expect(objects.get("AuthorizationPolicy allow-front-end")?.spec.rules).toEqual([
      {
        from: [{ source: { principals: ["example.teleport.sh/ns/shop-ingress/sa/shop-ingress"] } }],
        to: [{ operation: { ports: ["8079"] } }],
      },
    ]);
  });

  test("are one switch", async () => {
    const entry = "PeerAuthentication front-end";
    const strict = "PeerAuthentication default";
    const allow = PARTS.filter((part) => part !== "queue-master").map((part) => `AuthorizationPolicy allow-${part}`);
    const denyAll = "AuthorizationPolicy deny-all";
    expect((await policies()).toSorted()).toEqual([...allow, denyAll, strict, entry].toSorted());
    expect((await policies("sockShop.policies=denyAll")).toSorted()).toEqual([denyAll, strict, entry].toSorted());
    expect((await policies("sockShop.policies=dryRun")).toSorted()).toEqual([...allow, denyAll, entry].toSorted());
    expect(await policies("sockShop.policies=none")).toEqual([entry]);
  });
});

describe("its name", () => {
  test("is known in one place, and data for every other template and tool", () => {
    const texts = ["chart/templates", "chart/charts/tbot", "chart/charts/test-app", "tools"].flatMap((dir) =>
      readdirSync(repositoryPath(dir), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(dir, relative(repositoryPath(dir), entry.parentPath), entry.name))
        .map((path) => ({ path, text: readFileSync(repositoryPath(path), "utf8") })),
    );
    expect(texts.length).toBeGreaterThan(100);
    // The values' keys are written out by gen-schema.
    const written = texts.filter(({ text }) => !/^\/\/ Generated .*by npm run gen-schema; do not edit\.$/m.test(text));
    const naming = written.filter(({ path, text }) => /sock[-_ ]?shop/i.test(`${path}\n${text}`));
    expect(naming.map(({ path }) => path)).toEqual(["chart/templates/graph/_bundled.tpl"]);
  });
});
