import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { CHART_DIR } from "../../../tools/base/package-files.ts";
import { helmTemplate, type ValuesInputs } from "../../../tools/programs/helm.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { withTempDir } from "../../../tools/programs/temp-dir.ts";

/**
 * What `helm install` would print as notes. `helm template` leaves NOTES.txt out, and only Helm 4 shows it without a
 * cluster, so a copy of the chart has it as an ordinary template.
 */
export function renderNotes(inputs: ValuesInputs): Promise<string> {
  return withTempDir(async (dir) => {
    const chart = join(dir, "chart");
    await cp(CHART_DIR, chart, { recursive: true });
    const notes = await readFile(join(chart, "templates", "NOTES.txt"), "utf8");
    const template = `{{ define "notes" }}${notes}{{ end }}\nnotes: {{ include "notes" . | toJson }}\n`;
    await writeFile(join(chart, "templates", "notes.yaml"), template);
    const printed = await helmTemplate(systemRunner, { inputs, chart, showOnly: ["templates/notes.yaml"] });
    return (parse(printed) as { notes: string }).notes;
  });
}
