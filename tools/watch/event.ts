import { hostname } from "node:os";
import { ExitError } from "../base/exit-error.ts";
import { type ClusterAccess, kubectl } from "../programs/kubectl.ts";
import { kubectlObject } from "../programs/kubernetes-objects.ts";
import type { Verdict } from "./verdict.ts";

/** The CronJob that Events are about. */
export interface CronJobName {
  namespace: string;
  name: string;
}

/** @throws ExitError (refused) for a text that is not NAMESPACE/NAME */
export function cronJobName(text: string): CronJobName {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined) {
    throw new ExitError(`--event-on ${JSON.stringify(text)} is no CronJob; write it as NAMESPACE/NAME.`);
  }
  return { namespace, name };
}

/**
 * Records the verdict as an Event of the CronJob, which `kubectl describe cronjob` shows (permissions: get the CronJob,
 * create events in its namespace).
 *
 * @throws ExitError (unavailable) as kubectl
 */
export async function recordEvent(access: ClusterAccess, on: CronJobName, verdict: Verdict): Promise<void> {
  const where = `--namespace=${on.namespace}`;
  const { metadata } = await kubectlObject<{ metadata: { uid: string } }>(access, `read the CronJob ${on.name}`, [
    "get",
    "cronjob",
    on.name,
    where,
  ]);
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { generateName: `${on.name}.`, namespace: on.namespace },
    // With the UID: kubectl shows the Events of this very object.
    involvedObject: { apiVersion: "batch/v1", kind: "CronJob", ...on, uid: metadata.uid },
    ...verdict,
    source: { component: REPORTER },
    reportingComponent: REPORTER,
    reportingInstance: hostname(),
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  // Not checked by kubectl first: for that it would ask for the API's schema.
  await kubectl(access, "record the result as an Event", ["create", "--filename=-", "--validate=false", where], {
    stdin: JSON.stringify(event),
  });
}

const REPORTER = "istio-teleport";
