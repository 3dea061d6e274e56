import { expect, test } from "vitest";
import { type Rendered, renderObjects } from "../support/scenarios.ts";

/** What the graph of chart/ci/graph-values.yaml compiles to; each line is a promise of docs/operate/policies.md. */

/** The objects of one application, by "Kind name". */
async function objectsOf(namespace: string, ...sets: string[]): Promise<Map<string, Rendered>> {
  const objects = await renderObjects("graph", ...sets);
  const own = objects.filter(({ metadata }) => metadata.namespace === namespace);
  return new Map(own.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
}

const principal = (namespace: string, serviceAccount: string) =>
  `example.teleport.sh/ns/${namespace}/sa/${serviceAccount}`;

/** A rule of an AuthorizationPolicy; without principals it is for everybody. */
const rule = (operation: object, ...principals: string[]) => ({
  ...(principals.length > 0 && { from: [{ source: { principals } }] }),
  to: [{ operation }],
});

test("enforce: a deny-all, strict mutual TLS, and one policy for each service that is called", async () => {
  const objects = await objectsOf("shop");
  expect([...objects.keys()].toSorted()).toEqual([
    "AuthorizationPolicy allow-orders",
    "AuthorizationPolicy allow-orders-db",
    "AuthorizationPolicy allow-web",
    "AuthorizationPolicy deny-all",
    "PeerAuthentication default",
    "PeerAuthentication web",
  ]);
  expect(objects.get("AuthorizationPolicy deny-all")?.spec).toEqual({});
  expect(objects.get("PeerAuthentication default")?.spec).toEqual({ mtls: { mode: "STRICT" } });
  for (const { metadata } of objects.values()) expect(metadata.annotations).toBeUndefined();
});

test("a policy selects the service's pods and names principals with their trust domain and the container's ports", async () => {
  expect((await objectsOf("shop")).get("AuthorizationPolicy allow-orders")?.spec).toEqual({
    selector: { matchLabels: { app: "orders", tier: "backend" } },
    action: "ALLOW",
    rules: [
      // Callers that may do the same share a rule, in the order of the values.
      rule(
        { ports: ["8080", "50051"] },
        principal("shop", "web"),
        principal("office", "audit"),
        principal("shop", "orders"),
      ),
      rule({ ports: ["50051"], paths: ["/orders.v1.Orders/*"] }, principal("office", "billing")),
    ],
  });
});

test("gateways, raw principals and anyone: each rule holds no more than its caller", async () => {
  expect((await objectsOf("shop")).get("AuthorizationPolicy allow-web")?.spec.rules).toEqual([
    rule({ ports: ["8080"] }),
    rule({ ports: ["8080"] }, principal("istio-ingress", "public-gateway")),
    rule({ ports: ["9090"], methods: ["GET"], paths: ["/metrics"] }, principal("monitoring", "*")),
  ]);
});

test("an entry point takes plaintext on the container ports that anyone may use, and on no other", async () => {
  expect((await objectsOf("shop")).get("PeerAuthentication web")?.spec).toEqual({
    selector: { matchLabels: { app: "web" } },
    mtls: { mode: "STRICT" },
    portLevelMtls: { "8080": { mode: "PERMISSIVE" } },
  });
});

test("dryRun: the same policies, marked, and no mutual TLS of its own", async () => {
  const marked = await objectsOf("office");
  const policies = [...marked.values()].filter(({ kind }) => kind === "AuthorizationPolicy");
  expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual(["allow-billing", "deny-all"]);
  for (const { metadata } of policies) expect(metadata.annotations).toEqual({ "istio.io/dry-run": "true" });
  expect(marked.has("PeerAuthentication default")).toBe(false);
  expect(marked.get("PeerAuthentication billing")?.spec).toEqual({
    selector: { matchLabels: { app: "billing" } },
    portLevelMtls: { "8443": { mode: "PERMISSIVE" } },
  });
  const enforced = await objectsOf("office", "mesh.applications.office.mode=enforce");
  for (const { metadata, spec } of policies) {
    expect(enforced.get(`AuthorizationPolicy ${metadata.name}`)?.spec).toEqual(spec);
  }
});

test("denyAll: nothing is allowed, and plaintext of an entry point is refused by policy, not by TLS", async () => {
  const objects = await objectsOf("closed");
  expect([...objects.keys()].toSorted()).toEqual([
    "AuthorizationPolicy deny-all",
    "PeerAuthentication default",
    "PeerAuthentication entry",
  ]);
  expect(objects.get("PeerAuthentication entry")?.spec.portLevelMtls).toEqual({ "8081": { mode: "PERMISSIVE" } });
});

test("off: no policy; entry points still take plaintext", async () => {
  const objects = await objectsOf("open");
  expect([...objects.keys()]).toEqual(["PeerAuthentication entry"]);
  expect(objects.get("PeerAuthentication entry")?.spec).toEqual({
    selector: { matchLabels: { app: "entry" } },
    portLevelMtls: { "8080": { mode: "PERMISSIVE" } },
  });
});

test("names that YAML would take for something else stay text", async () => {
  const service = "mesh.applications.shop.services.123";
  const objects = await objectsOf(
    "shop",
    `${service}.serviceAccount=a,${service}.ports[0].port=80,${service}.ports[0].protocol=HTTP,${service}.callers[0].anyone=true`,
    `${service}.labels.app=x`,
  );
  const { metadata } = objects.get("PeerAuthentication 123") ?? { metadata: undefined };
  expect(metadata?.labels["app.kubernetes.io/name"]).toBe("123");
});
