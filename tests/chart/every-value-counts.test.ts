import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readValueNodes } from "../../scripts/gen-schema/values-comments.ts";
import { ExitError } from "../../tools/base/exit-error.ts";
import { istioValues } from "../../tools/chart/istio-values.ts";
import { helmTemplate, type ValuesInputs } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { teleportDocuments } from "../../tools/teleport/documents.ts";
import { tokenDocument } from "../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../tools/teleport/join/jwks.ts";
import { mergedValues } from "../../tools/values/load.ts";
import type { Values } from "../../tools/values/types.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { scenarioInputs } from "../support/scenarios.ts";
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
};
const RELEASE_NAMESPACE = "elsewhere";

/** What must be set besides for a leaf to be legal or to count. */
const CONTEXT: Record<string, unknown> = {
  "global.teleport.join.issuer": {
    global: { teleport: { join: { type: "oidc", issuer: "https://issuer.example" } } },
  },
};

const keys = (() => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] };
  return parseJwks(Buffer.from(JSON.stringify(jwks)), "the test");
})();

/** The documents in the order of their cost: Teleport's are made in this process, each other one by a run of Helm. */
const OUTPUTS: ((values: Values, inputs: ValuesInputs) => Promise<string>)[] = [
  async (values) =>
    teleportDocuments(values)
      .map(({ yaml }) => yaml)
      .join("---\n") + joinToken(values),
  (_, inputs) => helmTemplate(systemRunner, { inputs, namespace: RELEASE_NAMESPACE }),
  (_, inputs) => istioValues(systemRunner, inputs, "istiod"),
  (_, inputs) => istioValues(systemRunner, inputs, "gateway"),
];

function joinToken({ global, tbot }: Values): string {
  const { bot, join } = global.teleport;
  const means =
    join.type === "static_jwks"
      ? { type: join.type, keys }
      : join.type === "oidc"
        ? { type: join.type, issuer: join.issuer }
        : { type: join.type };
  const serviceAccounts = [`${tbot.namespace.name}:${tbot.serviceAccount.name}`];
  return tokenDocument({ tokenName: join.tokenName, botName: bot.name, serviceAccounts, means }, "yaml");
}

function inputsOf(...layers: unknown[]): ValuesInputs {
  return { files: layers.map((layer, index) => ({ name: `${index}`, text: JSON.stringify(layer) })), sets: [] };
}

/** Whether some output differs between two sets of values. */
async function differs(before: ValuesInputs, after: ValuesInputs): Promise<boolean> {
  const values = await mergedValues(systemRunner, after);
  for (const [index, output] of OUTPUTS.entries()) {
    if ((await baseline(index, before)) !== (await output(values, after))) return true;
  }
  return false;
}

const unchanged = new Map<string, Promise<Values>>();
const baselines = new Map<string, Promise<string>>();

/** The unchanged values; most leaves share them. */
function unchangedValues(inputs: ValuesInputs): Promise<Values> {
  const id = JSON.stringify(inputs);
  const known = unchanged.get(id) ?? mergedValues(systemRunner, inputs);
  unchanged.set(id, known);
  return known;
}

/** An output of the unchanged values. */
function baseline(index: number, inputs: ValuesInputs): Promise<string> {
  const id = JSON.stringify([index, inputs]);
  const known = baselines.get(id) ?? unchangedValues(inputs).then((values) => OUTPUTS[index]?.(values, inputs) ?? "");
  baselines.set(id, known);
  return known;
}

const NODES = readValueNodes(readFileSync(repositoryPath("chart/values.yaml"), "utf8"));
/** Maps whose entries have values of their own, which are tried one by one below. */
const GRAPHS = ["mesh.gateways", "mesh.applications"];
const LEAVES = leavesOf(NODES).filter(({ path }) => !GRAPHS.includes(path));
const { definitions } = JSON.parse(readFileSync(repositoryPath("chart/values.schema.json"), "utf8")) as {
  definitions: Record<string, { properties: object }>;
};

describe("every value changes something that is rendered", { concurrent: true }, () => {
  test.each(LEAVES.map((leaf) => [leaf.path, leaf] as const))("%s", async (path, leaf) => {
    const base = [EVERYTHING_ON, SECTIONS[path.split(".")[0] as string] ?? CONTEXT[path] ?? {}];
    const current = read(await unchangedValues(inputsOf(...base)), path);
    const refusals: string[] = [];
    for (const value of alternatives(leaf, current, definitions)) {
      try {
        const changed = await differs(inputsOf(...base), inputsOf(...base, valuesAt(path, value)));
        expect(changed, `${path} = ${JSON.stringify(value)} changes no byte; use it in a template or remove it`).toBe(
          true,
        );
        return;
      } catch (error) {
        // Legal by its schema but refused together with other values: the next alternative may do.
        if (!(error instanceof ExitError)) throw error;
        refusals.push(error.message);
      }
    }
    throw new Error(`${path}: every alternative is refused: ${refusals.join(" ")}`);
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

describe("every part of a graph changes something that is rendered", { concurrent: true }, () => {
  const policies = async (assignments: string) => {
    const inputs = await scenarioInputs("graph", ...assignments.split(",").filter((set) => set !== ""));
    return helmTemplate(systemRunner, { inputs, showOnly: ["templates/graph/applications.yaml"] });
  };

  test.each(Object.entries(PARTS_OF_A_GRAPH))("%s", async (_, [before, after]) => {
    expect(await policies(after)).not.toBe(await policies(before));
  });

  test("none is without a case here", () => {
    const all = Object.entries(definitions).flatMap(([name, { properties }]) =>
      Object.keys(properties).map((key) => `${name}.${key}`),
    );
    // The protocol decides what is refused (methods on TCP), and what Sock Shop's Services say.
    expect(Object.keys(PARTS_OF_A_GRAPH).concat("Port.protocol").toSorted()).toEqual(all.toSorted());
  });
});

test("the comparison sees that values do not differ", async () => {
  const inputs = inputsOf(EVERYTHING_ON);
  expect(await differs(inputs, inputsOf(EVERYTHING_ON, { tbot: { debug: false } }))).toBe(false);
});

function read(values: Values, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], values);
}
