import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { joinDocuments } from "../../../tools/teleport/document-form.ts";
import { teleportDocuments } from "../../../tools/teleport/documents.ts";
import { joinToken, tokenDocument } from "../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";

/**
 * What two clusters give one Teleport, as the double's test TestSeveralClusters reads it: Go renders no documents, so it
 * takes ours from these files. `npx vitest run tests/unit/teleport/several-clusters.test.ts -u` writes them.
 */
const fixture = (name: string) =>
  new URL(`../../../lab/go/teleport-double/internal/authserver/testdata/several-clusters/${name}`, import.meta.url)
    .pathname;
const keys = parseJwks(readFileSync(new URL("./golden/jwks.json", import.meta.url)), "the golden JWKS");

const CLUSTERS = {
  prod: { allowedNamespaces: ["payments", "istio-ingress"], sidecarsOnly: true },
  dev: { allowedNamespaces: ["sandbox"], sidecarsOnly: false },
};

describe("the documents in the double's test are those that we render", () => {
  it.each(Object.entries(CLUSTERS))("%s", async (cluster, rules) => {
    const values = structuredClone(DEFAULTS);
    Object.assign(values.global.teleport, { cluster });
    Object.assign(values.global.teleport.workloadIdentity, rules);
    const texts = [
      ...teleportDocuments(values).map(({ text }) => text),
      tokenDocument(joinToken(values, keys), "yaml"),
    ];
    await expect(joinDocuments(texts, "yaml")).toMatchFileSnapshot(fixture(`${cluster}.yaml`));
    // Whatever the files say: no name of the one is a name of the other.
    for (const name of texts.flatMap((text) => text.match(/^ {2}name: .*$/m) ?? [])) {
      expect(name).toMatch(new RegExp(`-${cluster}"$`));
    }
  });
});
