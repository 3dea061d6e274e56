import { isMap, isScalar, parse, parseDocument, type YAMLMap } from "yaml";
import { ExitError } from "../../tools/base/exit-error.ts";

/** A JSON Schema (draft-07) as plain data. */
export type JsonSchema = { [keyword: string]: unknown };

/** One key of the chart's values.yaml: its default, and what the comment above it says. */
export interface ValueNode {
  /** Dotted path, `tbot.socket.file`. */
  path: string;
  key: string;
  /** The comment block above the key, as Markdown on one line; empty only for a section. */
  description: string;
  /** JSON Schema keywords of the key itself: type, what `@schema` adds and, for a leaf, the default. */
  schema: JsonSchema;
  /** The keys below, for a section; undefined for a leaf (a free map is a leaf). */
  children: ValueNode[] | undefined;
}

const ANNOTATION = /^ *@schema(?= |$)/;

/**
 * Reads a commented values.yaml. The comment block directly above a key describes it; what follows `@schema` in it, on
 * the same line or on the lines below, is YAML: JSON Schema keywords besides the type that follows from the default. A
 * map whose annotation has `additionalProperties` or `$ref` is a leaf: its keys are the user's.
 *
 * @throws ExitError naming the key: a leaf without description, a default without a type, a list without `items`.
 */
export function readValueNodes(text: string): ValueNode[] {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error) throw new ExitError(`values.yaml: ${error.message}`);
  if (!isMap(document.contents)) throw new ExitError("values.yaml must be a map of values.");
  return readMap(document.contents, "");
}

function readMap(map: YAMLMap, parent: string): ValueNode[] {
  return map.items.map((pair, index) => {
    if (!isScalar(pair.key)) throw new ExitError(`values.yaml: a key below "${parent}" is not a plain word.`);
    const key = String(pair.key.value);
    const path = parent === "" ? key : `${parent}.${key}`;
    // The yaml package keeps the comment above a map's first key with the map, above any other key with the key.
    const comment = pair.key.commentBefore ?? (index === 0 ? map.commentBefore : undefined);
    const { description, annotation } = splitComment(comment ?? "", path);
    if (isMap(pair.value) && !isTyped(annotation) && pair.value.items.length > 0) {
      return { path, key, description, schema: annotation, children: readMap(pair.value, path) };
    }
    if (description === "") throw new ExitError(`values.yaml: ${path} has no description; write a comment above it.`);
    const value: unknown = isMap(pair.value) || pair.value ? toPlain(pair.value) : null;
    const type = annotation.$ref === undefined ? { type: typeOf(value, path, annotation) } : {};
    const schema: JsonSchema = { ...type, ...annotation, default: value };
    if (schema.type === "array" && schema.items === undefined) {
      throw new ExitError(`values.yaml: ${path} is a list; say what it holds: # @schema {items: {...}}.`);
    }
    if (schema.type === "object" && schema.additionalProperties === undefined) {
      throw new ExitError(
        `values.yaml: ${path} is an empty map; say what it holds: # @schema {additionalProperties: ...}.`,
      );
    }
    return { path, key, description, schema, children: undefined };
  });
}

/** Whether an annotation says what a map holds, so that its keys are no values of the chart. */
function isTyped({ additionalProperties, $ref }: JsonSchema): boolean {
  return additionalProperties !== undefined || $ref !== undefined;
}

function toPlain(node: unknown): unknown {
  return (node as { toJSON(): unknown }).toJSON();
}

function splitComment(comment: string, path: string): { description: string; annotation: JsonSchema } {
  // A block of its own, such as the one at the head of the file, ends with a blank line.
  const lines = comment.split("\n\n").at(-1)?.split("\n") ?? [];
  const start = lines.findIndex((line) => ANNOTATION.test(line));
  const prose = start === -1 ? lines : lines.slice(0, start);
  const annotation = start === -1 ? [] : [(lines[start] ?? "").replace(ANNOTATION, ""), ...lines.slice(start + 1)];
  return {
    description: prose
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join(" "),
    annotation: start === -1 ? {} : readAnnotation(annotation.join("\n"), path),
  };
}

function readAnnotation(text: string, path: string): JsonSchema {
  let keywords: unknown;
  try {
    keywords = parse(text);
  } catch (error) {
    throw new ExitError(`values.yaml: the @schema annotation of ${path} is not YAML: ${(error as Error).message}`);
  }
  if (typeof keywords !== "object" || keywords === null || Array.isArray(keywords)) {
    throw new ExitError(`values.yaml: the @schema annotation of ${path} must be a map of JSON Schema keywords.`);
  }
  return keywords as JsonSchema;
}

function typeOf(value: unknown, path: string, annotation: JsonSchema): unknown {
  if (annotation.type !== undefined) return annotation.type;
  if (Array.isArray(value)) return "array";
  if (Number.isInteger(value)) return "integer";
  if (value === null) throw new ExitError(`values.yaml: ${path} is null; name its type: # @schema {type: ...}.`);
  return typeof value;
}
