import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { type DocumentForm, joinDocuments } from "../../../tools/teleport/document-form.ts";
import { teleportDocuments } from "../../../tools/teleport/documents.ts";
import { terraformResource } from "../../../tools/teleport/hcl.ts";
import { joinToken, tokenDocument } from "../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import type { Values } from "../../../tools/values/types.ts";
import { refusal } from "../support/refusal.ts";

const golden = (name: string) => new URL(`./golden/${name}`, import.meta.url).pathname;
const keys = parseJwks(readFileSync(golden("jwks.json")), "the golden JWKS");

/** Role, bot, workload identity and join token of the chart's defaults. */
function all(form: DocumentForm, values: Values = DEFAULTS): string[] {
  return [...teleportDocuments(values, form).map(({ text }) => text), tokenDocument(joinToken(values, keys), form)];
}

/** What the documents say to tctl. */
const said = () => all("yaml").map((text) => parse(text));

/** The paths of a document's leaves: names of keys, [] for a list's items, * for a label of the user. */
function paths(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => paths(item, `${path}[]`)))];
  if (typeof value !== "object" || value === null) return [path];
  const isFree = /labels$/.test(path);
  return Object.entries(value).flatMap(([key, item]) => paths(item, `${path}${path && "."}${isFree ? "*" : key}`));
}

// Read on 2026-11-28 in gravitational/teleport: docs/pages/reference/infrastructure-as-code/terraform-provider/resources/
// {role,bot,workload_identity,provision_token}.mdx, and integrations/operator/config/crd/bases/
// resources.teleport.dev_{rolesv7,botsv1,workloadidentitiesv1,provisiontokens}.yaml (rolesv7 at a0b16a5e: older ones lack
// workload_identity_labels). Under spec both have the same names.
const DOCUMENTED = {
  role: [
    "spec.options.max_session_ttl",
    "spec.allow.workload_identity_labels.*[]",
    "spec.allow.rules[].resources[]",
    "spec.allow.rules[].verbs[]",
  ],
  bot: ["spec.roles[]"],
  workload_identity: [
    "spec.rules.allow[].conditions[].attribute",
    "spec.rules.allow[].conditions[].eq.value",
    "spec.spiffe.id",
    "spec.spiffe.x509.maximum_ttl",
    "spec.spiffe.jwt.maximum_ttl",
  ],
  token: [
    "spec.roles[]",
    "spec.bot_name",
    "spec.join_method",
    "spec.kubernetes.type",
    "spec.kubernetes.static_jwks.jwks",
    "spec.kubernetes.allow[].service_account",
  ],
};

