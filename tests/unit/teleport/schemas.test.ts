import { describe, expect, it } from "vitest";
import { checkTeleportDocument } from "../../../tools/teleport/schemas.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { refusal } from "../support/refusal.ts";

const JWKS = jwksBytes(rsaKey("k1").jwk).toString();

// biome-ignore lint/suspicious/noExplicitAny: the tests damage documents at any place
type Loose = any;

const token = (): Loose => ({
  kind: "token",
  version: "v2",
  metadata: { name: "join" },
  spec: {
    roles: ["Bot"],
    bot_name: "istio-tbot",
    join_method: "kubernetes",
    kubernetes: { type: "static_jwks", static_jwks: { jwks: JWKS }, allow: [{ service_account: "ns:sa" }] },
  },
});
const oidcToken = (): Loose => {
  const document = token();
  document.spec.kubernetes = {
    type: "oidc",
    oidc: { issuer: "https://issuer.example" },
    allow: [{ service_account: "ns:sa" }],
  };
  return document;
};
const operatorToken = (): Loose => {
  const { metadata, spec } = token();
  return { apiVersion: "resources.teleport.dev/v2", kind: "TeleportProvisionToken", metadata, spec };
};
const role = (): Loose => ({
  kind: "role",
  version: "v7",
  metadata: { name: "issuer" },
  spec: {
    options: { max_session_ttl: "1h0m0s" },
    allow: {
      workload_identity_labels: { env: ["dev"] },
      rules: [{ resources: ["workload_identity"], verbs: ["read", "list"] }],
    },
  },
});
const bot = (): Loose => ({ kind: "bot", version: "v1", metadata: { name: "b" }, spec: { roles: ["issuer"] } });
const identity = (): Loose => ({
  kind: "workload_identity",
  version: "v1",
  metadata: { name: "w", labels: { env: "dev" } },
  spec: {
    rules: { allow: [{ conditions: [{ attribute: "workload.kubernetes.attested", eq: { value: "true" } }] }] },
    spiffe: {
      id: "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}",
      hint: "{{ user.bot_name }}",
      x509: { maximum_ttl: "3600s", dns_sans: ["{{ workload.kubernetes.service_account }}.svc.example"] },
      jwt: { maximum_ttl: "3600s" },
    },
  },
});

const inCluster = (d: Loose) => {
  d.spec.kubernetes.type = "in_cluster";
};
const id = (text: string) => (d: Loose) => {
  d.spec.spiffe.id = text;
};
const san = (text: string) => (d: Loose) => {
  d.spec.spiffe.x509.dns_sans = [text];
};

