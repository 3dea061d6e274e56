import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { ExitError } from "../base/exit-error.ts";

/** Beside this module in the source tree and, copied by the build, in dist. */
const TEMPLATES = new URL("./templates/", import.meta.url);

const engine = Handlebars.create();
engine.registerHelper("quote", quoteYaml);

/**
 * Renders tools/templates/<name>.yaml.hbs. Strings from outside go through the helper `quote`; a variable that the
 * template names and `model` lacks is an error.
 */
export function renderTemplate(name: string, model: Readonly<Record<string, unknown>>): string {
  const template = readFileSync(new URL(`${name}.yaml.hbs`, TEMPLATES), "utf8");
  return engine.compile(template, { strict: true, noEscape: true })(model);
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
