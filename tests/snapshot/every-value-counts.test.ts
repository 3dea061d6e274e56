import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readValueNodes } from "../../tools/gen-schema/values-comments.ts";
import { ExitError } from "../../tools/lib/exit-error.ts";
import { helmTemplate, type ValuesInputs } from "../../tools/lib/helm.ts";
import { istioValues } from "../../tools/lib/istio-values.ts";
import { tokenDocument } from "../../tools/lib/join-token.ts";
import { parseJwks } from "../../tools/lib/jwks.ts";
import { teleportDocuments } from "../../tools/lib/teleport-documents.ts";
import { mergedValues } from "../../tools/lib/values.ts";
import type { Values } from "../../tools/lib/values-types.ts";
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
  (_, inputs) => helmTemplate({ inputs, namespace: RELEASE_NAMESPACE }),
  (_, inputs) => istioValues(inputs, "istiod"),
  (_, inputs) => istioValues(inputs, "gateway"),
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
  const values = await mergedValues(after);
  for (const [index, output] of OUTPUTS.entries()) {
    if ((await baseline(index, before)) !== (await output(values, after))) return true;
  }
  return false;
}

const baselines = new Map<string, Promise<string>>();

/** An output of the unchanged values; most leaves share them. */
function baseline(index: number, inputs: ValuesInputs): Promise<string> {
  const id = JSON.stringify([index, inputs]);
  const known = baselines.get(id) ?? mergedValues(inputs).then((values) => OUTPUTS[index]?.(values, inputs) ?? "");
  baselines.set(id, known);
  return known;
}

const NODES = readValueNodes(readFileSync(repositoryPath("chart/values.yaml"), "utf8"));

describe("every value changes something that is rendered", { concurrent: true }, () => {
  test.each(leavesOf(NODES).map((leaf) => [leaf.path, leaf] as const))("%s", async (path, leaf) => {
    const base = [EVERYTHING_ON, CONTEXT[path] ?? {}];
    const current = read(await mergedValues(inputsOf(...base)), path);
    const refusals: string[] = [];
    for (const value of alternatives(leaf, current)) {
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

test("the comparison sees that values do not differ", async () => {
  const inputs = inputsOf(EVERYTHING_ON);
  expect(await differs(inputs, inputsOf(EVERYTHING_ON, { tbot: { debug: false } }))).toBe(false);
});

function read(values: Values, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], values);
}
