import { ExitError } from "../base/exit-error.ts";
import { renderManifests } from "../chart/manifests.ts";
import { CHART_RELEASE } from "../chart/releases.ts";
import { readKeys } from "../gen-token/keys.ts";
import { chosenCluster } from "../programs/chosen-cluster.ts";
import { accessOf } from "../programs/kubectl.ts";
import type { Runner } from "../programs/run.ts";
import { joinToken } from "../teleport/join/join-token.ts";
import { readValuesInputs } from "../values/inputs.ts";
import { mergedValues } from "../values/load.ts";
import { CHECKS_BEFORE } from "./checks/before/all.ts";
import { diagnose, exitCode, type Result } from "./diagnose.ts";
import type { DoctorFlags } from "./flags.ts";
import { gatherBefore, type Planned } from "./gather/before.ts";
import { chosenChecks } from "./only.ts";
import { refuseIdleForce, writeReport } from "./reports/report.ts";

/**
 * `doctor --pre`: checks what must hold before an installation, prints the report on stdout and sets the exit code as
 * `doctor` does.
 *
 * @throws ExitError refused for a wrong flag or value; unavailable when Helm or the kubeconfig is missing
 */
export async function doctorBefore(runner: Runner, flags: DoctorFlags): Promise<void> {
  refuseFlagsForLater(flags);
  refuseIdleForce(flags);
  const checks = chosenChecks(flags.only, CHECKS_BEFORE);
  const inputs = await readValuesInputs(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
  const values = await mergedValues(runner, inputs);
  const request = { inputs, release: CHART_RELEASE, namespace: values.tbot.namespace.name };
  const manifests = await renderManifests(runner, request, values);
  const { skipIstio } = flags;
  const { access } = await chosenCluster(accessOf(runner, flags));
  const needsKeys = values.global.teleport.join.type === "static_jwks";
  const facts = await gatherBefore({
    access,
    values,
    token: async () => joinToken(values, needsKeys ? (await readKeys({ ...access, extraJwks: [] })).keys : []),
    manifests,
    skipIstio,
  });
  const results = diagnose(checks, facts);
  const takenAt = { ok: true, value: Date.now() } as const;
  await writeReport(flags, results, { takenAt, kubernetesVersion: facts.kubernetesVersion });
  process.exitCode = exitCode(results);
}

/** What `doctor --pre` finds, for `install`. */
export async function examineBefore(planned: Planned): Promise<Result[]> {
  return diagnose(CHECKS_BEFORE, await gatherBefore(planned));
}

function refuseFlagsForLater({ values, set, namespace, wait, tctl, tokenFile, teleportVersion }: DoctorFlags): void {
  if (values.length === 0 && set.length === 0) {
    throw new ExitError(
      "--pre checks what your values ask for; give them with -f, for example the file that `istio-teleport init` writes.",
    );
  }
  if (tctl) throw new ExitError("--pre asks tctl anyway; leave out --tctl.");
  const later =
    (namespace.length > 0 ? "--namespace" : undefined) ??
    (wait !== undefined ? "--wait" : undefined) ??
    (tokenFile !== undefined ? "--token-file" : undefined) ??
    (teleportVersion !== undefined ? "--teleport-version" : undefined);
  if (later !== undefined) {
    throw new ExitError(
      `${later} is for a mesh that is installed, and --pre looks before that; leave out one of them.`,
    );
  }
}
