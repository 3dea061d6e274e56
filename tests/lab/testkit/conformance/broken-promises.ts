import { matrix } from "../../../../tools/conformance/scenarios/policy-matrix.ts";
import { SERVICES } from "../../../../tools/conformance/stage/callers.ts";
import { call } from "../../../../tools/conformance/stage/calls.ts";
import { readMesh } from "../../../../tools/conformance/stage/mesh.ts";
import { nodePods, stageObjects } from "../../../../tools/conformance/stage/objects.ts";
import { clientPod, SERVER_PORT, servicePod } from "../../../../tools/conformance/stage/pod-objects.ts";
import { stagePods } from "../../../../tools/conformance/stage/pods.ts";
import type { Stage } from "../../../../tools/conformance/stage/stage.ts";
import { shell, tryShell, until } from "../cluster/shell.ts";
import { deleteBinding, editConfigMap, RESTORE_CHART, restoreConfigMap } from "../doctor/doctor-case.ts";
import { selectNodes, stopTbot, tbotIsWell } from "../faults/fail-closed-cases.ts";
import { istiodAnswers } from "../installation/layers.ts";
import { create, NAMESPACE } from "./shared-stage.ts";

/** One promise, broken, and what the test says of it. */
export interface Broken {
  /** The scenario that must name it. */
  readonly id: string;
  /** For people: what was done; a row of docs/proof/test-promises.md. */
  readonly how: string;
  /** Breaks it, and waits until it is. */
  break(stage: Stage): Promise<void>;
  heal(stage: Stage): Promise<void>;
  /** The problem that it names, as `<subject>: <evidence>`. */
  readonly says: string;
  /** What else is not as it should be, for the same cause: `<status> <id>`. */
  readonly also?: readonly string[];
}

const ISTIOD = "kubectl -n istio-system";

/** Layer b, as the values have it. */
export const BLOCK_ISTIODS_CERTIFICATES = `${ISTIOD} set env deployment/istiod MAX_WORKLOAD_CERT_TTL=1ms && ${ISTIOD} rollout status deployment/istiod --timeout=120s`;

const BINDING = "validatingadmissionpolicybinding istio-teleport-workload-identity";
const OPT_OUT = { annotations: { "inject.istio.io/templates": "sidecar" } };

/** Waits until a client's call ends so. */
async function untilCalled(stage: Stage, from: string, url: string, ends: number | "ended"): Promise<void> {
  await until(`${from} is ${ends}`, 60, async () => {
    const last = await call(stage, from, url);
    return last.kind === "answered" ? last.status === ends : last.kind === ends;
  });
}

/** Waits until so many pairs are not as the stage's policies say. A connection from before a change keeps the former ones. */
async function untilWrongPairs(stage: Stage, pairs: number): Promise<void> {
  await until(`${pairs} pairs are not as the policies say`, 60, async () => {
    const outcome = await matrix.show({ ...stage, settledBy: 0 });
    return "findings" in outcome && outcome.findings.length === pairs;
  });
}

async function untilPlaintext(stage: Stage, ends: number | "ended"): Promise<void> {
  const server = (await stagePods(stage)).find(({ metadata }) => metadata.name === "server");
  await untilCalled(stage, "plaintext-client", `http://${server?.status.podIP}:${SERVER_PORT}/headers`, ends);
}

async function patchBinding(patch: readonly object[]): Promise<void> {
  await shell(`kubectl patch ${BINDING} --type=json -p '${JSON.stringify(patch)}'`);
}

/** Waits until the API server judges a pod that opts out so. */
async function untilOptOutIs(stage: Stage, judged: "admitted" | "refused"): Promise<void> {
  const input = JSON.stringify(clientPod(stage, "other-client", OPT_OUT, "tried"));
  await until(`a pod that opts out is ${judged}`, 60, async () => {
    const { code } = await tryShell("kubectl create --dry-run=server -f -", { input });
    return (code === 0) === (judged === "admitted");
  });
}

/** Makes the pods anew that have a sidecar. */
async function replacePods(stage: Stage, names: readonly string[], objects: readonly object[]): Promise<void> {
  await shell(`kubectl -n ${NAMESPACE} delete pod --wait --ignore-not-found ${names.join(" ")}`);
  await create({ apiVersion: "v1", kind: "List", items: objects });
  // Without a certificate they never are.
  await until("their sidecars run", 60, async () => (await stagePods(stage)).length > names.length);
}

function nodeClients(stage: Stage, difference: object = {}): object[] {
  return nodePods(stage).map(({ node, pod }) => clientPod(stage, "allowed-client", { node, ...difference }, pod));
}

const nodeClientNames = (stage: Stage) => nodePods(stage).map(({ pod }) => pod);

