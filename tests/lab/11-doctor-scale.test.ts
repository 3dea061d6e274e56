import { afterAll, beforeAll, expect, it } from "vitest";
import { type FakeNodes, fakeNodes } from "./testkit/cluster/fake-nodes.ts";
import { createNamespace } from "./testkit/cluster/namespaces.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaints, doctor } from "./testkit/doctor/doctor.ts";
import { requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";

const NAMESPACE = "doctor-scale";
const NODES = 10;
const PODS_PER_NODE = 50;
const MOST_SECONDS = 20;

let nodes: FakeNodes;

/** Pods of one node, injected by istiod as any other. */
async function createPods(nodeName: string): Promise<void> {
  const items = Array.from({ length: PODS_PER_NODE }, (_, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `app-${nodeName}-${index}`, namespace: NAMESPACE },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "app", image: "lab.local/client:lab", imagePullPolicy: "Never" }],
    },
  }));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await shell("kubectl create -f -", { input: list });
}

async function running(): Promise<number> {
  const lines = await shell(`kubectl -n ${NAMESPACE} get pods --field-selector=status.phase=Running --no-headers`);
  return lines.split("\n").length - 1;
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace(NAMESPACE, { meshed: true });
  nodes = await fakeNodes(NODES);
  await Promise.all(nodes.names.map(createPods));
  await until("KWOK plays all pods", 120, async () => (await running()) === NODES * PODS_PER_NODE);
}, 300_000);

afterAll(async () => {
  await shell(`kubectl -n ${NAMESPACE} delete pods --all --force --wait=false`);
  await shell(`kubectl delete namespace ${NAMESPACE} --wait=false`);
  await nodes?.remove();
  await until("the namespace is gone", 120, async () => {
    return (await shell(`kubectl get namespace ${NAMESPACE} --ignore-not-found`)) === "";
  });
  await until("doctor is content again", 120, async () => complaints(await doctor("")).length === 0);
}, 300_000);

it(`looks at ${NODES * PODS_PER_NODE} more pods in less than ${MOST_SECONDS} s, though no kubelet of theirs answers`, {
  timeout: 120_000,
}, async () => {
  const started = Date.now();
  const report = await doctor("");
  const seconds = (Date.now() - started) / 1000;
  process.stderr.write(`\ndoctor: ${seconds.toFixed(1)} s with ${NODES * PODS_PER_NODE} pods on ${NODES} fake nodes\n`);
  expect(seconds).toBeLessThan(MOST_SECONDS);
  // What cannot be seen is unknown, never fine and never a problem; and the pods that answer are seen.
  const unseen = complaints(report);
  expect(unseen.map(({ status }) => status).filter((status) => status !== "unknown")).toEqual([]);
  expect(unseen.map(({ id }) => id)).toEqual([
    "tbot-version",
    "tbot-health",
    "kubelet-certificate",
    "attestation",
    "proxy-certificate",
  ]);
  const proxies = unseen.find(({ id }) => id === "proxy-certificate")?.findings ?? [];
  expect(proxies.map(({ subject }) => subject)).toEqual(nodes.names.map((name) => `node ${name}`));
  expect(proxies[0]?.evidence).toMatch(`${PODS_PER_NODE} proxies could not be asked (${NAMESPACE}/app-fake-0-0, `);
  const answered = report.proxies.map(({ pod }) => pod.split("/")[0]);
  expect(answered).toContain("test-app");
  expect(answered).not.toContain(NAMESPACE);
});

it("says so on one screen", { timeout: 120_000 }, async () => {
  const { code, stdout } = await tryShell(
    "npx -p istio-teleport istio-teleport doctor -f values.yaml --teleport-version 18.11.0",
    { cwd: USER_DIR },
  );
  process.stderr.write(stdout);
  expect(code).toBe(2);
  // A line a check, and some a node: nothing grows with the pods.
  const checks = stdout.match(/^ {2}(ok|warning|PROBLEM|unknown|-) /gm) ?? [];
  expect(checks.length).toBeGreaterThan(40);
  expect(stdout.split("\n").length - checks.length).toBeLessThan(NODES * 6);
});
