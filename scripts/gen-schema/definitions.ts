import { ExitError } from "../../tools/base/exit-error.ts";
import type { JsonSchema } from "./values-comments.ts";

/**
 * A schema whose titled parts stand in `definitions`, each under its title: one name for the schema's readers, for
 * `$ref` and for the TypeScript types.
 *
 * @throws ExitError naming the definition: a title given twice, a property without a description.
 */
export function withDefinitions(root: JsonSchema): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};
  const hoisted = hoist(root) as JsonSchema;
  return Object.keys(definitions).length === 0 ? hoisted : { ...hoisted, definitions };

  function hoist(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(hoist);
    if (typeof part !== "object" || part === null) return part;
    const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, hoist(value)]));
    if (typeof copy.title !== "string") return copy;
    const { title, ...definition } = copy;
    if (definitions[title] !== undefined) {
      throw new ExitError(`values.yaml: two schemas have the title ${title}; refer to the first with $ref.`);
    }
    checkDescriptions(title, definition);
    definitions[title] = definition;
    return { $ref: `#/definitions/${title}` };
  }
}

function checkDescriptions(title: string, { properties = {} }: JsonSchema): void {
  for (const [key, property] of Object.entries(properties as Record<string, JsonSchema>)) {
    if (property.description === undefined && property.$ref === undefined) {
      throw new ExitError(`values.yaml: ${key} of ${title} has no description; add one to its schema.`);
    }
  }
}
