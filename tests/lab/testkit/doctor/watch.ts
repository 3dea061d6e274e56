import { importToolsImage, TOOLS_IMAGE } from "../../../../lab/build/images.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { type Outcome, shell, tryShell } from "../cluster/shell.ts";
import { setFlags } from "../installation/releases.ts";
import { runDocumented } from "../installation/run-documented.ts";

const CRON_JOB = "istio-teleport-watch";

/** The shortest period of a CronJob, in milliseconds. */
export const PERIOD = 60_000;

/** What an Event of the CronJob says, and when. */
export interface WatchEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly firstTimestamp: string;
}

/** Has the chart look at the mesh each minute, from a pod with the chart's own rights, and knows the keys of this moment. */
export async function watchEachMinute(): Promise<void> {
  await importToolsImage(labPaths());
  const sets = setFlags([
    ...["watch.enabled=true", `watch.image=${TOOLS_IMAGE}`, "watch.wait=5s"],
    ...["watch.schedule='* * * * *'", "'watch.namespaces={test-app}'"],
    "'watch.extraArgs={--teleport-version=18.11.0}'",
  ]);
  const block = shellBlock("docs/operate/checks-in-the-cluster.md#key-ids");
  await runDocumented(block.replace(" -f values.yaml", ` -f values.yaml ${sets}`));
}

/** Makes a Job of the CronJob at once, and deletes it after its end; what it printed. */
export function lookNow(): Promise<Outcome> {
  return tryShell(`set -e\n${shellBlock("docs/operate/checks-in-the-cluster.md#at-once")}`);
}

/** The Events of the CronJob that its Jobs wrote, as `kubectl describe` finds them. */
export async function watchEvents(): Promise<WatchEvent[]> {
  const uid = await shell(`kubectl -n teleport-system get cronjob ${CRON_JOB} -o jsonpath='{.metadata.uid}'`);
  const selector = `involvedObject.kind=CronJob,involvedObject.uid=${uid},source=istio-teleport`;
  const list = await shell(`kubectl -n teleport-system get events --field-selector='${selector}' -o json`);
  return (JSON.parse(list) as { items: WatchEvent[] }).items;
}

/** How many of the CronJob's own Jobs failed. */
export async function failedLooks(): Promise<number> {
  const list = await shell("kubectl -n teleport-system get jobs -o json");
  const { items } = JSON.parse(list) as { items: { metadata: { name: string }; status: { failed?: number } }[] };
  return items.filter(({ metadata, status }) => /-\d+$/.test(metadata.name) && status.failed === 1).length;
}
