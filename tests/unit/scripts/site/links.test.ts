import { expect, it } from "vitest";
import { anchorOf, siteLink } from "../../../../scripts/site/links.ts";

const PAGE = "docs/start/quick-start.md";
const MAIN = "https://github.com/istio-teleport/istio-teleport/blob/main";
const isOnSite = (path: string) => path.startsWith("docs/");

it.each([
  ["installation.md#1-a-values-file", "/start/installation#1-a-values-file"],
  ["../operate/policies.md", "/operate/policies"],
  ["../README.md", "/contents"],
  ["#next", "#next"],
  ["../reference/report.schema.json", "/reference/report.schema.json"],
  [`${MAIN}/docs/proof/evidence.md#migration-under-load`, "/proof/evidence#migration-under-load"],
  ["../../README.md#exit-codes", `${MAIN}/README.md#exit-codes`],
  ["../../chart/values.yaml", `${MAIN}/chart/values.yaml`],
  [`${MAIN}/SECURITY.md`, `${MAIN}/SECURITY.md`],
  ["https://istio.io/latest/", "https://istio.io/latest/"],
])("%s of a page leads to %s on the site", (href, expected) => {
  expect(siteLink(href, PAGE, isOnSite)).toBe(expected);
});

it.each([
  ["What is proven and what isn't", "what-is-proven-and-what-isnt"],
  ["0. Names", "0-names"],
  ["tbot's own rights", "tbots-own-rights"],
  ["`tbot-nodes`", "tbot-nodes"],
])("%s has the anchor that GitHub gives it", (heading, expected) => {
  expect(anchorOf(heading)).toBe(expected);
});
