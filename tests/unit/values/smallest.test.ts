import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ExitError } from "../../../tools/base/exit-error.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { mergedValues } from "../../../tools/values/load.ts";
import { smallestValues } from "../../../tools/values/smallest.ts";
import { repositoryPath } from "../../support/run-helm.ts";

/** `init` checks its two values without Helm; the chart's own checks are the measure. */

const NAME = "a.example";
const PROXY = "a.example:443";
const LONGEST = "a".repeat(255);

const fileOf = (clusterName: string, proxyAddr: string) =>
  JSON.stringify({ global: { teleport: { clusterName, proxyAddr } } });

/** What the chart says to the same two values; empty when it takes them. */
const chartRefusal = (clusterName: string, proxyAddr: string) =>
  mergedValues(systemRunner, { files: [{ name: "values.yaml", text: fileOf(clusterName, proxyAddr) }], sets: [] }).then(
    () => "",
    (error: Error) => error.message,
  );

/** What is wrong, name, address, and how the refusal starts. */
const REFUSED: [string, string, string, string][] = [
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
    `global.teleport.clusterName is "${LONGEST}a", which must NOT have more`,
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

describe("the smallest values", { concurrent: true }, () => {
  test.each(REFUSED)("with %s are refused as the chart refuses them", async (_, clusterName, proxyAddr, start) => {
    const said = await chartRefusal(clusterName, proxyAddr);
    expect(said.startsWith(start), said).toBe(true);
    await expect(smallestValues(clusterName, proxyAddr)).rejects.toThrow(new ExitError(said));
  });

  test.each([
    ["names", NAME, PROXY],
    ["digits", "1", "1:1"],
    ["a boolean's word and the last port", "true", "a.example:65535"],
    ["YAML's float and an IPv6 address", "1e3", "[2001:db8::1]:443"],
    ["YAML's hexadecimal and an IPv4 address", "0x10", "10.0.0.1:1"],
    ["the longest name", LONGEST, "A.example:9999"],
  ])("with %s are taken as the chart takes them, and stay strings", async (_, clusterName, proxyAddr) => {
    const text = await smallestValues(clusterName, proxyAddr);
    expect(parse(text)).toEqual({ global: { teleport: { clusterName, proxyAddr } } });
    const { global } = await mergedValues(systemRunner, { files: [{ name: "values.yaml", text }], sets: [] });
    expect(global.teleport).toMatchObject({ clusterName, proxyAddr });
  });

  test("know every check of the chart that is about the two alone", () => {
    const source = readFileSync(repositoryPath("chart/templates/checks/_problems.tpl"), "utf8");
    const checks = source.match(/append \$problems (\(printf )?"global\.teleport\.(clusterName|proxyAddr) .*/g) ?? [];
    expect(checks).toHaveLength(3);
  });
});
