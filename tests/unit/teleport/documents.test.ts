import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { teleportDocuments } from "../../../tools/teleport/documents.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import type { Values } from "../../../tools/values/types.ts";
import { refusal } from "../support/refusal.ts";

/** The chart's values after `change`. */
async function values(change: (values: Values) => void = () => {}): Promise<Values> {
  const changed = structuredClone(DEFAULTS);
  change(changed);
  return changed;
}

describe("teleportDocuments", () => {
  it("makes role, bot and workload identity of the defaults, in this order", async () => {
    const documents = teleportDocuments(await values());
    expect(documents.map(({ kind }) => kind)).toEqual(["role", "bot", "workload_identity"]);
    expect(documents.map(({ text: yaml }) => parse(yaml))).toEqual([
      {
        kind: "role",
        version: "v7",
        metadata: { name: "istio-workload-identity-issuer" },
        spec: {
          options: { max_session_ttl: "1h0m0s" },
          allow: {
            workload_identity_labels: { env: ["dev"], "part-of": ["istio-teleport"] },
            rules: [{ resources: ["workload_identity"], verbs: ["read", "list"] }],
          },
        },
      },
      {
        kind: "bot",
        version: "v1",
        metadata: { name: "istio-tbot" },
        spec: { roles: ["istio-workload-identity-issuer"] },
      },
      {
        kind: "workload_identity",
        version: "v1",
        metadata: { name: "istio-workloads", labels: { env: "dev", "part-of": "istio-teleport" } },
        spec: {
          rules: { allow: [{ conditions: [{ attribute: "workload.kubernetes.attested", eq: { value: "true" } }] }] },
          spiffe: {
            id: "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}",
            x509: { maximum_ttl: "3600s" },
            jwt: { maximum_ttl: "3600s" },
          },
        },
      },
    ]);
  });

  it("joins to one stream of YAML documents", async () => {
    const stream = teleportDocuments(await values())
      .map(({ text: yaml }) => yaml)
      .join("---\n");
    expect(parseAllDocuments(stream)).toHaveLength(3);
  });

  it.each([
    ["90s", "90s", "90s"],
    ["24h", "86400s", "86400s"],
    ["336h", "1209600s", "86400s"],
  ])("caps certificates at the credential life %s, and JWTs at 24 h too", async (life, x509, jwt) => {
    const documents = teleportDocuments(
      await values((v) => {
        v.tbot.credentialTTL = life;
      }),
    );
    expect(parse(documents[2]?.text ?? "").spec.spiffe).toMatchObject({
      x509: { maximum_ttl: x509 },
      jwt: { maximum_ttl: jwt },
    });
  });

  it("refuses a life that Teleport would refuse", async () => {
    const long = await values((v) => {
      v.tbot.credentialTTL = "337h";
    });
    expect(await refusal(() => teleportDocuments(long))).toBe(
      `Teleport's workload_identity "istio-workloads": spec.spiffe.x509.maximum_ttl is "1213200s"; write it in whole seconds such as "3600s", at most "1209600s" (336h).`,
    );
  });

  it.each([
    'dev"\nspec: x',
    "dev: x",
    "- dev",
    "dev #",
    "'",
    "\\",
    "& | > % @ `",
    "true",
    "null",
    "12",
    "é \u0085\u2028\u2029 😀 \u007f",
    "\t\r\n",
    "<b>&amp;</b>",
  ])("carries the label value %j as it is", async (value) => {
    const documents = teleportDocuments(
      await values((v) => {
        v.global.teleport.workloadIdentity.labels = { env: value };
      }),
    );
    for (const { text } of documents) expect(text).toMatch(/^[\n\x20-\x7e]+$/);
    expect(parse(documents[0]?.text ?? "").spec.allow.workload_identity_labels).toEqual({ env: [value] });
    expect(parse(documents[2]?.text ?? "").metadata.labels).toEqual({ env: value });
    // Teleport's own parser follows YAML 1.1.
    expect(parse(documents[2]?.text ?? "", { version: "1.1" }).metadata.labels).toEqual({ env: value });
  });

  it.each(["env\n  x", 'a"b', "a: b", "yes"])("carries the label %j as it is", async (label) => {
    const [role] = teleportDocuments(
      await values((v) => {
        v.global.teleport.workloadIdentity.labels = { [label]: "x" };
      }),
    );
    expect(parse(role?.text ?? "", { version: "1.1" }).spec.allow.workload_identity_labels).toEqual({ [label]: ["x"] });
  });

  it.each(["*", "dev*", "^dev$", "{{internal.env}}"])(
    "refuses %j, which Teleport would match others with",
    async (value) => {
      const asValue = await values((v) => {
        v.global.teleport.workloadIdentity.labels = { env: value };
      });
      const asKey = await values((v) => {
        v.global.teleport.workloadIdentity.labels = { [value]: "dev" };
      });
      for (const wide of [asValue, asKey]) {
        expect(await refusal(() => teleportDocuments(wide))).toContain("which Teleport reads as patterns");
      }
    },
  );

  it("refuses half a surrogate pair, which is no Unicode", async () => {
    const half = await values((v) => {
      v.global.teleport.workloadIdentity.labels = { env: "\ud83d" };
    });
    expect(await refusal(() => teleportDocuments(half))).toContain('"\\ud83d" is not valid Unicode');
  });
});
