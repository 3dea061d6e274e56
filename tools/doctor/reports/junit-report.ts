import { type Finding, STEPS, type Step } from "../checks/check.ts";
import type { Result, Status } from "../diagnose.ts";

/** One test of a suite. */
interface JunitCase {
  id: string;
  title: string;
  status: Status;
  /** What was looked at; of `skipped`, why. */
  examined: string;
  findings: readonly Finding[];
  /** How long it took, where that is known. */
  seconds?: number;
}

interface JunitSuite {
  title: string;
  cases: readonly JunitCase[];
}

/** The report as JUnit XML, one test suite a hand-off. */
export function junitReport(results: readonly Result[]): string {
  const suites = (Object.entries(STEPS) as [Step, string][]).map(([step, title]) => ({
    title,
    cases: results.flatMap(({ check, ...rest }) =>
      check.step === step ? [{ id: check.id, title: check.title, ...rest }] : [],
    ),
  }));
  return junitXml(suites.filter(({ cases }) => cases.length > 0));
}

/** Suites as JUnit XML: a problem is a failure, what could not be checked an error, a warning stands in the test's output. */
export function junitXml(suites: readonly JunitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts(all)}>\n${suites.map(suite).join("")}</testsuites>\n`;
}

function suite({ title, cases }: JunitSuite): string {
  return `  <testsuite name="${escaped(title)}" ${counts(cases)}>\n${cases.map(testCase).join("")}  </testsuite>\n`;
}

function counts(cases: readonly JunitCase[]): string {
  const amount = (status: Status) => cases.filter((each) => each.status === status).length;
  return `tests="${cases.length}" failures="${amount("problem")}" errors="${amount("unknown")}" skipped="${amount("skipped")}"`;
}

const ELEMENT = { problem: "failure", unknown: "error", warning: "system-out" } as const;

function testCase({ id, title, status, examined, findings, seconds }: JunitCase): string {
  const time = seconds === undefined ? "" : ` time="${seconds}"`;
  const name = `    <testcase classname="${id}" name="${escaped(title)}"${time}`;
  if (status === "ok") return `${name}/>\n`;
  if (status === "skipped") return `${name}>\n      <skipped message="${escaped(examined)}"/>\n    </testcase>\n`;
  const text = findings.map(({ subject, evidence, hint }) => `${subject}: ${evidence}\n→ ${hint}`).join("\n");
  const element = ELEMENT[status];
  const message = status === "warning" ? "" : ` message="${escaped(findings[0]?.evidence ?? examined)}"`;
  return `${name}>\n      <${element}${message}>${escaped(text)}</${element}>\n    </testcase>\n`;
}

/** Also without the characters that XML 1.0 cannot hold or that would steer a terminal. */
function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are taken out
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, " ")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
  );
}
