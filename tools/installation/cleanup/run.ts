import { page } from "../../base/documentation.ts";
import { ExitError } from "../../base/exit-error.ts";
import { chosenCluster } from "../../programs/chosen-cluster.ts";
import type { Release } from "../../programs/helm-releases.ts";
import { accessOf } from "../../programs/kubectl.ts";
import { mustRun, type Runner } from "../../programs/run.ts";
import { shellText } from "../../programs/shell-text.ts";
import { say } from "../../terminal/say.ts";
import { loadValues } from "../../values/load.ts";
import { csiPods } from "./csi-pods.ts";
import type { CleanupFlags } from "./flags.ts";
import { lookAtIstioRemains } from "./istio-remains.ts";
import { lookAtNamespaces } from "./namespaces.ts";
import type { Finding, Scene, Stage } from "./plan.ts";
import { lookAtReleases, meshedNamespaces, ownReleases } from "./releases.ts";
import { teleportRemains } from "./teleport.ts";
import { tokenFiles } from "./token-files.ts";

/** Seconds that a program may take longer than it was told, before it is ended. */
const GRACE = 60;

/**
 * Cleans up, or without --yes prints how. Each stage looks when it is its turn, so that rerunning the command resumes an
 * interrupted run.
 *
 * @throws ExitError refused for a wrong flag or value; unavailable when a program fails
 */
export async function cleanup(runner: Runner, flags: CleanupFlags): Promise<void> {
  if (flags.yes && flags.dryRun)
    throw new ExitError("--yes and --dry-run contradict each other; leave out one of them.");
  const values = await loadValues(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
  const { access, described } = await chosenCluster(accessOf(runner, flags));
  say(`Cluster: ${described}.`);
  const { own, left } = await ownReleases(access, values, flags.withIstio);
  const scene: Scene = {
    access,
    values,
    withIstio: flags.withIstio && left.length === 0,
    timeoutSeconds: flags.timeout,
    removed: own,
  };
  const meshed = own.length === 0 ? [] : await meshedNamespaces(access);
  if (meshed.length > 0) {
    say(
      `Note: pods in ${meshed.join(", ")} have their certificates from tbot: these last at most ${values.tbot.credentialTTL} more, then new connections fail. The chart's policies and STRICT mutual TLS are removed immediately.`,
    );
  }
  const stages = stagesOf(scene, flags.runTctl);
  const { commands, left: leftByStages } = await (flags.yes
    ? removeAll(runner, stages, flags.timeout)
    : printScript(stages));
  const allLeft = [...left, ...leftByStages];
  for (const sentence of allLeft) say(`Left: ${sentence}.`);
  if (commands.length === 0 && allLeft.length === 0) say("Nothing to clean up.");
  else if (!flags.yes) say("Nothing was changed. Add --yes to run these commands.");
}

function stagesOf(scene: Scene, runTctl: boolean): Stage[] {
  const isChart = ({ chart }: { chart: string }) => chart === "istio-teleport";
  return [
    { title: "the chart istio-teleport", look: () => lookAtChart(scene, (release) => isChart(release)) },
    { title: "Istio's releases", look: () => lookAtReleases(scene, (release) => !isChart(release)) },
    { title: "what is left of Istio", look: () => lookAtIstioRemains(scene) },
    { title: "namespaces", look: () => lookAtNamespaces(scene) },
    { title: "Teleport's resources", look: () => lookAtTeleport(scene, runTctl) },
    { title: "join tokens in files", look: () => lookAtFiles(scene) },
  ];
}

/** The chart's release goes only when nobody needs its CSI driver any more. */
async function lookAtChart(scene: Scene, isChart: (release: Release) => boolean): Promise<Finding> {
  const { commands, left } = await lookAtReleases(scene, isChart);
  if (commands.length === 0) return { commands, left };
  const { others, commands: first } = await csiPods(scene);
  if (others.length === 0) return { commands: [...first, ...commands], left };
  const reason = `pods in ${others.join(", ")} mount volumes of its CSI driver, and could not end without it; move them to tbot.socket.mode hostPath or remove them first (${page("docs/operate/csi.md")})`;
  return { commands: [], left: [...left, `the release of the chart: ${reason}`] };
}

async function lookAtTeleport({ values, access }: Scene, runTctl: boolean): Promise<Finding> {
  const { references, left } = await teleportRemains(values, access, runTctl);
  const commands = references.map((reference) => ({
    purpose: `remove ${reference}`,
    command: { program: "tctl", args: ["rm", reference] },
  }));
  if (runTctl || commands.length === 0) return { commands, left };
  const fix = "run the `tctl rm …` commands on stdout, or add --run-tctl";
  return {
    commands: [],
    forUser: commands.map(({ command }) => command),
    left: [...left, `${references.join(", ")}: ${fix}`],
  };
}

async function lookAtFiles({ values }: Scene): Promise<Finding> {
  const commands = (await tokenFiles(values)).map((file) => ({
    purpose: `delete the file ${file}`,
    command: { program: "rm", args: [`./${file}`] },
  }));
  return { commands, left: [] };
}

/** The commands of all stages, on stdout; what is the user's to run stands in comments, since a script may be run. */
async function printScript(stages: readonly Stage[]): Promise<Finding> {
  const all: Finding = { commands: [], left: [] };
  let script = "#!/bin/sh\nset -eu\n";
  for (const { title, look } of stages) {
    const { commands, forUser = [], left } = await look();
    if (commands.length + forUser.length > 0) script += `\n# ${title}\n`;
    script += commands.map(({ command }) => shellText(command)).join("");
    script += forUser.map((command) => `# ${shellText(command)}`).join("");
    all.commands.push(...commands);
    all.left.push(...left);
  }
  if (all.commands.length + all.left.length > 0) process.stdout.write(script);
  return all;
}

async function removeAll(runner: Runner, stages: readonly Stage[], timeoutSeconds: number): Promise<Finding> {
  const all: Finding = { commands: [], left: [] };
  for (const { look } of stages) {
    const { commands, forUser = [], left } = await look();
    for (const { purpose, command } of commands) {
      say(`${purpose} …`);
      await mustRun(runner, command, { purpose, timeoutSeconds: timeoutSeconds + GRACE });
    }
    process.stdout.write(forUser.map((command) => shellText(command)).join(""));
    all.commands.push(...commands);
    all.left.push(...left);
  }
  return all;
}
