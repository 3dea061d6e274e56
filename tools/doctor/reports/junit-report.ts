import { STEPS, type Step } from "../checks/check.ts";
import type { Result } from "../diagnose.ts";

/**
 * The report as JUnit XML, one test suite a hand-off: a problem is a failure, what could not be checked an error, a
 * warning stands in the test's output.
 */
export function junitReport(results: readonly Result[]): string {
  const suites = (Object.entries(STEPS) as [Step, string][]).flatMap(([step, title]) => {
    const own = results.filter(({ check }) => check.step === step);
    return own.length === 0 ? [] : [suite(title, own)];
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts(results)}>\n${suites.join("")}</testsuites>\n`;
}

function suite(title: string, results: readonly Result[]): string {
  return `  <testsuite name="${escaped(title)}" ${counts(results)}>\n${results.map(testCase).join("")}  </testsuite>\n`;
}

function counts(results: readonly Result[]): string {
  const amount = (status: Result["status"]) => results.filter((result) => result.status === status).length;
  return `tests="${results.length}" failures="${amount("problem")}" errors="${amount("unknown")}" skipped="${amount("skipped")}"`;
}

const ELEMENT = { problem: "failure", unknown: "error", warning: "system-out" } as const;

function testCase({ check, status, examined, findings }: Result): string {
  const name = `    <testcase classname="${check.id}" name="${escaped(check.title)}"`;
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
