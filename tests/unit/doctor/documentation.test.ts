import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page } from "../../../tools/base/documentation.ts";
import { CHECKS } from "../../../tools/doctor/checks/all.ts";
import { CHECKS_BEFORE } from "../../../tools/doctor/checks/before/all.ts";
import { STEPS } from "../../../tools/doctor/checks/check.ts";
import { documentation } from "../../../tools/doctor/reports/documentation.ts";
import { SITUATIONS } from "../../lab/testkit/doctor/doctor-situations.ts";
import { markdownTable } from "../../lab/testkit/reports/markdown-table.ts";
import { repositoryPath } from "../../support/run-helm.ts";

const TEXT = readFileSync(repositoryPath("docs/operate/troubleshooting.md"), "utf8");

/** Every check by its id, those before an installation first; two of these run afterwards, too. */
const IDS = [
  ...CHECKS_BEFORE.map(({ id }) => id).filter((id) => !CHECKS.some((check) => check.id === id)),
  ...CHECKS.map(({ id }) => id),
];

/** The page's sections after the general ones: what stands under each heading of the third level, by heading. */
const SECTIONS = new Map(
  TEXT.split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section.split(/^## /m)[0] ?? ""]),
);

it("has exactly one section per check, in the order of the checks, under the hand-offs' headings", () => {
  const headings = [...TEXT.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(IDS);
  const steps = [...TEXT.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(steps.slice(-Object.keys(STEPS).length)).toEqual(Object.values(STEPS));
});

it.each(IDS)("%s: symptom, cause and fix", (id) => {
  const parts = [...(SECTIONS.get(id) ?? "").matchAll(/^\*\*(Symptom|Cause|Fix)\.\*\* ./gm)].map(([, part]) => part);
  expect(parts).toEqual(["Symptom", "Cause", "Fix"]);
});

it("is where each check's report leads to", () => {
  expect(documentation("socket")).toBe(page("docs/operate/troubleshooting.md#socket"));
});

it("links to sections that exist only", () => {
  const headings = [...TEXT.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchor(heading));
  const links = [...TEXT.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);
  expect(links.filter((link) => !headings.includes(link ?? ""))).toEqual([]);
});

it("is where findings point at other checks that exist", () => {
  const named = [...TEXT.matchAll(/\[([a-z]+(?:-[a-z]+)+)\]\(#/g)].map(([, id]) => id);
  expect(named.filter((id) => !IDS.includes(id ?? ""))).toEqual([]);
});

it("docs/operate/faults.md names checks and alerts that exist", () => {
  const faults = readFileSync(repositoryPath("docs/operate/faults.md"), "utf8");
  const ids = new Set<string>(CHECKS.map(({ id }) => id));
  const named = [...faults.matchAll(/troubleshooting\.md#([a-z-]+)/g)].map(([, id = ""]) => id);
  expect(named.filter((id) => !ids.has(id))).toEqual([]);
  expect(named.length).toBeGreaterThan(10);
  const rules = readFileSync(repositoryPath("chart/templates/monitoring/rules.yaml"), "utf8");
  const alerts = new Set([...rules.matchAll(/alert: IstioTeleport(\w+)/g)].map(([, alert]) => alert));
  // The fifth column of the table of faults.
  const cells = faults.split("\n").flatMap((line) => (line.startsWith("| ") ? [line.split("|")[5] ?? ""] : []));
  const raised = cells.slice(1).flatMap((cell) => cell.match(/[A-Z]\w+/g) ?? []);
  expect(raised.filter((alert) => !alerts.has(alert))).toEqual([]);
  expect(raised.length).toBeGreaterThan(3);
});

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}

it("has every check broken once in the lab, and how in docs/proof/doctor-checks.md", () => {
  const cases = SITUATIONS.flatMap(({ phases }) => phases.flat());
  const ids = CHECKS.map(({ id }) => id);
  expect(cases.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  const table = markdownTable(repositoryPath("docs/proof/doctor-checks.md"), "What was seen in the lab");
  expect(Object.entries(table).map(([id, row]) => [id, row["how it was broken"]])).toEqual(
    ids.map((id) => [id, cases.find((each) => each.id === id)?.how]),
  );
});
