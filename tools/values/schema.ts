import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ErrorObject } from "ajv";
import { ExitError } from "../base/exit-error.ts";
import { groupBy } from "../base/group-by.ts";
import { nearestKey } from "../base/nearest-key.ts";
import { CHART_DIR } from "../base/package-files.ts";
import type { CompiledSchema } from "../base/schema-check.ts";
import { values as valuesSchema } from "./compiled-schema.ts";
import type { Values } from "./types.ts";

/** What this module reads of a JSON Schema; the whole is chart/values.schema.json. */
interface SchemaNode {
  $ref?: string;
  definitions?: Record<string, SchemaNode>;
  description?: string;
  default?: unknown;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
  /** A Kubernetes type or null. */
  anyOf?: SchemaNode[];
}

/**
 * Merged values against chart/values.schema.json, the same file that Helm validates with.
 *
 * @throws ExitError with one sentence for each wrong value: its path, what was given, what is allowed.
 */
export async function validateValues(merged: unknown): Promise<Values> {
  const validate = valuesSchema as CompiledSchema;
  if (validate(merged)) return merged as Values;
  // Taken before anything is awaited: the next validation overwrites them.
  const errors = (validate.errors ?? []).filter((error, _, all) => !saysTheSameTwice(error, all));
  const schema = JSON.parse(await readFile(join(CHART_DIR, "values.schema.json"), "utf8")) as SchemaNode;
  throw new ExitError(knownKeysOnce(errors.map((error) => sentence(error, schema))).join("\n"));
}

const UNKNOWN_KEY = /^(\S+) is not a value; (known here: .*)$/s;

/** The sentences, each once; unknown keys of one map share one, with one list of the keys that it may have. */
function knownKeysOnce(sentences: readonly string[]): string[] {
  const groups = groupBy([...new Set(sentences)], (each) => UNKNOWN_KEY.exec(each)?.[2] ?? each);
  return [...groups].map(([known, [first = "", ...others]]) => {
    if (others.length === 0) return first;
    const paths = [first, ...others].map((each) => UNKNOWN_KEY.exec(each)?.[1]);
    return `${paths.slice(0, -1).join(", ")} and ${paths.at(-1)} are not values; ${known}`;
  });
}

/**
 * ajv reports some mistakes twice. For a bad name in a free map, it reports what is wrong and that some name is wrong.
 * For a value of the wrong type where only some values are allowed, it reports both; the list of values tells more.
 */
function saysTheSameTwice({ keyword, instancePath, params }: ErrorObject, all: readonly ErrorObject[]): boolean {
  // A key of a Kubernetes type may be null instead; whoever gave it something else meant its type.
  if (keyword === "type" && params.type === "null") return true;
  if (keyword !== "type") return keyword === "propertyNames" || keyword === "anyOf";
  return all.some((other) => other.keyword === "enum" && other.instancePath === instancePath);
}

function sentence(error: ErrorObject, schema: SchemaNode): string {
  const keys = error.instancePath.split("/").slice(1).map(unescapePointer);
  const path = pathOf(keys);
  // Keys of other charts are welcome below `global`, but for those that look like ours.
  if (error.keyword === "false schema") return unknownKey(keys, schema);
  if (error.keyword === "additionalProperties") {
    const key = String(error.params.additionalProperty);
    return parentsKey(keys, key, error.data, schema) ?? unknownKey([...keys, key], schema);
  }
  if (error.keyword === "required") return missingKey([...keys, String(error.params.missingProperty)], schema);
  const name = error.propertyName;
  const given =
    name === undefined
      ? `${path} is ${JSON.stringify(error.data)}`
      : `${pathOf([...keys, name])} is named ${JSON.stringify(name)}`;
  const meaning = name === undefined ? meaningOf(schemaAt(keys, schema)) : "";
  switch (error.keyword) {
    case "type":
      return `${given}, which is not ${types(error).map(article).join(" or ")}${typeHint(error)}.${meaning}`;
    case "enum":
      return `${given}, but must be one of ${error.params.allowedValues
        .filter((value: unknown) => value !== null)
        .map((value: unknown) => JSON.stringify(value))
        .join(", ")}${enumHint(error)}.`;
    case "pattern":
      return `${given}, which does not match ${error.params.pattern}${patternHint(error)}.${meaning}`;
    case "maxLength":
      return `${given}, which is longer than ${error.params.limit} characters.${meaning}`;
    case "uniqueItems":
      return `${given}, which lists ${JSON.stringify((error.data as unknown[])[error.params.j])} twice.${meaning}`;
    case "not":
      return `${given}, a reserved name: choose another one.${meaning}`;
    default:
      return `${given}, which ${error.message}.${meaning}`;
  }
}

