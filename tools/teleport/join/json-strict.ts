import { type Node, type ParseError, parseTree, printParseErrorCode, visit } from "jsonc-parser";
import { ExitError } from "../../base/exit-error.ts";

/** Largest JSON input that is taken, in bytes (1 MiB); a JWKS with a hundred RSA keys stays below 100 KiB. */
export const MAX_JSON_BYTES = 1024 * 1024;

/**
 * Parses `bytes` as exactly one JSON text in UTF-8 and nothing else. Stricter than JSON.parse: a byte order mark, more
 * than 1 MiB and a duplicated member name (of which JSON.parse silently keeps the last, other parsers the first) are
 * refused. What people paste in place of JSON (PEM, an HTML page, kubectl's error, escaped quotes) is recognised by
 * name.
 *
 * No sentence carries a piece of the input, because a refused input may hold a private key.
 *
 * @param source how the sentences call the input: "the file keys.json", "standard input"
 * @throws ExitError (refused) with what is wrong, where, and the fix
 */
export function parseStrictJson(bytes: Uint8Array, source: string): unknown {
  const text = decode(bytes, source);
  refuseLookalikes(text, source);
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
    if (errors[0] === undefined) refuseDuplicateMembers(text, source);
    // The last word on what JSON is has the language, not the library that gives us positions.
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ExitError(`The JSON from ${source} is nested too deeply; give it a plain JWKS.`);
    }
    if (!(error instanceof SyntaxError)) throw error;
    throw new ExitError(
      `What ${source} holds is not valid JSON${where(text, errors[0], root)}; give it the JWKS exactly as the API server returns it.`,
    );
  }
}

function decode(bytes: Uint8Array, source: string): string {
  if (bytes.length > MAX_JSON_BYTES) {
    throw new ExitError(`What ${source} holds is larger than 1 MiB; a JWKS is a few kilobytes.`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw new ExitError(
      `What ${source} holds is not valid UTF-8${utf16 ? " but UTF-16, as PowerShell's `>` writes it" : ""}; save it as UTF-8 without a byte order mark.`,
    );
  }
  if (text.startsWith("\uFEFF")) {
    throw new ExitError(`What ${source} holds starts with a byte order mark; save it as UTF-8 without one.`);
  }
  return text;
}

function refuseLookalikes(text: string, source: string): void {
  const start = text.trimStart();
  if (start === "") {
    throw new ExitError(`There is nothing in ${source}; write \`kubectl get --raw /openid/v1/jwks\` to it.`);
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new ExitError(
      `There is a private key in PEM form in ${source}; it must not leave the API server's host: give the public JWKS that \`kubectl get --raw /openid/v1/jwks\` prints.`,
    );
  }
  if (start.startsWith("-----BEGIN ")) {
    throw new ExitError(
      `What ${source} holds is a PEM file, which lacks the key IDs that Teleport selects keys by; give the JWKS that \`kubectl get --raw /openid/v1/jwks\` prints.`,
    );
  }
  if (start.startsWith("<")) {
    throw new ExitError(
      `What ${source} holds is an HTML or XML page, not a JWKS; a proxy or a login page answered instead of the API server.`,
    );
  }
  if (/^(Error from server|error:|The connection to the server|Unable to connect to the server)/i.test(start)) {
    throw new ExitError(
      `What ${source} holds is an error message of kubectl, not a JWKS; fix that error and fetch the JWKS again.`,
    );
  }
  if (isJson(start)) return;
  if (isJson(start.replaceAll('\\"', '"'))) {
    throw new ExitError(
      `The quotes in ${source} are escaped (\\"), as a sed script writes them; Teleport would refuse the join: write the JWKS as it is, do not escape quotes.`,
    );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A member name that occurs twice in one object means two different things to two parsers. */
function refuseDuplicateMembers(text: string, source: string): void {
  const open: Set<string>[] = [];
  visit(text, {
    onObjectBegin: () => {
      open.push(new Set());
    },
    onObjectEnd: () => {
      open.pop();
    },
    onObjectProperty: (name, offset) => {
      const names = open.at(-1);
      if (names?.has(name)) {
        throw new ExitError(
          `The member ${JSON.stringify(name)} occurs twice in one object of ${source} (${position(text, offset)}); keep one of them.`,
        );
      }
      names?.add(name);
    },
  });
}

function where(text: string, error: ParseError | undefined, root: Node | undefined): string {
  if (error === undefined) return "";
  const at = position(text, error.offset);
  if (printParseErrorCode(error.error) === "InvalidCommentToken") return `: a comment at ${at}`;
  const end = root === undefined ? 0 : root.offset + root.length;
  return error.offset >= end && isJson(text.slice(0, end)) ? `: text follows the JSON at ${at}` : ` (${at})`;
}

function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
