import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readValueNodes } from "../../scripts/gen-schema/values-comments.ts";
import { teleportDocuments } from "../../tools/teleport/documents.ts";
import { joinToken, tokenDocument } from "../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../tools/teleport/join/jwks.ts";
import type { Values } from "../../tools/values/types.ts";
import { type Outcome, once, renderMany } from "../support/render-many.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { alternatives, leavesOf, valuesAt } from "./support/perturb.ts";

/**
 * A value that changes nothing is a lie to whoever sets it. Each leaf of values.yaml is changed to another legal value,
 * and some byte of what is rendered must change: Teleport's documents, the join token, the manifests, Istio's values.
 */

/** Everything on, so that every value can show. The namespace of tbot is made only outside its own release. */
const EVERYTHING_ON = {
  global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } },
  testApp: { enabled: true },
};
/** Only where they count: more to render. */
const SECTIONS: Record<string, unknown> = {
  sockShop: { sockShop: { enabled: true } },
  monitoring: { monitoring: { enabled: true } },
  watch: { watch: { enabled: true, image: "a.example/tools:1", namespaces: ["shop"] } },
};

/** What must be set besides for a leaf to be legal or to count. */
const CONTEXT: Record<string, unknown> = {
  "global.teleport.join.issuer": {
    global: { teleport: { join: { type: "oidc", issuer: "https://issuer.example" } } },
  },
  ...Object.fromEntries(
    ["driverName", "kubeletDir", "driverImage", "registrarImage", "resources"].map((key) => [
      `tbot.csi.${key}`,
      { tbot: { socket: { mode: "csi" } } },
    ]),
  ),
  // Else the test app's namespace is not among them.
  "global.teleport.workloadIdentity.allowedNamespaces": {
    global: { teleport: { workloadIdentity: { allowedNamespaces: ["test-app"] } } },
  },
  "istio.injection.scope": { istio: { blockIstiodCertificates: false }, testApp: { enabled: false } },
  "istio.injection.namespaces": {
    istio: { blockIstiodCertificates: false, injection: { scope: "namespace", namespaces: ["test-app"] } },
  },
  "tbot.dnsPolicy": { tbot: { dnsConfig: { nameservers: ["192.0.2.1"] } } },
  "tbot.extraVolumeMounts": { tbot: { extraVolumes: [{ name: "perturbed", emptyDir: {} }] } },
  "tbot.networkPolicy.metricsFrom": { tbot: { networkPolicy: { enabled: true } } },
  "tbot.networkPolicy.extraEgress": { tbot: { networkPolicy: { enabled: true } } },
  "tbot.resourceQuota.pods": { tbot: { resourceQuota: { enabled: true } } },
};

const keys = (() => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] };
  return parseJwks(Buffer.from(JSON.stringify(jwks)), "the test");
})();

/** A set of values and another one, which shall give other bytes. */
interface Pair {
  before: readonly object[];
  after: readonly object[];
}

/** Whether some output differs; or why the chart refuses the other values. */
type Verdict = boolean | { refused: string };

/**
 * Compares pairs by the documents in the order of their cost: Teleport's are made in this process, the manifests and
 * Istio's values by Helm, for all pairs at once.
 */
