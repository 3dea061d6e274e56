import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../../../tools/teleport/join/json-strict.ts";
import { refusal } from "../../support/refusal.ts";

const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text as string), "the file keys.json");

describe("parseStrictJson", () => {
  it("returns what JSON.parse does", () => {
    for (const text of [
      '{"keys":[]}',
      ' [1, -2.5e3, "\\u00e9\\"{", null, true]\n',
      '"x"',
      "0",
      '{\t"a":\r\n{"a":1}}',
    ]) {
      expect(parse(text)).toEqual(JSON.parse(text));
    }
  });

  it("keeps a member that is called __proto__ a member", () => {
    expect(Object.keys(parse('{"__proto__":{"keys":[]}}') as object)).toEqual(["__proto__"]);
  });

  it.each([
    ["nothing", "", "There is nothing in the file keys.json"],
    ["white space", " \n\t", "There is nothing in the file keys.json"],
    ["a byte order mark", '\uFEFF{"keys":[]}', "byte order mark"],
    ["UTF-16 with its mark", Buffer.from('\uFEFF{"keys":[]}', "utf16le"), "UTF-16, as PowerShell"],
    ["Latin-1", Buffer.from('{"kid":"é"}', "latin1"), "not valid UTF-8; save"],
    ["1 MiB and one byte", `"${"x".repeat(1024 * 1024 - 1)}"`, "larger than 1 MiB"],
    ["text after the JSON", '{"keys":[]}\nDone.', "text follows the JSON at line 2, column 1"],
    ["two texts", '{"keys":[]}{"keys":[]}', "text follows the JSON at line 1, column 12"],
    ["a comment", '{"keys":[] /* none */}', "a comment at line 1, column 12"],
    ["a trailing comma", '{"keys":[],}', "not valid JSON (line 1, column 12)"],
    ["single quotes", "{'keys':[]}", "not valid JSON (line 1, column 2)"],
    ["a cut off file", '{"keys":[{"kty":', "not valid JSON (line 1, column 17)"],
    ["YAML", "keys: []", "not valid JSON (line 1, column 1)"],
    ["a control character in a string", '{"a":"\u0001"}', "not valid JSON"],
    ["a leading zero", '{"a":01}', "not valid JSON"],
    ["NaN", '{"a":NaN}', "not valid JSON"],
    ["too deep lists", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, "nested too deeply"],
    [
      "a duplicated member",
      '{"keys":[],"keys":[]}',
      'The member "keys" occurs twice in one object of the file keys.json (line 1, column 12)',
    ],
    [
      "a duplicate below",
      '{"keys":[{"kid":"a",\n"kid":"b"}]}',
      '"kid" occurs twice in one object of the file keys.json (line 2, column 1)',
    ],
    ["a duplicate spelt differently", '{"kid":1,"\\u006bid":2}', '"kid" occurs twice'],
    ["escaped quotes", '{\\"keys\\":[{\\"kty\\":\\"RSA\\"}]}', "write the JWKS as it is, do not escape quotes"],
    ["a private key in PEM", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "private key in PEM form"],
    ["a private key after other text", "Bag Attributes\n-----BEGIN PRIVATE KEY-----\nMIIE", "private key in PEM form"],
    ["a public key in PEM", "-----BEGIN PUBLIC KEY-----\nMIIB", "is a PEM file, which lacks the key IDs"],
    ["a certificate", "\n-----BEGIN CERTIFICATE-----\nMIIB", "is a PEM file, which lacks the key IDs"],
    ["a web page", "<!DOCTYPE html><html>", "HTML or XML page"],
    ["kubectl's refusal", "Error from server (Forbidden): forbidden: User", "error message of kubectl"],
    [
      "kubectl without a cluster",
      "The connection to the server localhost:8080 was refused",
      "error message of kubectl",
    ],
  ])("refuses %s", async (_, text, sentence) => {
    expect(await refusal(() => parse(text))).toContain(sentence);
  });

  it("takes exactly 1 MiB", () => {
    expect(parse(`"${"x".repeat(1024 * 1024 - 2)}"`)).toHaveLength(1024 * 1024 - 2);
  });

  it("takes escaped quotes inside of strings, and the same name in two objects", () => {
    expect(parse('{"keys":[{"kid":"a\\"b"},{"kid":"c"}]}')).toEqual({ keys: [{ kid: 'a"b' }, { kid: "c" }] });
  });

  it("takes strings that would be JSON without their escapes, too", () => {
    expect(parse('["\\",\\""]')).toEqual(['","']);
  });

  it("says escaped quotes only where nothing else is wrong", async () => {
    expect(await refusal(() => parse('{"a":"\\"" b}'))).toContain("not valid JSON (line 1, column 11)");
  });

  it("repeats nothing of what it refuses", async () => {
    for (const text of ['{"k":"SECRET" "d"}', '{"k":SECRET}', "SECRET", '{"k":"SECRET', '{\\"k\\":\\"SECRET\\"}']) {
      expect(await refusal(() => parse(text))).not.toContain("SECRET");
    }
  });

  it("takes time in proportion to the members", () => {
    const cpuOf = (members: number) => {
      const text = JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, i) => [`k${i}`, 0])));
      const before = process.cpuUsage();
      parse(text);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    cpuOf(10_000);
    // Eight times the members: 8 in proportion, 64 if each were compared with each.
    expect(cpuOf(80_000) / cpuOf(10_000)).toBeLessThan(32);
  });
});
