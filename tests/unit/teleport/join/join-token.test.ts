import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type JoinMeans, tokenDocument } from "../../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../../tools/teleport/join/jwks.ts";
import { ecKey, jwksBytes, rsaKey } from "../../support/keys.ts";
import { refusal } from "../../support/refusal.ts";

const keys = parseJwks(jwksBytes({ ...rsaKey("k\u00e91").jwk, use: "sig" }, ecKey("k2").jwk), "the test");
const names = { tokenName: "join", botName: "istio-tbot", serviceAccounts: ["ns-a:tbot", "ns-b:tbot"] };
const spec = (kubernetes: object) => ({
  roles: ["Bot"],
  bot_name: "istio-tbot",
  join_method: "kubernetes",
  kubernetes: { ...kubernetes, allow: [{ service_account: "ns-a:tbot" }, { service_account: "ns-b:tbot" }] },
});

describe("tokenDocument", () => {
  it("holds the keys as compact JSON", () => {
    const document = parse(tokenDocument({ ...names, means: { type: "static_jwks", keys } }, "yaml"));
    const { jwks } = document.spec.kubernetes.static_jwks;
    expect(document).toEqual({
      kind: "token",
      version: "v2",
      metadata: { name: "join" },
      spec: spec({ type: "static_jwks", static_jwks: { jwks } }),
    });
    expect(jwks).not.toMatch(/\s/);
    expect(JSON.parse(jwks)).toEqual({ keys });
  });

  it.each<[string, JoinMeans, object]>([
    ["oidc", { type: "oidc", issuer: "https://a.b/c" }, { type: "oidc", oidc: { issuer: "https://a.b/c" } }],
    ["in_cluster", { type: "in_cluster" }, { type: "in_cluster" }],
  ])("makes the type %s", (_, means, kubernetes) => {
    expect(parse(tokenDocument({ ...names, means }, "yaml")).spec).toEqual(spec(kubernetes));
  });

  it("says the same in JSON, and to the operator", () => {
    const token = { ...names, means: { type: "static_jwks", keys } } as const;
    const yaml = parse(tokenDocument(token, "yaml"));
    expect(JSON.parse(tokenDocument(token, "json"))).toEqual(yaml);
    expect(parse(tokenDocument(token, "operator"))).toEqual({
      apiVersion: "resources.teleport.dev/v2",
      kind: "TeleportProvisionToken",
      metadata: yaml.metadata,
      spec: yaml.spec,
    });
  });

  it.each(["yaml", "json", "operator"] as const)("ends %s with one line break", (format) => {
    expect(tokenDocument({ ...names, means: { type: "in_cluster" } }, format)).toMatch(/[^\n]\n$/);
  });

  it("refuses names that are none", async () => {
    const means = { type: "in_cluster" } as const;
    expect(await refusal(() => tokenDocument({ ...names, tokenName: "a: b", means }, "yaml"))).toContain(
      "metadata.name",
    );
    expect(await refusal(() => tokenDocument({ ...names, serviceAccounts: ["tbot"], means }, "yaml"))).toContain(
      'spec.kubernetes.allow[0].service_account is "tbot"',
    );
  });
});
