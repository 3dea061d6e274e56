import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import { EXIT, ExitError } from "../../base/exit-error.ts";
import { printable } from "../../base/printable.ts";
import { examineBefore } from "../../doctor/before.ts";
import { exitCode } from "../../doctor/diagnose.ts";
import { table } from "../../doctor/reports/table.ts";
import { doctor } from "../../doctor/run.ts";
import { lastWords } from "../../programs/last-words.ts";
import { failed, type Runner } from "../../programs/run.ts";
import { shellText } from "../../programs/shell-text.ts";
import { mustAgree } from "../../terminal/must-agree.ts";
import { say } from "../../terminal/say.ts";
import { diagnoseInstallation } from "./diagnosis.ts";
import { withFilesForHelm } from "./files-for-helm.ts";
import type { InstallFlags } from "./flags.ts";
import type { Finding, Step, Todo } from "./plan.ts";
import { installationSteps, type Prepared, prepare } from "./prepare.ts";
import { refuseToStrandPods } from "./stranded-pods.ts";

/** Seconds between two looks at a step that somebody else is at. */
const PATIENCE = 2;

/** Seconds that a program may take longer than it was told, before it is ended. */
const GRACE = 60;

/**
 * Installs everything and has the doctor look at it, or with --dry-run prints how. All documents are rendered and checked
 * before the first look at the cluster, and everything is looked at before the first change.
 *
 * @param examine what looks at the mesh at the end
 * @throws ExitError refused for a wrong flag or value, or a failed pre-flight check; unavailable when a program fails
 */
export async function install(runner: Runner, given: InstallFlags, examine: typeof doctor = doctor): Promise<void> {
  const flags = await withFilesForHelm(given);
  const prepared = await prepare(runner, flags);
  say(`Cluster: ${prepared.cluster}.`);
  await refuseUnlessReady(prepared);
  for (const warning of prepared.warnings) say(`Warning: ${warning}`);
  const steps = installationSteps(prepared);
  await refuseToStrandPods(prepared.chart, prepared.access);
  if (flags.dryRun) {
    process.stdout.write(await script(steps));
    return;
  }
  await takeSteps(runner, steps, flags, prepared.cluster);
  say(`${total(steps)}/${total(steps)} doctor:`);
  await diagnoseInstallation(prepared, flags, examine);
}

/**
 * What `doctor --pre` checks, with its report on stderr.
 *
 * @throws ExitError refused when something is wrong, unavailable when something could not be checked
 */
async function refuseUnlessReady({ access, values, token, istio, chart }: Prepared): Promise<void> {
  const results = await examineBefore({
    access,
    values,
    token: async () => token,
    manifests: chart.manifests,
    skipIstio: istio === undefined,
  });
  process.stderr.write(table(results, pc.createColors(process.stderr.isTTY === true && pc.isColorSupported)));
  const code = exitCode(results);
  if (code === 0) return;
  const count = results.filter(({ status }) => status === "problem" || status === "unknown").length;
  throw new ExitError(
    `${count} of ${results.length} pre-flight checks failed (above); nothing was changed: fix them and rerun the command.`,
    code === 1 ? EXIT.refused : EXIT.unavailable,
  );
}

/** The doctor is the last step. */
function total(steps: readonly Step[]): number {
  return steps.length + 1;
}

/** The commands of all steps as they are due now, for reading or for a shell. */
async function script(steps: readonly Step[]): Promise<string> {
  let text = "#!/bin/sh\nset -eu\n";
  for (const [index, step] of steps.entries()) {
    const finding = await step.look();
    // A line break in what Helm or kubectl said would be a command.
    text += `\n# ${index + 1}/${total(steps)} ${step.title}: ${printable(summary(finding))}\n`;
    if (finding.state === "todo")
      text += finding.commands.map(({ command, mayFail }) => shellText(command, mayFail)).join("");
  }
  return `${text}\n# ${total(steps)}/${total(steps)} doctor: istio-teleport doctor\n`;
}

/**
 * Takes each step that is not done, and says how it goes.
 *
 * Before the first change, somebody must agree to it.
 *
 * @param timeout what the programs were told, in seconds
 * @throws ExitError unavailable when one of them fails; refused when nobody agrees
 */
async function takeSteps(
  runner: Runner,
  steps: readonly Step[],
  { timeout, yes }: Pick<InstallFlags, "timeout" | "yes">,
  cluster: string,
): Promise<void> {
  let agreed = yes;
  for (const [index, step] of steps.entries()) {
    const title = `${index + 1}/${total(steps)} ${step.title}`;
    const finding = await settled(step, title);
    say(`${title}: ${summary(finding)}`);
    if (finding.state !== "todo") continue;
    if (!agreed) await mustAgree(`Change the cluster ${cluster}?`);
    agreed = true;
    for (const todo of finding.commands) await doIt(runner, todo, timeout + GRACE);
  }
}

async function doIt(runner: Runner, { purpose, command, mayFail }: Todo, timeoutSeconds: number): Promise<void> {
  const start = Date.now();
  say(`     ${purpose} …`);
  const { code, stderr } = await runner.run(command, { purpose, timeoutSeconds });
  if (code === 0) return say(`     done after ${Math.round((Date.now() - start) / 1000)} s`);
  if (mayFail !== true) throw failed(command, purpose, stderr);
  say(`     failed, but that does not matter: ${command.program} says "${lastWords(stderr)}"`);
}

/** Looks until nobody else is at the step. */
async function settled(step: Step, title: string): Promise<Exclude<Finding, { state: "busy" }>> {
  let told = false;
  for (;;) {
    const finding = await step.look();
    if (finding.state !== "busy") return finding;
    if (!told) say(`${title}: ${summary(finding)}`);
    told = true;
    await sleep(PATIENCE * 1000);
  }
}

function summary(finding: Finding): string {
  if (finding.state === "done") return finding.found;
  if (finding.state === "todo") return finding.why;
  return `${finding.what}; waiting until it ends, at the latest until ${finding.until.toISOString()}`;
}