describe("checkTeleportDocument", () => {
  it.each([token, oidcToken, operatorToken, role, bot, identity].map((make) => [make.name, make] as const))(
    "takes a whole %s",
    (_, make) => {
      expect(() => checkTeleportDocument(make())).not.toThrow();
    },
  );

  it("takes the join type in_cluster without a block of its own", () => {
    const document = token();
    document.spec.kubernetes = { type: "in_cluster", allow: [{ service_account: "ns:sa.with.dots" }] };
    expect(() => checkTeleportDocument(document)).not.toThrow();
  });

  it.each(["/a", "/A/b_c/d-e.f", "/{{workload.kubernetes.namespace}}", "/x{{ user.name }}y/..."])(
    "takes the path %s",
    (path) => {
      const document = identity();
      id(path)(document);
      expect(() => checkTeleportDocument(document)).not.toThrow();
    },
  );

  it.each(["*.example", "1a.2b.example", "a"])("takes the DNS name %s, as RFC 1123 and PR 62665 do", (name) => {
    const document = identity();
    san(name)(document);
    expect(() => checkTeleportDocument(document)).not.toThrow();
  });

  it("takes the longest lives and names", () => {
    const longest = identity();
    longest.spec.spiffe.x509.maximum_ttl = "1209600s";
    longest.spec.spiffe.jwt.maximum_ttl = "86400s";
    expect(() => checkTeleportDocument(longest)).not.toThrow();
    longest.spec.spiffe.x509.maximum_ttl = "1s";
    expect(() => checkTeleportDocument(longest)).not.toThrow();
    const name = Array.from({ length: 4 }, (_, i) => "a".repeat(i === 3 ? 61 : 63)).join(".");
    const named = operatorToken();
    named.metadata.name = name;
    named.spec.kubernetes.allow[0].service_account = `${"n".repeat(63)}:${name}`;
    expect(name).toHaveLength(253);
    expect(() => checkTeleportDocument(named)).not.toThrow();
  });

  it.each<[string, () => Loose, (d: Loose) => void, string]>([
    [
      "a label of any name",
      role,
      (d) => {
        d.spec.allow.workload_identity_labels = { "*": ["dev"] };
      },
      'spec.allow.workload_identity_labels is "*"; write a label without',
    ],
    [
      "a label without values",
      role,
      (d) => {
        d.spec.allow.workload_identity_labels.env = [];
      },
      "spec.allow.workload_identity_labels.env is empty",
    ],
    [
      "an empty label value",
      identity,
      (d) => {
        d.metadata.labels.env = "";
      },
      "metadata.labels.env is empty; give at least one character",
    ],
    [
      "a hint with an unknown attribute",
      identity,
      (d) => {
        d.spec.spiffe.hint = "{{ user.nme }}";
      },
      'spec.spiffe.hint is "{{ user.nme }}"; write {{ }} around one attribute',
    ],
    [
      "a DNS name with an unknown attribute",
      identity,
      (d) => {
        san("{{ user.nme }}.example")(d);
      },
      "write {{ }} around one attribute",
    ],
    [
      "a name of 254 characters",
      operatorToken,
      (d) => {
        d.metadata.name = Array.from({ length: 4 }, (_, i) => "a".repeat(i === 3 ? 62 : 63)).join(".");
      },
      "with the operator it names a Kubernetes object",
    ],
    [
      "a ServiceAccount of 254 characters",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = `${"n".repeat(63)}:${Array.from({ length: 4 }, (_, i) => "a".repeat(i === 3 ? 62 : 63)).join(".")}`;
      },
      "NAMESPACE:NAME",
    ],
    ["a null document", () => null, () => {}, "Teleport's undefined is not a resource"],
    [
      "another kind",
      bot,
      (d) => {
        d.kind = "user";
      },
      `Teleport's user "b" is not a resource of this toolchain; it makes token`,
    ],
    [
      "a kind of Object.prototype",
      bot,
      (d) => {
        d.kind = "constructor";
      },
      "is not a resource",
    ],
    [
      "token v1",
      token,
      (d) => {
        d.version = "v1";
      },
      `Teleport's token "join": version is "v1"; it must be "v2"`,
    ],
    [
      "role v8",
      role,
      (d) => {
        d.version = "v8";
      },
      'version is "v8"; it must be "v7"',
    ],
    [
      "no name",
      token,
      (d) => {
        delete d.metadata.name;
      },
      "Teleport's token: metadata.name is missing; set it",
    ],
    [
      "an empty name",
      token,
      (d) => {
        d.metadata.name = "";
      },
      'metadata.name is ""; a name has letters',
    ],
    [
      "a name with a blank",
      bot,
      (d) => {
        d.metadata.name = "a b";
      },
      'metadata.name is "a b"; a name has letters',
    ],
    [
      "a name with a line break at its end",
      bot,
      (d) => {
        d.metadata.name = "a\n";
      },
      "a name has letters",
    ],
    [
      "an unknown key at the top",
      token,
      (d) => {
        d.metdata = {};
      },
      "metdata is not allowed there; did you mean metadata",
    ],
    [
      "an expiry",
      token,
      (d) => {
        d.metadata.expires = "2020-01-01T00:00:00Z";
      },
      "metadata.expires is not allowed there; remove it",
    ],
    [
      "another role",
      token,
      (d) => {
        d.spec.roles = ["Node"];
      },
      'spec.roles is ["Node"]; it must be ["Bot"]',
    ],
    [
      "a further role",
      token,
      (d) => {
        d.spec.roles.push("Node");
      },
      'it must be ["Bot"]',
    ],
    [
      "no bot",
      token,
      (d) => {
        delete d.spec.bot_name;
      },
      "spec.bot_name is missing",
    ],
    [
      "camel case",
      token,
      (d) => {
        d.spec.botName = "x";
      },
      "spec.botName is not allowed there; did you mean spec.bot_name",
    ],
    [
      "another join method",
      token,
      (d) => {
        d.spec.join_method = "token";
      },
      'spec.join_method is "token"; it must be "kubernetes"',
    ],
    [
      "another join type",
      token,
      (d) => {
        d.spec.kubernetes.type = "jwks";
      },
      'spec.kubernetes.type is "jwks"; it must be one of "static_jwks", "oidc", "in_cluster"',
    ],
    [
      "nobody allowed",
      token,
      (d) => {
        d.spec.kubernetes.allow = [];
      },
      "spec.kubernetes.allow is empty; give at least one entry",
    ],
    [
      "an empty rule",
      token,
      (d) => {
        d.spec.kubernetes.allow = [{}];
      },
      "spec.kubernetes.allow[0].service_account is missing",
    ],
    [
      "a name without namespace",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = ":sa";
      },
      'spec.kubernetes.allow[0].service_account is ":sa"; write a Kubernetes ServiceAccount as NAMESPACE:NAME',
    ],
    [
      "a namespace without name",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = "ns:";
      },
      "NAMESPACE:NAME",
    ],
    [
      "three parts",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = "a:b:c";
      },
      "NAMESPACE:NAME",
    ],
    [
      "a wildcard",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = "ns:*";
      },
      "NAMESPACE:NAME",
    ],
    [
      "a label of 64 characters",
      token,
      (d) => {
        d.spec.kubernetes.allow[0].service_account = `${"a".repeat(64)}:b`;
      },
      "NAMESPACE:NAME",
    ],
    [
      "static_jwks without keys",
      token,
      (d) => {
        delete d.spec.kubernetes.static_jwks;
      },
      "spec.kubernetes.static_jwks is missing; the join type static_jwks needs it",
    ],
    [
      "keys with in_cluster",
      token,
      inCluster,
      "spec.kubernetes.static_jwks does not belong to the join type in_cluster; remove one of them",
    ],
    [
      "an issuer with static_jwks",
      token,
      (d) => {
        d.spec.kubernetes.oidc = { issuer: "https://a.b" };
      },
      "spec.kubernetes.oidc does not belong to the join type static_jwks",
    ],
    [
      "oidc without issuer",
      oidcToken,
      (d) => {
        delete d.spec.kubernetes.oidc;
      },
      "spec.kubernetes.oidc is missing; the join type oidc needs it",
    ],
    [
      "an issuer without TLS",
      oidcToken,
      (d) => {
        d.spec.kubernetes.oidc.issuer = "http://a.b";
      },
      'spec.kubernetes.oidc.issuer is "http://a.b"; give the https URL',
    ],
    [
      "an issuer without host",
      oidcToken,
      (d) => {
        d.spec.kubernetes.oidc.issuer = "https://[a";
      },
      "give the https URL",
    ],
    [
      "leave for http",
      oidcToken,
      (d) => {
        d.spec.kubernetes.oidc.insecure_allow_http_issuer = true;
      },
      "insecure_allow_http_issuer is not allowed there",
    ],
    [
      "a JWKS that Teleport would store unread",
      token,
      (d) => {
        d.spec.kubernetes.static_jwks.jwks = "fake-jwks";
      },
      "static_jwks.jwks holds is not valid JSON",
    ],
    [
      "a JWKS with escaped quotes",
      token,
      (d) => {
        d.spec.kubernetes.static_jwks.jwks = JWKS.replaceAll('"', '\\"');
      },
      "do not escape quotes",
    ],
    [
      "the operator's other version",
      operatorToken,
      (d) => {
        d.apiVersion = "resources.teleport.dev/v1";
      },
      'apiVersion is "resources.teleport.dev/v1"; it must be',
    ],
    [
      "a name that Kubernetes refuses",
      operatorToken,
      (d) => {
        d.metadata.name = "My_Token";
      },
      'metadata.name is "My_Token"; with the operator',
    ],
    ["the operator's token without keys", operatorToken, inCluster, "does not belong to the join type in_cluster"],
    [
      "no limit of a session, which a thief of tbot's credential would use",
      role,
      (d) => {
        delete d.spec.options;
      },
      "spec.options is missing; set it",
    ],
    ...["39m", "1d", "forever", ""].map((life): [string, () => Loose, (d: Loose) => void, string] => [
      `a session of ${life}`,
      role,
      (d) => {
        d.spec.options.max_session_ttl = life;
      },
      `spec.options.max_session_ttl is ${JSON.stringify(life)}; write a duration`,
    ]),
    [
      "another option",
      role,
      (d) => {
        d.spec.options.forward_agent = true;
      },
      "spec.options.forward_agent is not allowed there",
    ],
    [
      "no labels",
      role,
      (d) => {
        d.spec.allow.workload_identity_labels = {};
      },
      "spec.allow.workload_identity_labels is empty; give at least one entry",
    ],
    [
      "any label value",
      role,
      (d) => {
        d.spec.allow.workload_identity_labels.env = ["*"];
      },
      'spec.allow.workload_identity_labels.env[0] is "*"; write a label without',
    ],
    [
      "a value that is no list",
      role,
      (d) => {
        d.spec.allow.workload_identity_labels.env = "dev";
      },
      "it must be of type array",
    ],
    [
      "no rule",
      role,
      (d) => {
        d.spec.allow.rules = [];
      },
      "spec.allow.rules is empty",
    ],
    [
      "the right to create",
      role,
      (d) => {
        d.spec.allow.rules[0].verbs.push("create");
      },
      'it must be ["read","list"]',
    ],
    [
      "only the labels",
      role,
      (d) => {
        d.spec.allow.rules[0].verbs = ["list"];
      },
      'it must be ["read","list"]',
    ],
    [
      "another resource",
      role,
      (d) => {
        d.spec.allow.rules[0].resources = ["*"];
      },
      'it must be ["workload_identity"]',
    ],
    [
      "logins",
      role,
      (d) => {
        d.spec.allow.logins = ["root"];
      },
      "spec.allow.logins is not allowed there",
    ],
    [
      "a bot without role",
      bot,
      (d) => {
        d.spec.roles = [];
      },
      "spec.roles is empty",
    ],
    [
      "a bot with an empty role",
      bot,
      (d) => {
        d.spec.roles = [""];
      },
      'spec.roles[0] is ""; a name has letters',
    ],
    [
      "a bot with traits",
      bot,
      (d) => {
        d.spec.traits = [];
      },
      "spec.traits is not allowed there",
    ],
    ["no leading slash", identity, id("ns/a"), 'spec.spiffe.id is "ns/a"; a SPIFFE path starts with /'],
    ["a trailing slash", identity, id("/ns/a/"), "a SPIFFE path starts with /, does not end with /"],
    ["only a slash", identity, id("/"), "a SPIFFE path starts with /"],
    ["an empty segment", identity, id("/ns//a"), "no empty, . or .. segment"],
    ["a dot segment", identity, id("/ns/../a"), "no empty, . or .. segment"],
    ["a blank", identity, id("/ns/a b"), "only letters, digits"],
    ["a full SPIFFE ID", identity, id("spiffe://td/ns/a"), "a SPIFFE path starts with /"],
    ["an umlaut", identity, id("/ns/ä"), "only letters, digits"],
    ["a template that is not closed", identity, id("/ns/{{ user.name }"), "a SPIFFE path starts with /"],
    ["an empty template", identity, id("/ns/{{ }}"), "write {{ }} around one attribute"],
    [
      "an attribute that does not exist",
      identity,
      id("/ns/{{ workload.kubernetes.namspace }}"),
      "write {{ }} around one attribute",
    ],
    [
      "the attribute that Teleport's docs invent",
      identity,
      id("/ns/{{ join.kubernetes.namespace }}"),
      "write {{ }} around one attribute",
    ],
    ["a map as an attribute", identity, id("/ns/{{ workload.kubernetes.labels }}"), "write {{ }} around one attribute"],
    ["a number without a sign", identity, id("/ns/{{ workload.unix.uid }}"), "write {{ }} around one attribute"],
    ["what is never set", identity, id("/ns/{{ user.bot_instance_id }}"), "write {{ }} around one attribute"],
    ["a function", identity, id("/ns/{{ strings.upper(user.name) }}"), "write {{ }} around one attribute"],
    [
      "a wildcard that is not the first label",
      identity,
      san("a.*.example"),
      'spec.spiffe.x509.dns_sans[0] is "a.*.example"; Teleport takes DNS names',
    ],
    ["a wildcard within a label", identity, san("a*.example"), "lower-case labels"],
    ["a DNS label that starts with a hyphen", identity, san("-a.example"), "lower-case labels"],
    ["a DNS name in capitals", identity, san("A.example"), "lower-case labels"],
    ["a DNS label of 64 characters", identity, san(`${"a".repeat(64)}.example`), "lower-case labels"],
    ["a DNS name that ends with a dot", identity, san("a.example."), "lower-case labels"],
    [
      "a Go duration",
      identity,
      (d) => {
        d.spec.spiffe.x509.maximum_ttl = "1h";
      },
      'spec.spiffe.x509.maximum_ttl is "1h"; write it in whole seconds',
    ],
    [
      "no certificate life",
      identity,
      (d) => {
        delete d.spec.spiffe.x509.maximum_ttl;
      },
      "spec.spiffe.x509.maximum_ttl is missing",
    ],
    [
      "a life of 0",
      identity,
      (d) => {
        d.spec.spiffe.jwt.maximum_ttl = "0s";
      },
      "write it in whole seconds",
    ],
    [
      "a certificate of more than 14 days",
      identity,
      (d) => {
        d.spec.spiffe.x509.maximum_ttl = "1209601s";
      },
      'at most "1209600s"',
    ],
    [
      "a JWT of more than a day",
      identity,
      (d) => {
        d.spec.spiffe.jwt.maximum_ttl = "86401s";
      },
      'at most "86400s"',
    ],
    [
      "no rules",
      identity,
      (d) => {
        delete d.spec.rules;
      },
      "spec.rules is missing",
    ],
    [
      "an empty list of rules",
      identity,
      (d) => {
        d.spec.rules.allow = [];
      },
      "spec.rules.allow is empty",
    ],
    [
      "a rule without conditions",
      identity,
      (d) => {
        d.spec.rules.allow = [{ conditions: [] }];
      },
      "spec.rules.allow[0].conditions is empty",
    ],
    [
      "a condition that an unattested workload passes",
      identity,
      (d) => {
        d.spec.rules.allow[0].conditions[0].not_eq = { value: "x" };
      },
      "conditions[0].not_eq is not allowed there",
    ],
    [
      "a condition with two operators, of which Teleport takes none",
      identity,
      (d) => {
        d.spec.rules.allow[0].conditions[0].in = { values: ["true"] };
      },
      "it must match exactly one schema in oneOf",
    ],
    [
      "a condition without an operator",
      identity,
      (d) => {
        delete d.spec.rules.allow[0].conditions[0].eq;
      },
      "spec.rules.allow[0].conditions[0].eq is missing",
    ],
    [
      "a list of no values, which nothing passes",
      identity,
      (d) => {
        d.spec.rules.allow[0].conditions[0] = { attribute: "workload.kubernetes.namespace", in: { values: [] } };
      },
      "in.values is empty",
    ],
    [
      "a condition on an unknown attribute",
      identity,
      (d) => {
        d.spec.rules.allow[0].conditions[0].attribute = "workload.attested";
      },
      'attribute is "workload.attested"; it must be one of',
    ],
    [
      "a boolean in a condition",
      identity,
      (d) => {
        d.spec.rules.allow[0].conditions[0].eq.value = true;
      },
      "eq.value is true; it must be of type string",
    ],
    [
      "a deny rule, which Teleport ignores",
      identity,
      (d) => {
        d.spec.rules.deny = [];
      },
      "spec.rules.deny is not allowed there",
    ],
  ])("refuses %s", async (_, make, damage, sentence) => {
    const document = make();
    damage(document);
    expect(await refusal(() => checkTeleportDocument(document))).toContain(sentence);
  });
});
