import { junitXml } from "../../doctor/reports/junit-report.ts";
import type { Shown } from "../play.ts";

/** The report as JUnit XML: a broken promise is a failure, one that could not be shown an error. */
export function junitReport(all: readonly Shown[]): string {
  const cases = all.map(({ scenario: { id, title }, evidence, ...rest }) => ({
    id,
    title,
    examined: evidence,
    ...rest,
  }));
  return junitXml([{ title: "Promises on this cluster", cases }]);
}
