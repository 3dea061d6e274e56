import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { CHECKS } from "../../../../tools/doctor/checks/all.ts";

/** A row of docs/proof/doctor-checks.md: how a check's subject was broken, and what doctor printed. */
export interface Row {
  readonly check: string;
  readonly how: string;
  readonly said: string;
}

/** A name that a ReplicaSet or a DaemonSet gave, with its namespace where the text has one. */
const POD = /(?:[a-z0-9-]+\/)?[a-z0-9-]+?(?:-[0-9a-f]{6,10})?-[bcdf-hj-np-tv-xz2-9]{4,5}(?![\w-])/;
const PODS = new RegExp(`${POD.source}(?:, ${POD.source})*(?:, …)?`, "g");

/**
 * What of a finding is the same in every run: `POD` stands for one or more names that Kubernetes made up, `N` for a number
 * that differs, `…` for keys, fingerprints and whatever else is meshed.
 */
export function lasting(text: string): string {
  return (
    text
      .replaceAll(/\b[0-9a-f]{16}\b/g, "…")
      // A pod that was never made, by the name that it was to have.
      .replaceAll(/"[a-z0-9-]+-[0-9a-f]{8,10}-[a-z0-9]*"/g, '"POD"')
      .replaceAll(/ key "[\w-]{43}"/g, ' key "…"')
      .replaceAll(/(?<=whoever may create pods in ).*?(?= can )/g, "…")
      .replaceAll(PODS, (names) => (names.includes("/") || names.startsWith("tbot-") ? "POD" : names))
      .replaceAll(/\d+ (?:s|min|h)(?= ahead| behind| ago)/g, "N s")
      .replaceAll(/(?<=expires in )\d+ (?:s|min|h)\b/g, "N s")
      .replaceAll(/\b\d+ times?\b/g, "N times")
      .replaceAll(/\b\d+ others? (?:is|are) (?=fresh)/g, "N others are ")
      .replaceAll(/\b\d+(?= (?:meshed )?pods )/g, "N")
  );
}

/** The table as Markdown. */
function markdown(rows: readonly Row[]): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const lines = rows.map(({ check, how, said }) => `| ${[check, how, said].map(cell).join(" | ")} |`);
  return `${["| check | how it was broken | what doctor said |", "|---|---|---|", ...lines].join("\n")}\n`;
}

/** Saves the table, in the order of the checks, as JSON and Markdown in the lab's state, `doctor/checks.*`. */
export function save(rows: readonly Row[]): void {
  const folder = join(labPaths().state, "doctor");
  mkdirSync(folder, { recursive: true });
  const inOrder = CHECKS.flatMap(({ id }) => rows.filter(({ check }) => check === id));
  writeFileSync(join(folder, "checks.json"), `${JSON.stringify(inOrder, null, 2)}\n`);
  writeFileSync(join(folder, "checks.md"), markdown(inOrder));
}
