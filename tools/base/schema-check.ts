import type { ErrorObject, SchemaObject } from "ajv";
import { ExitError } from "./exit-error.ts";
import { nearestKey } from "./nearest-key.ts";

/** A named form of a string in a schema (`format: <name>`): the check, and the rest of the sentence when it fails. */
export interface StringForm {
  accepts(text: string): boolean;
  /** What is allowed, as the end of "<path> is <value>; ". */
  hint: string;
}

/** What ajv made of a schema at build time (scripts/gen-schema/compiled-schemas.ts). */
export interface CompiledSchema {
  (value: unknown): boolean;
  errors?: readonly ErrorObject[] | null;
}

/**
 * Makes a compiled strict schema into a check that throws an ExitError (refused) with one sentence: the path of the
 * value, the value and what is allowed instead. Unknown keys are refused with the nearest known one.
 *
 * @param forms the forms that the schema's `format` keywords name
 */
export function schemaCheck(
  validate: CompiledSchema,
  forms: Readonly<Record<string, StringForm>>,
): (value: unknown, what: string) => void {
  return (value, what) => {
    if (validate(value)) return;
    const error = mostTelling(validate.errors ?? []);
    throw new ExitError(`${what}: ${sentence(error, forms)}.`);
  };
}

/** The first error. If a key is missing and its object has an unknown key, the unknown one: it is usually a misspelling. */
function mostTelling(errors: readonly ErrorObject[]): ErrorObject {
  const [first] = errors;
  if (first === undefined) throw new Error("ajv refused a value without an error");
  if (first.keyword !== "required") return first;
  const unknown = errors.find((e) => e.keyword === "additionalProperties" && e.instancePath === first.instancePath);
  return unknown ?? first;
}

/** Schema of an object with exactly these keys. */
export function exactObject(required: Record<string, unknown>, optional: Record<string, unknown> = {}): SchemaObject {
  return {
    type: "object",
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

function sentence(error: ErrorObject, forms: Readonly<Record<string, StringForm>>): string {
  const path = pathOf(error.instancePath);
  const { params, parentSchema } = error;
  const is = `${path} is ${show(error.data)}`;
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params.additionalProperty);
      const meant = nearestKey(key, Object.keys(parentSchema?.properties ?? {}));
      return `${join(path, key)} is not allowed there; ${meant ? `did you mean ${join(path, meant)}` : "remove it"}`;
    }
    case "required":
      return `${join(path, String(params.missingProperty))} is missing; set it`;
    case "const":
      return `${is}; it must be ${show(params.allowedValue)}`;
    case "enum":
      return `${is}; it must be one of ${params.allowedValues.map(show).join(", ")}`;
    case "type":
      return `${is}; it must be of type ${params.type}`;
    case "format":
      return `${is}; ${forms[params.format]?.hint}`;
    case "minItems":
    case "minProperties":
    case "minLength":
      return `${path} is empty; give at least one ${error.keyword === "minLength" ? "character" : "entry"}`;
    default:
      return `${is}; it ${error.message}`;
  }
}

/** "/spec/allow/0/name" → "spec.allow[0].name" */
function pathOf(pointer: string): string {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")).reduce(join, "");
}

function join(path: string, key: string): string {
  if (/^\d+$/.test(key)) return `${path}[${key}]`;
  const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === "" ? name : `${path}.${name}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
