import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { istioCharts } from "../../lab/build/toolbox.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { address, isReady, livePods, onePod } from "./testkit/cluster/pods.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctorReport } from "./testkit/doctor/doctor.ts";
import { type Issuer, Issuers } from "./testkit/identity/issuers.ts";
import { documentedBlock } from "./testkit/installation/documented-steps.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { istiodAnswers } from "./testkit/installation/layers.ts";
import { upgrade } from "./testkit/installation/releases.ts";
import { exposeFailures, type LoadResult, restoreTraffic, startLoad } from "./testkit/traffic/load.ts";

const NAMESPACE = "test-app";
const CLIENT = "app.kubernetes.io/name=allowed-client";
const PORT = 8080;
/** Requests per second, from each of the client's pods. */
const RATE = 30;
const AFTER_MS = 3000;

/** Runs the block under a heading of a document, with the lab's charts, and its values for istiod behind the document's. */
async function step(document: "operate/leaving" | "start/installation", heading: string): Promise<void> {
  const block = documentedBlock(join(REPOSITORY, "docs", `${document}.md`), heading);
  const istiod = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  const script = block
    .replace(" istio/istiod ", ` '${istiod}' `)
    .replace(/ -f (istiod-\S+)/, ` -f $1 -f '${ISTIO_LAB_VALUES}'`)
    .replace(" istio-teleport/istio-teleport ", ` '${REPOSITORY}/chart' `);
  await shell(`set -eu\nexport NAMESPACE=${NAMESPACE}\n${script}`, { cwd: USER_DIR });
}

/** Restarts all pods as docs/operate/leaving.md says. The client's old pod and its new one call as long as they live. */
async function restartUnderLoad(): Promise<LoadResult> {
  const before = await onePod(NAMESPACE, CLIENT);
  const old = await startLoad(RATE, { pod: before });
  const restarted = step("operate/leaving", "Istiod's CA, step 3");
  const isOld = ({ metadata }: { metadata: { uid: string } }) => metadata.uid === before.metadata.uid;
  const next = await until("the new client is Ready", 180, async () =>
    (await livePods(NAMESPACE, CLIENT)).find((pod) => !isOld(pod) && isReady(pod)),
  );
  const young = await startLoad(RATE, { pod: next });
  await until("the old client is asked to end", 180, async () => !(await livePods(NAMESPACE, CLIENT)).some(isOld));
  const first = await old.stop();
  await restarted;
  await sleep(AFTER_MS);
  const second = await young.stop();
  return { requests: first.requests + second.requests, failed: [...first.failed, ...second.failed] };
}

function say(what: string, { requests, failed }: LoadResult): void {
  const times = failed.map(({ at }) => at.getTime());
  const seconds = times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000;
  const codes = [...new Set(failed.map(({ code }) => code))].join();
  process.stderr.write(
    `${what}: ${requests} requests, ${failed.length} failed (${codes}), within ${seconds.toFixed(1)} s\n`,
  );
}

/** The status with which a client's call of the server ends. */
function answerTo(client: string): Promise<string> {
  const curl = "curl -s -o /dev/null -w '%{http_code}' http://server/headers";
  return shell(`kubectl -n ${NAMESPACE} exec deploy/${client} -c ${client} -- ${curl}`);
}

/** Waits until each pod of the test app presents a valid certificate of this issuer, and policies judge by it. */
async function everyoneHas(issuer: Issuer): Promise<void> {
  const issuers = await Issuers.read();
  await until(`everyone has a certificate of ${issuer}`, 60, async () => {
    for (const pod of await livePods(NAMESPACE))
      expect(await issuers.presented(address(pod), PORT)).toMatchObject({ issuer, valid: true });
    return true;
  });
  await until("the same policies allow and refuse the same callers", 60, async () => {
    expect([await answerTo("allowed-client"), await answerTo("other-client")]).toEqual(["200", "403"]);
    return true;
  });
}

/**
 * Lets the server's old pod serve for 5 s after it was asked to end, or no longer. Without it every rollout, whoever the
 * issuer is, loses a request now and then: callers hear of the pod's end after the pod.
 */
async function serveUntilCallersKnow(wanted: boolean): Promise<void> {
  const lifecycle = wanted ? { preStop: { sleep: { seconds: 5 } } } : null;
  const patch = JSON.stringify({ spec: { template: { spec: { containers: [{ name: "server", lifecycle }] } } } });
  await shell(
    `kubectl -n ${NAMESPACE} patch deployment server -p '${patch}' && kubectl -n ${NAMESPACE} rollout status deployment/server --timeout=120s`,
  );
}

beforeAll(async () => {
  await requireInstalled();
  await serveUntilCallersKnow(true);
  await exposeFailures();
});
afterAll(async () => {
  await restoreTraffic();
  await serveUntilCallersKnow(false);
});

describe("docs/operate/leaving.md", () => {
  it("leads back to istiod's CA; calls between pods of both kinds fail meanwhile", {
    timeout: 300_000,
  }, async () => {
    await everyoneHas("teleport");
    await step("operate/leaving", "Istiod's CA, step 1");
    await step("operate/leaving", "Istiod's CA, step 2");
    // Running pods are not touched by what istiod injects.
    await everyoneHas("teleport");
    // One that starts is of the other kind, and not even refused by policy: both ends refuse the other's certificate.
    await shell(
      `kubectl -n ${NAMESPACE} rollout restart deployment/other-client && kubectl -n ${NAMESPACE} rollout status deployment/other-client --timeout=120s`,
    );
    await until("a call between pods of both kinds fails", 30, async () => (await answerTo("other-client")) === "503");
    const restart = await restartUnderLoad();
    // How many fail is printed only: it is as many as fall between the first new pod's readiness and the last old one's end.
    say("way back, plain restart", restart);
    await everyoneHas("istiod");
  });

  it("leads to Teleport's certificates again, with plaintext meanwhile: no request fails", {
    timeout: 300_000,
  }, async () => {
    // It is for one host, and would win over the document's.
    await shell(`kubectl -n ${NAMESPACE} delete destinationrule short-connections`);
    await step("operate/leaving", "Plaintext meanwhile: before");
    await step("start/installation", "3. istiod");
    await istiodAnswers();
    await upgrade([]);
    const restart = await restartUnderLoad();
    say("to Teleport's certificates, plaintext meanwhile", restart);
    await step("operate/leaving", "Plaintext meanwhile: after");
    await everyoneHas("teleport");
    expect(restart.failed).toEqual([]);
    await until("doctor is content", 60, async () => {
      expect(complaintsOf(await doctorReport())).toEqual([]);
      return true;
    });
  });
});
