import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { tryShell } from "../cluster/shell.ts";
import { USER_DIR } from "../installation/installation.ts";

/** The parts of the JSON report that are looked at. */
export interface Report {
  readonly exitCode: number;
  readonly scenarios: readonly {
    readonly id: string;
    readonly status: string;
    readonly evidence: string;
    readonly findings: readonly { readonly subject: string; readonly evidence: string }[];
  }[];
}

/** Images that the lab has. */
export const FLAGS = "--image lab.local/client:lab --server-image lab.local/go-httpbin:lab";

/** What `istio-teleport test` of the installed package reports. Throws what it says where it made no report. */
export async function conformance(flags = ""): Promise<{ report: Report; code: number; stderr: string }> {
  const line = `${shellBlock("docs/operate/test.md#test")} --format json ${FLAGS} ${flags}`;
  const { code, stdout, stderr } = await tryShell(line, { cwd: USER_DIR });
  if (stdout === "") throw new Error(stderr);
  return { report: JSON.parse(stdout) as Report, code, stderr };
}

/** `<id>: <status>` of each scenario that is not `ok`. */
export function notShown({ scenarios }: Report): string[] {
  return scenarios.filter(({ status }) => status !== "ok").map(({ id, status }) => `${id}: ${status}`);
}
