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

/** Name, address, and how the refusal starts. */
const REFUSED: [string, string, string][] = [
  ["", PROXY, "global.teleport.clusterName is empty"],
  [NAME, "", "global.teleport.proxyAddr is empty"],
  ["", "", "global.teleport.clusterName is empty"],
  [NAME, "a.example:65536", 'global.teleport.proxyAddr is "a.example:65536": its port is above 65535'],
  ["", "[::1]:99999", "global.teleport.clusterName is empty"],
  ["Upper", PROXY, 'global.teleport.clusterName is "Upper", which does not match'],
  ["a.example\n", PROXY, 'global.teleport.clusterName is "a.example\\n", which does not match'],
  [" ", PROXY, 'global.teleport.clusterName is " ", which does not match'],
  [`${LONGEST}a`, PROXY, `global.teleport.clusterName is "${LONGEST}a", which must NOT have more than 255 characters`],
  ["Upper", "", 'global.teleport.clusterName is "Upper", which does not match'],
  ["Upper", "https://x", 'global.teleport.clusterName is "Upper", which does not match'],
  [NAME, "https://a.example:443", 'global.teleport.proxyAddr is "https://a.example:443", which does not match'],
  [NAME, "a.example", 'global.teleport.proxyAddr is "a.example", which does not match'],
  [NAME, "a.example:0", 'global.teleport.proxyAddr is "a.example:0", which does not match'],
  [NAME, "a.example:100000", 'global.teleport.proxyAddr is "a.example:100000", which does not match'],
];

describe("the smallest values", { concurrent: true }, () => {
  test.each(REFUSED)("%j and %j are refused as the chart refuses them", async (clusterName, proxyAddr, start) => {
    const said = await chartRefusal(clusterName, proxyAddr);
    expect(said.startsWith(start), said).toBe(true);
    await expect(smallestValues(clusterName, proxyAddr)).rejects.toThrow(new ExitError(said));
  });

  test.each([
    [NAME, PROXY],
    ["1", "1:1"],
    ["true", "a.example:65535"],
    ["1e3", "[2001:db8::1]:443"],
    ["0x10", "10.0.0.1:1"],
    [LONGEST, "A.example:9999"],
  ])("%s and %s are taken as the chart takes them, and stay strings", async (clusterName, proxyAddr) => {
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
