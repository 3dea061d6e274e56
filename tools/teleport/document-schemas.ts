import type { SchemaObject } from "ajv";
import { goDurationSeconds, protobufDurationSeconds } from "../base/durations.ts";
import { exactObject, type StringForm } from "../base/schema-check.ts";
import { fillTemplate, isTemplateOfAttributes, WORKLOAD_ATTRIBUTES } from "./workload-attributes.ts";

/** Longest x509.maximum_ttl in seconds, 14 days: Teleport lib/services/workload_identity.go. */
const MAX_X509_TTL = 14 * 24 * 3600;

/** Shortest max_session_ttl in seconds with which tbot survives one missed renewal (Teleport lib/tbot/config: 20 minutes). */
const MIN_SESSION_TTL = 40 * 60;

/** Longest jwt.maximum_ttl in seconds: Teleport lib/services/workload_identity.go. */
export const MAX_JWT_TTL = 24 * 3600;

const DNS_LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const DNS_SUBDOMAIN = `${DNS_LABEL}(?:\\.${DNS_LABEL})*`;

/** The forms of strings in the schemas of Teleport's documents. */
export const FORMS: Readonly<Record<string, StringForm>> = {
  name: {
    accepts: (text) => /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(text),
    hint: "a name has letters, digits, dots, hyphens and underscores, and starts and ends with a letter or digit",
  },
  "kubernetes-name": {
    accepts: (text) => text.length <= 253 && new RegExp(`^${DNS_SUBDOMAIN}$`).test(text),
    hint: "with the operator it names a Kubernetes object: use lower-case letters, digits, hyphens and dots",
  },
  "kubernetes-label-key": {
    accepts: (text) => {
      const [, prefix, name] = /^(?:([^/]*)\/)?(.*)$/s.exec(text) ?? [];
      return (
        isLabelText(name ?? "") &&
        name !== "" &&
        (prefix === undefined || new RegExp(`^${DNS_SUBDOMAIN}$`).test(prefix))
      );
    },
    hint: "with the operator it is a label of a Kubernetes object: at most 63 letters, digits, dots, hyphens and underscores",
  },
  "kubernetes-label-value": {
    accepts: isLabelText,
    hint: "with the operator it is a label of a Kubernetes object: at most 63 letters, digits, dots, hyphens and underscores",
  },
  "service-account": {
    accepts: (text) => text.length <= 317 && new RegExp(`^${DNS_LABEL}:${DNS_SUBDOMAIN}$`).test(text),
    hint: "write a Kubernetes ServiceAccount as NAMESPACE:NAME",
  },
  issuer: {
    accepts: (text) => /^https:\/\/[^\s?#]+$/.test(text) && URL.canParse(text),
    hint: "give the https URL that `kubectl get --raw /.well-known/openid-configuration` prints as `issuer`",
  },
  // Teleport reads labels of roles as patterns: * matches everything, ^...$ is a regular expression, {{ }} a trait.
  "literal-label": {
    accepts: (text) => text !== "" && !/[*{}]/.test(text) && !text.startsWith("^"),
    hint: "write a label without *, ^, { and }, which Teleport reads as patterns that may match other workload identities",
  },
  "spiffe-path": {
    accepts: isSpiffePath,
    hint: "a SPIFFE path starts with /, does not end with /, has no empty, . or .. segment, and outside {{ }} only letters, digits, dots, hyphens and underscores",
  },
  template: {
    accepts: isTemplateOfAttributes,
    hint: "write {{ }} around one attribute that Teleport knows, such as workload.kubernetes.namespace",
  },
  // RFC 1123, with a wildcard as the first label (Teleport PR 62665).
  "dns-name": {
    accepts: (text) =>
      fillTemplate(text, "a")
        .split(".")
        .every((label, index) => new RegExp(`^${DNS_LABEL}$`).test(label) || (label === "*" && index === 0)),
    hint: "Teleport takes DNS names of lower-case labels (RFC 1123); the first one may be *",
  },
  // Teleport takes any duration; without one a session may live for 30 hours (api/defaults: MaxCertDuration).
  "session-ttl": {
    accepts: (text) => {
      const seconds = goDurationSeconds(text);
      return seconds !== undefined && seconds >= MIN_SESSION_TTL;
    },
    hint: 'write a duration such as "1h0m0s", at least 40 minutes: tbot renews its credential every 20',
  },
  "x509-ttl": {
    accepts: (text) => isWithin(text, MAX_X509_TTL),
    hint: `write it in whole seconds such as "3600s", at most "${MAX_X509_TTL}s" (336h)`,
  },
  "jwt-ttl": {
    accepts: (text) => isWithin(text, MAX_JWT_TTL),
    hint: `write it in whole seconds such as "3600s", at most "${MAX_JWT_TTL}s" (24h)`,
  },
};

const NAME = { type: "string", format: "name" };
const TEXT = { type: "string", minLength: 1 };

const TOKEN_SPEC = exactObject({
  roles: { const: ["Bot"] },
  bot_name: NAME,
  join_method: { const: "kubernetes" },
  kubernetes: exactObject(
    {
      type: { enum: ["static_jwks", "oidc", "in_cluster"] },
      allow: {
        type: "array",
        minItems: 1,
        items: exactObject({ service_account: { type: "string", format: "service-account" } }),
      },
    },
    {
      static_jwks: exactObject({ jwks: TEXT }),
      oidc: exactObject({ issuer: { type: "string", format: "issuer" } }),
    },
  ),
});

const ROLE_SPEC = exactObject({
  options: exactObject({ max_session_ttl: { type: "string", format: "session-ttl" } }),
  allow: exactObject({
    workload_identity_labels: {
      type: "object",
      minProperties: 1,
      propertyNames: { type: "string", format: "literal-label" },
      additionalProperties: { type: "array", minItems: 1, items: { type: "string", format: "literal-label" } },
    },
    rules: {
      type: "array",
      minItems: 1,
      // tbot reads the workload identity by name and lists those of a label: Teleport .../workloadidentityv1.
      items: exactObject({ resources: { const: ["workload_identity"] }, verbs: { const: ["read", "list"] } }),
    },
  }),
});

const BOT_SPEC = exactObject({
  roles: { type: "array", minItems: 1, uniqueItems: true, items: NAME },
});

/** Neither not_eq nor not_in: an attribute that is not set counts as "", which passes them. */
const CONDITION = {
  ...exactObject(
    { attribute: { enum: WORKLOAD_ATTRIBUTES } },
    {
      eq: exactObject({ value: TEXT }),
      in: exactObject({ values: { type: "array", minItems: 1, uniqueItems: true, items: TEXT } }),
    },
  ),
  // Of several operators Teleport takes none: .../workloadidentityv1/decision.go.
  oneOf: ["eq", "in"].map((operator) => ({ required: [operator], properties: { [operator]: {} } })),
};

const WORKLOAD_IDENTITY_SPEC = exactObject({
  rules: exactObject({
    // Without a rule Teleport issues to every workload: Teleport .../workloadidentityv1/decision.go.
    allow: {
      type: "array",
      minItems: 1,
      items: exactObject({
        conditions: {
          type: "array",
          minItems: 1,
          items: CONDITION,
        },
      }),
    },
  }),
  spiffe: exactObject(
    {
      id: { type: "string", allOf: [{ format: "spiffe-path" }, { format: "template" }] },
      x509: exactObject(
        { maximum_ttl: { type: "string", format: "x509-ttl" } },
        {
          dns_sans: {
            type: "array",
            items: { type: "string", allOf: [{ format: "dns-name" }, { format: "template" }] },
          },
        },
      ),
      jwt: exactObject({ maximum_ttl: { type: "string", format: "jwt-ttl" } }),
    },
    { hint: { type: "string", format: "template" } },
  ),
});

/** The strict schema of each document, compiled into compiled-schemas.ts by `npm run gen-schema`. */
export const DOCUMENT_SCHEMAS = {
  token: resource("token", "v2", TOKEN_SPEC),
  role: resource("role", "v7", ROLE_SPEC),
  bot: resource("bot", "v1", BOT_SPEC),
  workloadIdentity: resource("workload_identity", "v1", WORKLOAD_IDENTITY_SPEC),
  /** What Kubernetes demands of an object of Teleport's operator; its spec is that of the document for tctl. */
  operatorObject: exactObject({
    apiVersion: TEXT,
    kind: TEXT,
    metadata: exactObject(
      { name: { type: "string", format: "kubernetes-name" } },
      {
        labels: {
          type: "object",
          propertyNames: { type: "string", format: "kubernetes-label-key" },
          additionalProperties: { type: "string", format: "kubernetes-label-value" },
        },
      },
    ),
    spec: { type: "object" },
  }),
};

/** Kinds of Teleport's operator (integrations/operator/config/crd/bases) and the documents for tctl that they stand for. */
export const OPERATOR_KINDS: Readonly<Record<string, { apiVersion: string; kind: string; version: string }>> = {
  TeleportProvisionToken: { apiVersion: "resources.teleport.dev/v2", kind: "token", version: "v2" },
  TeleportRoleV7: { apiVersion: "resources.teleport.dev/v1", kind: "role", version: "v7" },
  TeleportBotV1: { apiVersion: "resources.teleport.dev/v1", kind: "bot", version: "v1" },
  TeleportWorkloadIdentityV1: { apiVersion: "resources.teleport.dev/v1", kind: "workload_identity", version: "v1" },
};

function isLabelText(text: string): boolean {
  return /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(text);
}

function resource(kind: string, version: string, spec: SchemaObject): SchemaObject {
  const labels = { type: "object", additionalProperties: TEXT };
  return exactObject({
    kind: { const: kind },
    version: { const: version },
    metadata: exactObject({ name: NAME }, kind === "workload_identity" ? { labels } : {}),
    spec,
  });
}

/** go-spiffe's rules for a path (spiffeid.ValidatePath), with which the Auth Service builds the SPIFFE ID. */
function isSpiffePath(text: string): boolean {
  const path = fillTemplate(text, "x");
  return /^(\/[A-Za-z0-9._-]+)+$/.test(path) && !path.split("/").some((segment) => segment === "." || segment === "..");
}

function isWithin(duration: string, maximum: number): boolean {
  const seconds = protobufDurationSeconds(duration);
  return seconds !== undefined && seconds >= 1 && seconds <= maximum;
}
