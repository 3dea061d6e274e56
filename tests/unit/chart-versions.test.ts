import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { repositoryPath } from "../support/run-helm.ts";

/** Chart and tools are released together, under one version. */

const read = (path: string) => readFileSync(repositoryPath(path), "utf8");
const chart = parse(read("chart/Chart.yaml"));

test("package, chart and subcharts carry one version", () => {
  const subcharts = readdirSync(repositoryPath("chart/charts"));
  const versions = [
    JSON.parse(read("package.json")).version,
    ...chart.dependencies.map((dependency: { version: string }) => dependency.version),
    ...subcharts.map((name) => parse(read(join("chart/charts", name, "Chart.yaml"))).version),
  ];
  expect(chart.dependencies.map((dependency: { name: string }) => dependency.name).toSorted()).toEqual(subcharts);
  expect(new Set(versions)).toEqual(new Set([chart.version]));
});

test("the chart's appVersion is the tbot that it installs", () => {
  expect(chart.appVersion).toBe(parse(read("chart/values.yaml")).tbot.image.tag);
});
