import { importToolsImage, TOOLS_IMAGE } from "../../../../lab/build/images.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell, until } from "../cluster/shell.ts";
import { upgrade } from "../installation/releases.ts";

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

/** Has the chart look at the mesh each minute, from a pod with the chart's own rights. */
export async function watchEachMinute(keyIds: readonly string[]): Promise<void> {
  await importToolsImage(labPaths());
  await upgrade([
    ...["watch.enabled=true", `watch.image=${TOOLS_IMAGE}`, "watch.wait=5s"],
    ...["watch.schedule='* * * * *'", "'watch.namespaces={test-app}'", `'watch.keyIds={${keyIds.join(",")}}'`],
    "'watch.extraArgs={--teleport-version=18.11.0}'",
  ]);
}

/** Makes a Job of the CronJob at once, waits for its end, and returns what it printed. */
export async function lookNow(name: string): Promise<{ succeeded: boolean; log: string }> {
  await shell(`kubectl -n teleport-system create job ${name} --from=cronjob/${CRON_JOB}`);
  const status = await until("the Job ends", 120, async () => {
    const { succeeded, failed } = JSON.parse(
      await shell(`kubectl -n teleport-system get job ${name} -o jsonpath='{.status}'`),
    ) as { succeeded?: number; failed?: number };
    return (succeeded ?? failed) !== undefined && { succeeded: succeeded === 1 };
  });
  return { ...status, log: await shell(`kubectl -n teleport-system logs job/${name}`) };
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
