import { Ajv } from "ajv";
import type { JsonSchema, ValueNode } from "../../../scripts/gen-schema/values-comments.ts";

/** The leaves below some nodes; a free map counts as one. */
export function leavesOf(nodes: readonly ValueNode[]): ValueNode[] {
  return nodes.flatMap((node) => (node.children ? leavesOf(node.children) : [node]));
}

/** Values nested as the dotted path says: ("a.b", 1) → {a: {b: 1}}. */
export function valuesAt(path: string, value: unknown): Record<string, unknown> {
  return path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
}

/** Strings that between them match every pattern of the chart's values; tried in order. */
const STRINGS = [
  "perturbed",
  "2h",
  "9m",
  "/run/perturbed",
  "perturbed.example:8443",
  "https://perturbed.example",
  "18.99.0",
  `sha256:${"1".repeat(64)}`,
  "@daily",
];

/**
 * Legal values of a leaf that differ from `current`, the likeliest first: other enum members, the other boolean, a
 * string of the same pattern, a list or map with one entry more.
 *
 * @param definitions what a `$ref` in the schema may name
 * @throws Error naming the leaf when nothing fits: then a string for its pattern is missing above
 */
export function alternatives({ path, schema }: ValueNode, current: unknown, definitions: object): unknown[] {
  const accepts = new Ajv({ strictTypes: false }).compile({ ...schema, definitions });
  const legal = (path in FREE ? [FREE[path]] : candidates(schema, current)).filter(
    (value) => accepts(value) && JSON.stringify(value) !== JSON.stringify(current),
  );
  if (legal.length === 0) throw new Error(`${path}: no other legal value is known here; add one to STRINGS`);
  return legal;
}

/** A legal value of each Kubernetes type that a value has. */
const KUBERNETES: Record<string, object> = {
  Affinity: { podAffinity: null },
  DaemonSetUpdateStrategy: { type: "OnDelete" },
  EnvVar: { name: "PERTURBED", value: "x" },
  HostAlias: { ip: "192.0.2.1", hostnames: ["perturbed"] },
  NetworkPolicyEgressRule: { ports: [{ port: 3128 }] },
  NetworkPolicyPeer: { podSelector: {} },
  PodDNSConfig: { searches: ["perturbed"] },
  PodSecurityContext: { seLinuxOptions: { type: "perturbed" } },
  Probe: { periodSeconds: 7 },
  ResourceRequirements: { limits: { memory: "1Gi" } },
  SecurityContext: { seLinuxOptions: { type: "perturbed" } },
  Volume: { name: "perturbed", emptyDir: {} },
  VolumeMount: { name: "perturbed", mountPath: "/perturbed" },
  Toleration: { key: "perturbed", operator: "Exists" },
};

/** A legal value of a map that holds what another program takes. */
const FREE: Record<string, object> = { "tbot.extraConfig": { services: [{ name: "perturbed" }] } };

function candidates(schema: JsonSchema, current: unknown): unknown[] {
  const kubernetes = kubernetesValue(schema);
  if (kubernetes !== undefined) return [kubernetes];
  if (Array.isArray(schema.enum)) return schema.enum;
  switch (schema.type) {
    case "boolean":
      return [!current];
    case "integer":
    case "number":
      return [(current as number) + 1, (current as number) - 1];
    case "array":
      return entries(schema.items as JsonSchema).map((entry) => [...(current as unknown[]), entry]);
    case "object": {
      const { additionalProperties } = schema;
      const values = typeof additionalProperties === "object" ? entries(additionalProperties as JsonSchema) : STRINGS;
      return values.map((value) => ({ ...(current as object), perturbed: value }));
    }
    default:
      return STRINGS;
  }
}

function entries(schema: JsonSchema): unknown[] {
  if (schema.$ref === "#/definitions/Caller") return [{ principal: "perturbed.example/ns/a/sa/b" }];
  const kubernetes = kubernetesValue(schema);
  return kubernetes === undefined ? STRINGS : [kubernetes];
}

function kubernetesValue({ $ref }: JsonSchema): object | undefined {
  return typeof $ref === "string" ? KUBERNETES[$ref.replace("#/definitions/Kubernetes.", "")] : undefined;
}