describe("the four resources", () => {
  it("have only names that the operator's CRDs and the Terraform provider document", () => {
    for (const { kind, spec, metadata } of said()) {
      expect([...new Set(paths({ spec }))]).toEqual(DOCUMENTED[kind as keyof typeof DOCUMENTED]);
      expect(Object.keys(metadata).filter((key) => key !== "name" && key !== "labels")).toEqual([]);
    }
  });

  it("for tctl are a stream of YAML or of JSON", async () => {
    const yaml = joinDocuments(all("yaml"), "yaml");
    expect(parseAllDocuments(yaml).map((document) => document.toJS().kind)).toEqual(Object.keys(DOCUMENTED));
    const json = joinDocuments(all("json"), "json");
    // tctl reads one JSON value after the other; a list or --- between them it refuses.
    expect(JSON.parse(`[${json.replaceAll("\n}\n{", "\n},\n{")}]`)).toEqual(said());
    await expect(yaml).toMatchFileSnapshot(golden("tctl.yaml"));
  });

  it("for the operator have its kinds and versions, and say the same", async () => {
    const text = joinDocuments(all("operator"), "operator");
    const objects = parseAllDocuments(text).map((document) => document.toJS());
    expect(objects.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      "resources.teleport.dev/v1 TeleportRoleV7",
      "resources.teleport.dev/v1 TeleportBotV1",
      "resources.teleport.dev/v1 TeleportWorkloadIdentityV1",
      "resources.teleport.dev/v2 TeleportProvisionToken",
    ]);
    expect(objects.map(({ metadata, spec }) => ({ metadata, spec }))).toEqual(
      said().map(({ metadata, spec }) => ({ metadata, spec })),
    );
    for (const object of objects) expect(Object.keys(object)).toEqual(["apiVersion", "kind", "metadata", "spec"]);
    await expect(text).toMatchFileSnapshot(golden("operator.yaml"));
  });

  it("for Terraform are its provider's resources, and say the same", async () => {
    const text = joinDocuments(all("terraform"), "terraform");
    expect(text.match(/^resource .*(?= \{$)/gm)).toEqual([
      'resource "teleport_role" "istio-workload-identity-issuer"',
      'resource "teleport_bot" "istio-tbot"',
      'resource "teleport_workload_identity" "istio-workloads"',
      'resource "teleport_provision_token" "istio-tbot-k8s-join"',
    ]);
    expect(all("terraform").map(readHcl)).toEqual(
      said().map(({ version, metadata, spec }) => ({ version, metadata, spec })),
    );
    // The comment of the template stands before its block.
    expect(text).toMatch(/^# Lets the bot issue .*\n(#.*\n)*resource "teleport_role"/);
    await expect(text).toMatchFileSnapshot(golden("terraform.tf"));
  });

  it("refuses for the operator what Kubernetes would refuse, and takes it for tctl", async () => {
    const labelled = structuredClone(DEFAULTS);
    labelled.global.teleport.workloadIdentity.labels = { env: "dev and test" };
    expect(() => all("yaml", labelled)).not.toThrow();
    expect(await refusal(() => all("operator", labelled))).toContain(
      'metadata.labels.env is "dev and test"; with the operator it is a label of a Kubernetes object',
    );
    const named = structuredClone(DEFAULTS);
    named.global.teleport.bot.name = "Istio_tbot";
    expect(() => all("terraform", named)).not.toThrow();
    expect(await refusal(() => all("operator", named))).toContain("with the operator it names a Kubernetes object");
  });
});

describe("the resources of one of several clusters", () => {
  const values = structuredClone(DEFAULTS);
  Object.assign(values.global.teleport, { cluster: "prod" });
  Object.assign(values.global.teleport.workloadIdentity, { allowedNamespaces: ["shop", "edge"], sidecarsOnly: true });
  const said = all("yaml", values).map((text) => parse(text));

  it("have only names that the operator's CRDs and the Terraform provider document", () => {
    const [identity] = said.filter(({ kind }) => kind === "workload_identity");
    // Both list eq, not_eq, in and not_in for a condition.
    expect([...new Set(paths({ spec: identity.spec }))].toSorted()).toEqual(
      [...DOCUMENTED.workload_identity, "spec.rules.allow[].conditions[].in.values[]"].toSorted(),
    );
  });

  it("say the same in every form, with the cluster's names", () => {
    const objects = all("operator", values).map((text) => parse(text));
    expect(objects.map(({ metadata, spec }) => ({ metadata, spec }))).toEqual(
      said.map(({ metadata, spec }) => ({ metadata, spec })),
    );
    expect(all("terraform", values).map(readHcl)).toEqual(
      said.map(({ version, metadata, spec }) => ({ version, metadata, spec })),
    );
    expect(all("json", values).map((text) => JSON.parse(text))).toEqual(said);
    expect(said.map(({ metadata }) => metadata.name)).toEqual([
      "istio-workload-identity-issuer-prod",
      "istio-tbot-prod",
      "istio-workloads-prod",
      "istio-tbot-k8s-join-prod",
    ]);
  });
});

describe("terraformResource", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of Terraform
  it.each(["${var.x}", "%{ if true }", '"\\', "\u0000\b\f\n\r\t\u007f", "é\u2028😀", "$$ % $"])(
    "carries the text %j as it is",
    (text) => {
      const metadata = { name: "n", labels: { [text]: text, for: "for" } };
      const hcl = terraformResource({ kind: "bot", version: "v1", metadata, spec: {} });
      expect(hcl).toMatch(/^[\n\x20-\x7e]+$/);
      expect(hcl).not.toMatch(/(?<![$%])[$%]\{/);
      expect(readHcl(hcl)).toEqual({ version: "v1", metadata, spec: {} });
      expect(hcl).toMatch(/"for" += "for"/);
    },
  );

  it.each([
    ["a.b", "a_b"],
    ["1st", "_1st"],
  ])("names the block of %s %s", (name, label) => {
    const hcl = terraformResource({ kind: "token", version: "v2", metadata: { name }, spec: {} });
    expect(hcl.split("\n")[0]).toBe(`resource "teleport_provision_token" "${label}" {`);
  });
});

/** The body of a block, read as YAML: HCL's objects are its flow mappings once = is : and commas end the lines. */
function readHcl(text: string): unknown {
  const body = text.slice(text.indexOf(" {\n") + 1);
  const flow = body
    .replace(/^(\s*)("(?:[^"\\]|\\.)*"|[\w-]+)\s+= /gm, "$1$2: ")
    .replace(/([^{[\n])\n/g, "$1,\n")
    .replace(/,\n$/, "\n")
    .replace(/([$%])\1(?=\{)/g, "$1");
  return parse(flow);
}
