import { Document, Scalar, visit } from "yaml";

/**
 * A YAML document that Helm reads as it is meant. Helm reads YAML 1.1, where `on`, `y` and `012` are no strings, and its
 * parser takes more for numbers than YAML 1.1 has: `0o12` is 10 there.
 */
export function helmYaml(value: object): Document {
  const document = new Document(value, { version: "1.1", aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && /^[-+.\d]/.test(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document;
}
