import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { writeChartVersion } from "../../scripts/release/version.ts";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { repositoryPath, runHelm } from "../support/run-helm.ts";

/** The parts of a rendered object that are compared. */
interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
  readonly spec?: { readonly template?: object };
}

async function render(chart: string): Promise<Rendered[]> {
  const values = repositoryPath("chart/ci/everything-values.yaml");
  const text = await runHelm(["template", "istio-teleport", chart, "-n", "teleport-system", "--values", values]);
  return parseAllDocuments(text).map((document) => document.toJSON() as Rendered);
}

it("an upgrade that changes nothing but the version restarts no pod", async () => {
  const [today, next] = await withTempDir(async (folder) => {
    const chart = join(folder, "chart");
    await cp(CHART_DIR, chart, { recursive: true });
    await writeChartVersion(chart, "99.0.0");
    return Promise.all([render(CHART_DIR), render(chart)]);
  });
  const labels = next.map(({ metadata }) => metadata.labels?.["helm.sh/chart"] ?? "");
  expect(labels.filter((label) => label.endsWith("-99.0.0")).length).toBeGreaterThan(10);
  const templates = (objects: Rendered[]) =>
    objects.flatMap(({ kind, metadata, spec }) =>
      spec?.template ? [[`${kind} ${metadata.name}`, spec.template]] : [],
    );
  expect(templates(next).length).toBeGreaterThan(3);
  expect(templates(next)).toEqual(templates(today));
});