async function compare(pairs: readonly Pair[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = pairs.map(() => false);
  for (const print of ["", "istiod", "gateway"]) {
    const open = [...pairs.keys()].filter((index) => verdicts[index] === false);
    const outputs = await outputsOf(
      open.flatMap((index) => {
        const { before, after } = pairs[index] as Pair;
        return [before, after].map((layers) => (print === "" ? layers : [...layers, { istio: { print } }]));
      }),
    );
    for (const [place, index] of open.entries()) {
      const [before, after] = outputs.slice(2 * place, 2 * place + 2) as [Outcome, Outcome];
      const problems = [...after.refused, ...after.problems];
      expect([...before.refused, ...before.problems]).toEqual([]);
      if (problems.length > 0) verdicts[index] = { refused: problems.join(" ") };
      else verdicts[index] = everything(before) !== everything(after);
    }
  }
  return verdicts;
}

/** The outcome of each set of values; equal ones are rendered once. */
async function outputsOf(all: readonly (readonly object[])[]): Promise<Outcome[]> {
  const distinct = new Map(all.map((layers) => [JSON.stringify(layers), layers]));
  const outcomes = await renderMany([...distinct.values()].map((layers) => ({ layers })));
  const known = new Map([...distinct.keys()].map((id, index) => [id, outcomes[index]]));
  return all.map((layers) => known.get(JSON.stringify(layers)) as Outcome);
}

function everything({ values, documents }: Outcome): string {
  const teleport = teleportDocuments(values as Values).map(({ text: yaml }) => yaml);
  return [...teleport, tokenDocument(joinToken(values as Values, keys), "yaml"), JSON.stringify([...documents])].join(
    "---\n",
  );
}

const NODES = readValueNodes(readFileSync(repositoryPath("chart/values.yaml"), "utf8"));
/** Maps whose entries have values of their own, which are tried one by one below. */
const GRAPHS = ["mesh.gateways", "mesh.applications"];
/** Helm itself reads it, as the condition of a parent chart (parent-chart.test.ts). */
const READ_BY_HELM = ["enabled"];
/** Only the checks read it (refused-values.test.ts). */
const READ_BY_CHECKS = ["checkCRDs"];
const LEAVES = leavesOf(NODES).filter(({ path }) => ![...GRAPHS, ...READ_BY_HELM, ...READ_BY_CHECKS].includes(path));
const { definitions } = JSON.parse(readFileSync(repositoryPath("chart/values.schema.json"), "utf8")) as {
  definitions: Record<string, { properties: object }>;
};

const baseOf = (path: string) =>
  [EVERYTHING_ON, SECTIONS[path.split(".")[0] as string] ?? CONTEXT[path] ?? {}] as object[];

/** What became of each leaf: a verdict with the value that was tried last, and why those before it were refused. */
interface Tried {
  value: unknown;
  changed: boolean;
  refusals: string[];
}

/** Tries the likeliest value of all leaves at once, then the next one of those that were refused, and so on. */
async function tryLeaves(): Promise<Map<string, Tried>> {
  const defaults = await outputsOf(LEAVES.map(({ path }) => baseOf(path)));
  const left = new Map(
    LEAVES.map((leaf, index) => {
      const current = read(defaults[index]?.values as Values, leaf.path);
      return [leaf.path, { values: alternatives(leaf, current, definitions), refusals: [] as string[] }];
    }),
  );
  const tried = new Map<string, Tried>();
  while (left.size > 0) {
    const open = [...left].map(([path, { values, refusals }]) => ({ path, value: values.shift(), refusals }));
    const verdicts = await compare(
      open.map(({ path, value }) => ({ before: baseOf(path), after: [...baseOf(path), valuesAt(path, value)] })),
    );
    for (const [index, { path, value, refusals }] of open.entries()) {
      const verdict = verdicts[index];
      // Legal by its schema but refused together with other values: the next alternative may do.
      if (typeof verdict === "object") refusals.push(verdict.refused);
      tried.set(path, { value, changed: verdict === true, refusals });
      if (typeof verdict !== "object" || left.get(path)?.values.length === 0) left.delete(path);
    }
  }
  return tried;
}

describe("every value changes something that is rendered", () => {
  const tried = once(tryLeaves);

  test.each(LEAVES.map(({ path }) => path))("%s", async (path) => {
    const { value, changed, refusals } = (await tried()).get(path) as Tried;
    expect(
      changed,
      `${path} = ${JSON.stringify(value)} changes no byte; use it in a template or remove it. ${refusals.join(" ")}`,
    ).toBe(true);
  });
});

const SHOP = "mesh.applications.shop.services";

/** For each value of a graph's parts: `--set` assignments on the scenario `graph`, and others of that value alone. */
const PARTS_OF_A_GRAPH: Record<string, [string, string]> = {
  "Gateway.namespace": ["", "mesh.gateways.public.namespace=x"],
  "Gateway.serviceAccount": ["", "mesh.gateways.public.serviceAccount=x"],
  "Application.namespace": ["", "mesh.applications.shop.namespace=x"],
  "Application.mode": ["", "mesh.applications.shop.mode=denyAll"],
  "Application.services": [
    "",
    `${SHOP}.new.labels.app=new,${SHOP}.new.serviceAccount=new,${SHOP}.new.ports[0].port=1,${SHOP}.new.ports[0].protocol=TCP,${SHOP}.new.callers[0].service=web`,
  ],
  "Service.labels": ["", `${SHOP}.web.labels.x=y`],
  "Service.serviceAccount": ["", `${SHOP}.orders.serviceAccount=x`],
  "Service.ports": ["", `${SHOP}.orders.ports[2].port=1,${SHOP}.orders.ports[2].protocol=TCP`],
  "Service.callers": ["", `${SHOP}.orders.callers[4].gateway=public`],
  "Port.port": ["", `${SHOP}.orders-db.ports[0].port=1`],
  "Port.targetPort": ["", `${SHOP}.orders.ports[0].targetPort=1`],
  "Caller.service": ["", `${SHOP}.orders.callers[0].service=batch`],
  "Caller.application": [
    `${SHOP}.orders.callers[4].service=entry,${SHOP}.orders.callers[4].application=open`,
    `${SHOP}.orders.callers[4].service=entry,${SHOP}.orders.callers[4].application=closed`,
  ],
  "Caller.gateway": [
    "mesh.gateways.other.namespace=x,mesh.gateways.other.serviceAccount=x",
    `mesh.gateways.other.namespace=x,mesh.gateways.other.serviceAccount=x,${SHOP}.web.callers[1].gateway=other`,
  ],
  "Caller.principal": ["", `${SHOP}.web.callers[2].principal=a/b`],
  "Caller.anyone": [`${SHOP}.orders.callers[4].principal=a/b`, `${SHOP}.orders.callers[4].anyone=true`],
  "Caller.ports": ["", `${SHOP}.web.callers[0].ports[0]=9090`],
  "Caller.methods": ["", `${SHOP}.web.callers[2].methods[0]=PUT`],
  "Caller.paths": ["", `${SHOP}.web.callers[2].paths[0]=/x`],
};

describe("every part of a graph changes something that is rendered", () => {
  const policies = once(async () => {
    const graph = parse(readFileSync(repositoryPath("chart/ci/graph-values.yaml"), "utf8"));
    const assignments = Object.values(PARTS_OF_A_GRAPH).flat();
    const cases = assignments.map((sets) => ({ layers: [graph], sets: sets.split(",").filter((set) => set !== "") }));
    const outcomes = await renderMany(cases);
    return new Map(assignments.map((sets, index) => [sets, outcomes[index] as Outcome]));
  });

  test.each(Object.entries(PARTS_OF_A_GRAPH))("%s", async (_, sides) => {
    const outcomes = await policies();
    const [before, after] = sides.map((sets) => {
      const { refused, problems, documents } = outcomes.get(sets) as Outcome;
      expect([...refused, ...problems]).toEqual([]);
      return documents.get("templates/graph/applications.yaml");
    });
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
  });

  test("none is without a case here", () => {
    const own = Object.entries(definitions).filter(([name]) => !name.startsWith("Kubernetes."));
    const all = own.flatMap(([name, { properties }]) => Object.keys(properties).map((key) => `${name}.${key}`));
    // The protocol decides what is refused (methods on TCP), and what Sock Shop's Services say.
    expect(Object.keys(PARTS_OF_A_GRAPH).concat("Port.protocol").toSorted()).toEqual(all.toSorted());
  });
});

test("the comparison sees that values do not differ", async () => {
  expect(await compare([{ before: [EVERYTHING_ON], after: [EVERYTHING_ON, { tbot: { debug: false } }] }])).toEqual([
    false,
  ]);
});

function read(values: Values, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], values);
}
