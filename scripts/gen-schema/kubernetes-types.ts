import { readFileSync } from "node:fs";
import type { JsonSchema } from "./values-comments.ts";

/** What a schema of ours says in place of a type of the Kubernetes API: `$ref: "#/definitions/Kubernetes.Toleration"`. */
const REFERENCE = /#\/definitions\/Kubernetes\.(\w+)/g;

/** Made by extract-kubernetes-types.ts; by the type's name. */
const TYPES = JSON.parse(readFileSync(new URL("kubernetes-types.json", import.meta.url), "utf8")) as Record<
  string,
  JsonSchema
>;

/**
 * A schema with the definitions of all Kubernetes types that it names, and of those that they name.
 *
 * @throws Error naming a type that kubernetes-types.json lacks
 */
export function withKubernetesTypes(root: JsonSchema): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};
  const left = typesIn(root);
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (definitions[`Kubernetes.${name}`] !== undefined) continue;
    const type = TYPES[name];
    if (type === undefined) throw new Error(`kubernetes-types.json has no ${name}; see extract-kubernetes-types.ts`);
    definitions[`Kubernetes.${name}`] = type;
    left.push(...typesIn(type));
  }
  return { ...root, definitions: { ...(root.definitions as object), ...definitions } };
}

/** The same schema with any map in place of each Kubernetes type: our tools pass them on and never look inside. */
export function withoutKubernetesTypes(root: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(root), (_, value) => {
    const { $ref, ...rest } = value ?? {};
    const isType = typeof $ref === "string" && $ref.match(REFERENCE) !== null;
    return isType ? { ...rest, type: "object", additionalProperties: true } : value;
  }) as JsonSchema;
}

function typesIn(schema: JsonSchema): string[] {
  return [...JSON.stringify(schema).matchAll(REFERENCE)].map(([, name]) => name as string);
}
