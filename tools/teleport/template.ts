import type Handlebars from "handlebars";
import runtime from "handlebars/runtime.js";
import { ExitError } from "../base/exit-error.ts";
import { TEMPLATES } from "./compiled-templates.ts";

/** A template of tools/teleport/templates/: its file's name without `.yaml.hbs`. */
export type TemplateName = keyof typeof TEMPLATES;

// The package declares no types for its runtime, which has those of the whole but for the compiler.
const engine = (runtime as unknown as typeof Handlebars).create();
engine.registerHelper("quote", quoteYaml);

/**
 * Renders tools/teleport/templates/<name>.yaml.hbs. Strings from outside go through the helper `quote`; a variable that the
 * template names and `model` lacks is an error.
 */
export function renderTemplate(name: TemplateName, model: Readonly<Record<string, unknown>>): string {
  return engine.template(TEMPLATES[name])(model);
}

/**
 * `text` as a double-quoted YAML scalar in ASCII, so that no value can end its own string. JSON's quoting is YAML's;
 * beyond ASCII YAML 1.1 (which Teleport's parser follows) differs: it breaks lines at U+0085, U+2028 and U+2029, and
 * takes no halves of a surrogate pair.
 */
function quoteYaml(text: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw new ExitError(`${JSON.stringify(text)} is not valid Unicode; correct this value.`);
  }
  return JSON.stringify(text).replace(/[\u007f-\u{10ffff}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}
