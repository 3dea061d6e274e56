import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ExitError } from "../../../tools/base/exit-error.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { mergedValues } from "../../../tools/values/load.ts";
import { smallestValues } from "../../../tools/values/smallest.ts";
import { outcomesOf, schemaRefusal } from "../../support/render-many.ts";
import { repositoryPath } from "../../support/run-helm.ts";

/** `init` checks its two values without Helm; the chart's own checks are the measure. */

const NAME = "a.example";
const PROXY = "a.example:443";
const LONGEST = "a".repeat(255);

type Row = [what: string, clusterName: string, proxyAddr: string, start?: string];

/** What is wrong, name, address, and how the refusal starts. */
const REFUSED: Row[] = [
  ["no name", "", PROXY, "global.teleport.clusterName is empty"],
  ["no address", NAME, "", "global.teleport.proxyAddr is empty"],
  ["neither", "", "", "global.teleport.clusterName is empty"],
  [
    "a port above 65535",
    NAME,
    "a.example:65536",
    'global.teleport.proxyAddr is "a.example:65536": its port is above 65535',
  ],
  ["no name, and a port above 65535 after an IPv6 address", "", "[::1]:99999", "global.teleport.clusterName is empty"],
  ["an upper-case name", "Upper", PROXY, 'global.teleport.clusterName is "Upper", which does not match'],
  ["a line break", "a.example\n", PROXY, 'global.teleport.clusterName is "a.example\\n", which does not match'],
  ["a blank name", " ", PROXY, 'global.teleport.clusterName is " ", which does not match'],
  [
    "a name that is too long",
    `${LONGEST}a`,
    PROXY,
    `global.teleport.clusterName is "${LONGEST}a", which is longer than`,
  ],
  ["an upper-case name and no address", "Upper", "", 'global.teleport.clusterName is "Upper", which does not match'],
  [
    "an upper-case name and a URL",
    "Upper",
    "https://x",
    'global.teleport.clusterName is "Upper", which does not match',
  ],
  [
    "a URL",
    NAME,
    "https://a.example:443",
    'global.teleport.proxyAddr is "https://a.example:443", which does not match',
  ],
  ["no port", NAME, "a.example", 'global.teleport.proxyAddr is "a.example", which does not match'],
  ["port 0", NAME, "a.example:0", 'global.teleport.proxyAddr is "a.example:0", which does not match'],
  [
    "a port of six digits",
    NAME,
    "a.example:100000",
    'global.teleport.proxyAddr is "a.example:100000", which does not match',
  ],
];

const TAKEN: Row[] = [
  ["names", NAME, PROXY],
  ["digits", "1", "1:1"],
  ["a boolean's word and the last port", "true", "a.example:65535"],
  ["YAML's float and an IPv6 address", "1e3", "[2001:db8::1]:443"],
  ["YAML's hexadecimal and an IPv4 address", "0x10", "10.0.0.1:1"],
  ["the longest name", LONGEST, "A.example:9999"],
];

const caseOf = ([, clusterName, proxyAddr]: Row) => ({
  layers: [{ global: { teleport: { clusterName, proxyAddr } } }],
});
const named = (rows: readonly Row[]) => rows.map((row) => [row[0], row] as const);

describe("the smallest values", () => {
  const merged = outcomesOf<Row>(REFUSED, caseOf, "merged");
  const checked = outcomesOf<Row>([...REFUSED, ...TAKEN], caseOf, "checked");

  test.each(named(REFUSED))("with %s are refused as the chart refuses them", async (_, row) => {
    const [, clusterName, proxyAddr, start = "nothing"] = row;
    // The schema speaks first, as for our tools.
    const said = (await schemaRefusal(await merged(row))) || (await checked(row)).problems.join("\n");
    expect(said.startsWith(start), said).toBe(true);
    await expect(smallestValues(clusterName, proxyAddr)).rejects.toThrow(new ExitError(said));
  });

  test.each(named(TAKEN))("with %s are taken as the chart takes them", async (_, row) => {
    const [, clusterName, proxyAddr] = row;
    const text = await smallestValues(clusterName, proxyAddr);
    expect(parse(text)).toEqual({ global: { teleport: { clusterName, proxyAddr } } });
    const { refused, problems } = await checked(row);
    expect([...refused, ...problems]).toEqual([]);
  });

  test("stay strings for Helm, which reads YAML 1.1", async () => {
    const text = await smallestValues("1e3", "1:1");
    const { global } = await mergedValues(systemRunner, { files: [{ name: "values.yaml", text }], sets: [] });
    expect(global.teleport).toMatchObject({ clusterName: "1e3", proxyAddr: "1:1" });
  });

  test("know every check of the chart that is about the two alone", () => {
    const source = readFileSync(repositoryPath("chart/templates/checks/_problems.tpl"), "utf8");
    const checks = source.match(/append \$problems (\(printf )?"global\.teleport\.(clusterName|proxyAddr) .*/g) ?? [];
    expect(checks).toHaveLength(3);
  });
});
