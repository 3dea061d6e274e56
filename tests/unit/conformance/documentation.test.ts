import { expect, test } from "vitest";
import { PLAN } from "../../../tools/conformance/scenarios/plan.ts";
import { BROKEN } from "../../lab/testkit/conformance/broken-promises.ts";
import { markdownTable } from "../../lab/testkit/reports/markdown-table.ts";
import { repositoryPath } from "../../support/run-helm.ts";

const ids = PLAN.map(({ id }) => id);

test("docs/operate/test.md has each scenario, in the order of the plan", () => {
  const table = markdownTable(repositoryPath("docs/operate/test.md"), "Scenarios");
  expect(Object.keys(table)).toEqual(ids.map((id) => `\`${id}\``));
});

test("docs/proof/test-promises.md has each way in which the lab test breaks a promise", () => {
  const table = markdownTable(repositoryPath("docs/proof/test-promises.md"), "What was seen in the lab");
  expect(Object.keys(table)).toEqual(BROKEN.map(({ how }) => how));
});

/** What only unit tests break: which lab test shows it. */
const ELSEWHERE = {
  "gateway-identity": "04 shows a gateway; broken in unit tests only",
  renewal: "07 shows it; broken in unit tests only",
};

test("each scenario is named by a break in the lab, alone or with another, or it is said why not", () => {
  const broken = BROKEN.flatMap(({ id, also = [] }) => [id, ...also.map((line) => line.split(" ")[1])]);
  expect(ids.filter((id) => !broken.includes(id)).toSorted()).toEqual(Object.keys(ELSEWHERE).toSorted());
});
