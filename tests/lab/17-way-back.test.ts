import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { address, livePods } from "./testkit/cluster/pods.ts";
import { shell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctorReport } from "./testkit/doctor/doctor.ts";
import { type Issuer, Issuers } from "./testkit/identity/issuers.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";
import { istiodAnswers } from "./testkit/installation/layers.ts";
import { upgrade } from "./testkit/installation/releases.ts";
import { runDocumented } from "./testkit/installation/run-documented.ts";
import { exposeFailures, type LoadResult, loadWhile, lost, restoreTraffic, TEST_APP } from "./testkit/traffic/load.ts";

const NAMESPACE = "test-app";
const PORT = 8080;
/** Requests per second, from each of the client's pods. */
const RATE = 30;

const run = (block: string) => runDocumented(block, { NAMESPACE });

/** Restarts all pods as docs/operate/leaving.md says. The client's old pod and its new one call as long as they live. */
function restartUnderLoad(): Promise<LoadResult> {
  return loadWhile(RATE, TEST_APP, () => run(shellBlock("docs/operate/leaving.md#restart")));
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
    await run(shellBlock("docs/operate/leaving.md#admission"));
    await run(shellBlock("docs/operate/leaving.md#istiod"));
    // Running pods are not touched by what istiod injects.
    await everyoneHas("teleport");
    // One that starts is of the other kind, and not even refused by policy: both ends refuse the other's certificate.
    await shell(
      `kubectl -n ${NAMESPACE} rollout restart deployment/other-client && kubectl -n ${NAMESPACE} rollout status deployment/other-client --timeout=120s`,
    );
    await until("a call between pods of both kinds fails", 30, async () => (await answerTo("other-client")) === "503");
    const restart = await restartUnderLoad();
    // How many fail is printed only: it is as many as fall between the first new pod's readiness and the last old one's end.
    process.stderr.write(`way back, plain restart: ${lost(restart)}\n`);
    await everyoneHas("istiod");
  });

  it("leads to Teleport's certificates again, with plaintext meanwhile: no request fails", {
    timeout: 300_000,
  }, async () => {
    // It is for one host, and would win over the document's.
    await shell(`kubectl -n ${NAMESPACE} delete destinationrule short-connections`);
    await run(shellBlock("docs/operate/leaving.md#plaintext"));
    await run(shellBlock("docs/start/installation.md#istiod"));
    await istiodAnswers();
    await upgrade([]);
    const restart = await restartUnderLoad();
    process.stderr.write(`to Teleport's certificates, plaintext meanwhile: ${lost(restart)}\n`);
    await run(shellBlock("docs/operate/leaving.md#mutual-tls"));
    await everyoneHas("teleport");
    expect(restart.failed).toEqual([]);
    await until("doctor is content", 60, async () => {
      expect(complaintsOf(await doctorReport())).toEqual([]);
      return true;
    });
  });
});
