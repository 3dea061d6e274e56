import Handlebars from "handlebars";

/**
 * Handlebars templates as the code that its compiler makes of them, so that commands load Handlebars' runtime alone.
 *
 * @param templates name → text
 */
export function compiledTemplates(templates: ReadonlyMap<string, string>): string {
  const specifications = [...templates].map(
    ([name, text]) => `  ${JSON.stringify(name)}: ${Handlebars.precompile(text, { strict: true, noEscape: true })},\n`,
  );
  return `// @ts-nocheck\n// Generated from the templates beside it by npm run gen-schema; do not edit.\nexport const TEMPLATES = {\n${specifications.join("")}};\n`;
}
