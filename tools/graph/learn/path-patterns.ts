/**
 * Paths as AuthorizationPolicies write them (Istio security/v1 Operation.paths): exact, `/prefix*`, `*suffix`, or a
 * template with `{*}` for one part and `{**}` for any number of them.
 */

/** Whether a rule with `pattern` matches `path`, which has no query. */
export function matchesPath(pattern: string, path: string): boolean {
  if (pattern.includes("{")) {
    const parts = pattern.split(/(\{\*\*?\})/).map((part) => TEMPLATE_PARTS[part] ?? escaped(part));
    return new RegExp(`^${parts.join("")}$`).test(path);
  }
  if (pattern.endsWith("*")) return path.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith("*")) return path.endsWith(pattern.slice(1));
  return pattern === path;
}

/** What Envoy's templates take in a part, by wildcard or literally (source/extensions/path/uri_template_lib). */
const PART = "A-Za-z0-9._~%!$&'()+,;:@=-";

const TEMPLATE_PARTS: Readonly<Record<string, string>> = { "{*}": `[${PART}]+`, "{**}": `[/${PART}]*` };

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Whether a rule can name exactly this path. A caller who asks for `/*` must not thereby be allowed every path: what a
 * rule would read as a wildcard cannot be written, nor can what is not visible ASCII (chart/values.schema.json).
 */
export function isExpressible(path: string): boolean {
  return /^\/[!"$-)+->@-z|~]*$/.test(path);
}

/** Whether a rule can name this method (chart/values.schema.json); HTTP/2 lets a caller send any. */
export function isExpressibleMethod(method: string): boolean {
  return /^[A-Z]+$/.test(method);
}

/**
 * The path with `{*}` in place of each part that is an identifier: a number, a UUID, a ULID, or hexadecimal digits. A
 * path whose rest cannot stand in a template stays as it is.
 */
export function generalizedPath(path: string): string {
  const template = path
    .split("/")
    .map((part) => (IDENTIFIERS.some((form) => form.test(part)) ? "{*}" : part))
    .join("/");
  return TEMPLATE.test(template) ? template : path;
}

/** No empty part; each is a literal or a wildcard. */
const TEMPLATE = new RegExp(`^(/([${PART}]+|\\{\\*\\}))+$`);

const IDENTIFIERS = [
  /^\d+$/,
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  /^[0-9A-HJKMNP-TV-Z]{26}$/,
  // Words such as "feedface" are no identifiers, so one digit at least.
  /^(?=.*\d)[0-9a-f]{8,}$/i,
];