/** What the value is for; of a map without a description, the keys that it may have. */
function meaningOf({ description, properties }: SchemaNode = {}): string {
  if (description !== undefined) return ` ${firstSentence(description)}`;
  return properties === undefined ? "" : ` Its keys: ${Object.keys(properties).join(", ")}.`;
}

function firstSentence(text: string): string {
  return text.replace(/\. .*/s, ".");
}

function types({ params }: ErrorObject): string[] {
  return [params.type].flat().filter((type) => type !== "null");
}

function typeHint(error: ErrorObject): string {
  if (error.data === null) return ": leave it out for the default";
  const scalar = typeof error.data === "number" || typeof error.data === "boolean";
  return types(error).join() === "string" && scalar ? `: put it in quotes in a values file ("${error.data}")` : "";
}

function enumHint({ data, params }: ErrorObject): string {
  const strings = params.allowedValues.every((value: unknown) => typeof value === "string");
  return typeof data === "boolean" && strings ? ": put the word in quotes, for on, off, yes and no are booleans" : "";
}

/** Says in words what a Kubernetes name looks like, since most mistyped values are names. */
function patternHint({ params }: ErrorObject): string {
  const name = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
  return [name, `^$|${name}`].includes(params.pattern)
    ? ": use lowercase letters and digits, with hyphens only between them"
    : "";
}

function article(type: string): string {
  const name = type === "object" ? "map" : type === "array" ? "list" : type;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** The chart's own keys have defaults; keys of an entry that the user added to a list or map do not. */
function missingKey(keys: string[], schema: SchemaNode): string {
  const { description, properties, default: fallback } = schemaAt(keys, schema) ?? {};
  if (properties !== undefined || fallback !== undefined) {
    return `${pathOf(keys)} is missing: leave it out of your values for the default (null removes it), or give it a value.`;
  }
  return `${pathOf(keys)} is missing: set it.${description ? ` ${firstSentence(description)}` : ""}`;
}

/** A sentence for the key under which a parent chart's file has our values; undefined for any other unknown key. */
function parentsKey(above: string[], key: string, data: unknown, { properties }: SchemaNode): string | undefined {
  const value = (data as Record<string, unknown>)[key];
  if (above.length > 0 || typeof value !== "object" || value === null) return undefined;
  if (!Object.keys(value).some((inner) => inner !== "enabled" && properties?.[inner] !== undefined)) return undefined;
  return `${key} is not a value; for a parent chart's values, in which it names this chart, add --values-key ${key}.`;
}

function unknownKey(keys: string[], schema: SchemaNode): string {
  const wrong = keys.at(-1) as string;
  const parent = keys.slice(0, -1);
  const siblings = Object.keys(schemaAt(parent, schema)?.properties ?? {});
  const near = nearestKey(wrong, siblings);
  // Not near any sibling: perhaps the right key in the wrong place.
  const meant = near ? pathOf([...parent, near]) : nearestElsewhere(wrong, schema);
  const hint = meant ? `did you mean ${meant}?` : `known here: ${siblings.join(", ")}.`;
  return `${pathOf(keys)} is not a value; ${hint}`;
}

/** The values anywhere whose last key is near `key`; undefined if there is none, or too many to choose from (`name`). */
function nearestElsewhere(key: string, schema: SchemaNode): string | undefined {
  const paths = allPaths(schema, []);
  const near = nearestKey(key, [...new Set(paths.map((path) => path.at(-1) as string))]);
  const matching = paths.filter((path) => path.at(-1) === near);
  return matching.length > 0 && matching.length <= 3 ? matching.map((path) => path.join(".")).join(" or ") : undefined;
}

function allPaths(node: SchemaNode, path: string[]): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, sub]) => [
    [...path, key],
    ...allPaths(sub, [...path, key]),
  ]);
}

function schemaAt(keys: string[], schema: SchemaNode): SchemaNode | undefined {
  return keys.reduce<SchemaNode | undefined>((node, key) => {
    const free = typeof node?.additionalProperties === "object" ? node.additionalProperties : undefined;
    const found = node?.properties?.[key] ?? node?.items ?? free;
    const below = found?.anyOf?.[0] ?? found;
    return below?.$ref === undefined ? below : schema.definitions?.[below.$ref.replace("#/definitions/", "")];
  }, schema);
}

/** `tbot.tolerations[0].key`; a key with dots or anything else odd in it is quoted. */
function pathOf(keys: string[]): string {
  return keys
    .map((key, index) => {
      if (/^\d+$/.test(key)) return `[${key}]`;
      const word = /^[\w/-]+$/.test(key) ? key : JSON.stringify(key);
      return index === 0 ? word : `.${word}`;
    })
    .join("");
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