export const BROKEN: readonly Broken[] = [
  {
    id: "other-403",
    how: "the namespace's AuthorizationPolicies are deleted",
    async break(stage) {
      await shell(`kubectl -n ${NAMESPACE} delete authorizationpolicies --all`);
      // All but the two that may.
      await untilWrongPairs(stage, 4);
    },
    async heal(stage) {
      const { items } = stageObjects(stage) as { items: { kind: string }[] };
      for (const object of items.filter(({ kind }) => kind === "AuthorizationPolicy")) await create(object);
      await untilWrongPairs(stage, 0);
    },
    says: "other-client: answered 200",
    also: ["problem policy-matrix"],
  },
  {
    id: "policy-matrix",
    how: "one AuthorizationPolicy more allows other-client everybody",
    async break(stage) {
      const spec = {
        selector: { matchLabels: { "app.kubernetes.io/name": "other-client" } },
        action: "ALLOW",
        rules: [{}],
      };
      const metadata = { name: "more", namespace: NAMESPACE };
      await create({ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec });
      await untilWrongPairs(stage, 2);
    },
    async heal(stage) {
      await shell(`kubectl -n ${NAMESPACE} delete authorizationpolicy more`);
      await untilWrongPairs(stage, 0);
    },
    says: "allowed-client to other-client: answered 200 in place of 403",
  },
  {
    id: "plaintext-refused",
    how: "a PeerAuthentication of the namespace permits plaintext (`PERMISSIVE`)",
    async break(stage) {
      const metadata = { name: "open", namespace: NAMESPACE };
      const spec = { mtls: { mode: "PERMISSIVE" } };
      await create({ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata, spec });
      await untilPlaintext(stage, 403);
    },
    async heal(stage) {
      await shell(`kubectl -n ${NAMESPACE} delete peerauthentication open`);
      await untilPlaintext(stage, "ended");
    },
    says: "server: plaintext was answered 403",
  },
  {
    id: "opt-out-refused",
    how: "the admission policy's binding leaves the namespace out (layer c)",
    async break(stage) {
      const matchExpressions = [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: [NAMESPACE] }];
      const value = { matchPolicy: "Equivalent", objectSelector: {}, namespaceSelector: { matchExpressions } };
      await patchBinding([{ op: "add", path: "/spec/matchResources", value }]);
      await untilOptOutIs(stage, "admitted");
    },
    async heal(stage) {
      await patchBinding([{ op: "remove", path: "/spec/matchResources" }]);
      await untilOptOutIs(stage, "refused");
    },
    says: "API server: it would admit a pod with the annotation inject.istio.io/templates: sidecar",
    also: ["problem ephemeral-container-refused", "problem writable-mount-refused"],
  },
  {
    id: "every-node",
    how: "tbot is stopped on a node, and a pod starts there",
    async break(stage) {
      await stopTbot();
      stage.timeout = 5;
      await replacePods(stage, nodeClientNames(stage), nodeClients(stage));
    },
    // The next one begins so.
    async heal() {},
    says: "node lab-node: its client has no certificate: its container istio-proxy is not ready, though it runs",
  },
  {
    id: "workloads-start",
    how: "the same, and all workloads start",
    break: (stage) =>
      replacePods(
        stage,
        SERVICES,
        SERVICES.map((name) => servicePod(stage, name)),
      ),
    async heal(stage) {
      stage.timeout = 90;
      await selectNodes("any");
      await tbotIsWell();
      await untilReady([...SERVICES, ...nodeClientNames(stage)]);
    },
    says: "server: not ready after 5 s: its container istio-proxy is not ready, though it runs: it has no certificate",
  },
  {
    id: "opt-out-refused",
    how: "layers b and c are off, with `--without-admission`: istiod may sign certificates of a day, and the binding is deleted",
    async break(stage) {
      await shell(deleteBinding);
      await shell(
        `${ISTIOD} set env deployment/istiod MAX_WORKLOAD_CERT_TTL=24h && ${ISTIOD} rollout status deployment/istiod --timeout=120s`,
      );
      await istiodAnswers();
      stage.mesh = await readMesh(stage.api);
    },
    // The next one begins so.
    async heal() {
      await shell(`kubectl -n ${NAMESPACE} delete pod opts-out --wait`);
    },
    says: `opts-out: it is ready with a certificate of istiod's CA that names spiffe://lab.teleport.example/ns/${NAMESPACE}/sa/other-client`,
  },
  {
    id: "own-identity",
    how: "the same, and all workloads have opted out: their certificates are istiod's",
    async break(stage) {
      const opted = [...SERVICES.map((name) => servicePod(stage, name, OPT_OUT)), ...nodeClients(stage, OPT_OUT)];
      await replacePods(stage, [...SERVICES, ...nodeClientNames(stage)], opted);
    },
    async heal(stage) {
      await shell(`${RESTORE_CHART} && ${BLOCK_ISTIODS_CERTIFICATES}`);
      await istiodAnswers();
      await shell(`kubectl -n ${NAMESPACE} delete pod opts-out --wait`);
      const own = [...SERVICES.map((name) => servicePod(stage, name)), ...nodeClients(stage)];
      await replacePods(stage, [...SERVICES, ...nodeClientNames(stage)], own);
      await untilReady([...SERVICES, ...nodeClientNames(stage)]);
      await untilOptOutIs(stage, "refused");
      stage.mesh = await readMesh(stage.api);
    },
    says: "server: its certificate is istiod's",
    also: ["problem every-node", "problem opt-out-refused"],
  },
  {
    id: "own-identity",
    how: "Istio's trust domain is another one than Teleport's",
    async break(stage) {
      await shell(editConfigMap("istio-system", "istio", "s/trustDomain: [a-z.]+/trustDomain: cluster.local/"));
      stage.mesh = await readMesh(stage.api);
      await untilCalled(stage, "allowed-client", "http://server/headers", 503);
    },
    async heal(stage) {
      await shell(restoreConfigMap("istio-system", "istio"));
      stage.mesh = await readMesh(stage.api);
      await untilCalled(stage, "allowed-client", "http://server/headers", 200);
    },
    says: `server: its certificate names spiffe://lab.teleport.example/ns/${NAMESPACE}/sa/server in place of spiffe://cluster.local/ns/${NAMESPACE}/sa/server`,
    also: ["problem allowed-200", "problem every-node", "unknown other-403", "unknown policy-matrix"],
  },
];

async function untilReady(names: readonly string[]): Promise<void> {
  await shell(`kubectl -n ${NAMESPACE} wait --for=condition=Ready --timeout=90s pod ${names.join(" ")}`);
}
