import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireInstalled, USER_DIR } from "./lib/installation.ts";
import { createNamespace, deleteNamespace } from "./lib/namespaces.ts";
import { shell, tryShell, until } from "./lib/shell.ts";

/** The parts of doctor's JSON report that are looked at. */
interface Report {
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly findings: readonly { readonly status: string; readonly subject: string; readonly evidence: string }[];
  }[];
}

/** A flag where the lab has no proxy to ask. */
const VERSION = "--teleport-version 18.11.0";

const TOKEN = join(USER_DIR, "doctor-token.json");

/** doctor as a user runs it, with the join token and the values; its exit code is not judged here. */
async function doctor(flags = ""): Promise<Report> {
  const line = `npx -p istio-teleport istio-teleport doctor -f values.yaml --token-file ${TOKEN} --output json ${flags || VERSION}`;
  const { stdout, stderr } = await tryShell(line, { cwd: USER_DIR });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

/** `<id>: <evidence of its first finding>` of everything that is not fine. */
function complaintsOf({ checks }: Report): string[] {
  return checks
    .filter(({ status }) => status !== "ok" && status !== "skipped")
    .map(({ id, findings }) => `${id}: ${findings[0]?.evidence}`);
}

beforeAll(async () => {
  await requireInstalled();
  await shell(`tctl get token/istio-tbot-k8s-join --format json > ${TOKEN}`);
  await createNamespace("doctor", { meshed: true });
  await createNamespace("doctor-outside", { meshed: false });
});

afterAll(async () => {
  await rm(TOKEN, { force: true });
  for (const [namespace, name] of EDITED_CONFIG_MAPS) await giveBack(namespace, name);
  await deleteNamespace("doctor");
  await deleteNamespace("doctor-outside");
});

/** What the cases below edit by hand, though Helm owns it. */
const EDITED_CONFIG_MAPS = [
  ["istio-system", "istio"],
  ["teleport-system", "tbot"],
] as const;

/** Takes `kubectl replace` out of an object's field owners: Helm 4 would refuse to change what somebody else owns. */
async function giveBack(namespace: string, name: string): Promise<void> {
  const object = `-n ${namespace} configmap ${name}`;
  const { metadata } = JSON.parse(await shell(`kubectl get ${object} -o json --show-managed-fields`)) as {
    metadata: { managedFields: { manager: string }[] };
  };
  const index = metadata.managedFields.findIndex(({ manager }) => manager === "kubectl-replace");
  if (index < 0) throw new Error(`${namespace}/${name} was not edited: take it out of EDITED_CONFIG_MAPS`);
  const patch = [{ op: "remove", path: `/metadata/managedFields/${index}` }];
  await shell(`kubectl patch ${object} --type=json -p '${JSON.stringify(patch)}'`);
}

/** One thing that is broken in the lab. */
interface Case {
  readonly id: string;
  readonly how: string;
  /** Shell lines; the second one takes the first one back. */
  readonly break: string;
  readonly heal: string;
  readonly evidence: string | RegExp;
  /** What else must show for the same cause. */
  readonly also?: readonly string[];
  /** What may show as well: a tbot that comes and goes answers, or does not. */
  readonly perhaps?: readonly string[];
  readonly flags?: string;
}

const apply = (object: object) => `kubectl apply -f - <<'EOF'\n${JSON.stringify(object)}\nEOF`;

/** A pod that sleeps, in a namespace that is not meshed unless told otherwise. */
const pod = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "doctor-outside", ...metadata },
  spec: { terminationGracePeriodSeconds: 1, ...spec },
});
const sleeper = {
  name: "app",
  image: "lab.local/client:lab",
  imagePullPolicy: "Never",
  command: ["sleep", "infinity"],
};

const authorizationPolicy = (spec: object) =>
  apply({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "probe", namespace: "doctor" },
    spec,
  });
const DELETE_POLICY = "kubectl -n doctor delete authorizationpolicy probe";

/** Edits the text in one key of a ConfigMap by sed, keeping what it was. */
const editConfigMap = (namespace: string, name: string, script: string) =>
  `kubectl -n ${namespace} get configmap ${name} -o json > ${USER_DIR}/kept.json && sed -E '${script}' ${USER_DIR}/kept.json | kubectl replace -f -`;
const restoreConfigMap = `sed -E '/"(resourceVersion|uid|creationTimestamp)":/d' ${USER_DIR}/kept.json | kubectl replace -f -`;

const BINDING = "validatingadmissionpolicybinding istio-teleport-workload-identity";

const RESTART_TBOT =
  "kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot && kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s";

const CASES: readonly Case[] = [
  {
    id: "teleport-version",
    how: "a Teleport cluster that is a major older",
    break: "true",
    heal: "true",
    flags: "--teleport-version 17.0.0",
    evidence: "the cluster 17.0.0",
  },
  {
    id: "clocks",
    how: "a node whose heartbeat is 5 minutes ahead",
    break: `${apply({ apiVersion: "v1", kind: "Node", metadata: { name: "ghost" } })}
kubectl patch node ghost --subresource=status --type=merge -p '{"status":{"conditions":[{"type":"Ready","status":"True","reason":"x","lastHeartbeatTime":"'$(date -u +%FT%TZ)'"}],"nodeInfo":{"kubeletVersion":"v1.37.2"}}}'
kubectl apply -f - <<EOF
{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"ghost","namespace":"kube-node-lease"},"spec":{"holderIdentity":"ghost","renewTime":"$(date -u -d '+5 min' +%FT%T.000000Z)"}}
EOF`,
    heal: "kubectl delete node ghost; kubectl -n kube-node-lease delete lease ghost --ignore-not-found",
    evidence: /its clock is (29|30)\d s ahead/,
  },
  {
    id: "tbot-nodes",
    how: "a DaemonSet that leaves the node out",
    break: `kubectl -n teleport-system patch daemonset tbot -p '{"spec":{"template":{"spec":{"nodeSelector":{"doctor":"nowhere"}}}}}' && kubectl -n teleport-system wait --for=delete pod -l app.kubernetes.io/name=tbot --timeout=60s`,
    heal: `kubectl -n teleport-system patch daemonset tbot --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector/doctor"}]' && kubectl -n teleport-system rollout status daemonset/tbot --timeout=90s`,
    evidence: /no pod of tbot, \d+ meshed pods there/,
  },
  {
    id: "tbot-config",
    how: "attestor in place of attestors",
    break: editConfigMap("teleport-system", "tbot", "s/attestors:/attestor:/"),
    heal: restoreConfigMap,
    evidence: "attestor",
  },
  {
    id: "tbot-token",
    how: "a token of an hour",
    break: `kubectl -n teleport-system get daemonset tbot -o json | sed 's/"expirationSeconds": 600/"expirationSeconds": 3600/' | kubectl replace -f -`,
    heal: `kubectl -n teleport-system get daemonset tbot -o json | sed 's/"expirationSeconds": 3600/"expirationSeconds": 600/' | kubectl replace -f - && sleep 2 && kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s`,
    evidence: "it lives 3600 s",
    also: ["tbot-nodes"],
    perhaps: ["tbot-health", "tbot-version"],
  },
  {
    id: "join-token",
    how: "a token for another ServiceAccount",
    break: `sed -i 's/teleport-system:tbot/other:tbot/' ${TOKEN}`,
    heal: `sed -i 's/other:tbot/teleport-system:tbot/' ${TOKEN}`,
    evidence: 'spec.kubernetes.allow "teleport-system:tbot": it may not join',
  },
  {
    id: "token-keys",
    how: "another key under the same kid",
    break: `cp ${TOKEN} ${TOKEN}.kept && node -e '
const fs = require("node:fs");
const { publicKey } = require("node:crypto").generateKeyPairSync("rsa", { modulusLength: 2048 });
const tokens = [JSON.parse(fs.readFileSync("${TOKEN}", "utf8"))].flat();
const source = tokens[0].spec.kubernetes.static_jwks;
const { keys } = JSON.parse(source.jwks);
source.jwks = JSON.stringify({ keys: keys.map((key) => ({ ...key, ...publicKey.export({ format: "jwk" }) })) });
fs.writeFileSync("${TOKEN}", JSON.stringify(tokens));'`,
    heal: `mv ${TOKEN}.kept ${TOKEN}`,
    evidence: "another key under this kid",
  },
  {
    id: "injection-template",
    how: "our template is not among the default ones",
    break: editConfigMap(
      "istio-system",
      "istio-sidecar-injector",
      "s/(defaultTemplates:\\\\n- sidecar\\\\n)- teleport\\\\n/\\1/",
    ),
    heal: restoreConfigMap,
    evidence: "is not among the defaultTemplates",
  },
  {
    id: "socket-path",
    how: "another file name",
    break: editConfigMap("teleport-system", "tbot", "s#sockets/socket#sockets/workload.sock#"),
    heal: restoreConfigMap,
    evidence: "tbot's socket is called workload.sock",
  },
  {
    id: "opted-out",
    how: "a pod that chooses Istio's own template, while admission is off",
    break: `kubectl delete ${BINDING} && sleep 2 && ${apply(pod("chosen", { containers: [sleeper] }, { namespace: "doctor", annotations: { "inject.istio.io/templates": "sidecar" } }))}`,
    heal: "kubectl -n doctor delete pod chosen --wait; helm get manifest istio-teleport -n teleport-system | kubectl apply -f -",
    evidence: 'its annotation inject.istio.io/templates is "sidecar"',
    also: ["admission-policy", "proxy-certificate"],
  },
  {
    id: "proxy-mount",
    how: "a pod that was injected before the template, while admission is off",
    break: `kubectl delete ${BINDING} && sleep 2 && ${apply(pod("early", { containers: [sleeper, { ...sleeper, name: "istio-proxy" }] }))}`,
    heal: "kubectl -n doctor-outside delete pod early --wait; helm get manifest istio-teleport -n teleport-system | kubectl apply -f -",
    evidence: "it was injected before istiod had the template",
    also: ["admission-policy", "proxy-certificate"],
  },
  {
    id: "gateway-mount",
    how: "a gateway with its own template alone, while admission is off",
    break: `kubectl delete ${BINDING} && sleep 2 && ${apply(pod("gateway", { containers: [{ ...sleeper, name: "istio-proxy" }] }))}`,
    heal: "kubectl -n doctor-outside delete pod gateway --wait; helm get manifest istio-teleport -n teleport-system | kubectl apply -f -",
    evidence: "its proxy does not mount",
    also: ["admission-policy", "proxy-certificate"],
  },
  {
    id: "socket-writers",
    how: "another issuer's agent",
    break: apply(
      pod("agent", {
        containers: [{ ...sleeper, volumeMounts: [{ name: "sockets", mountPath: "/sockets" }] }],
        volumes: [{ name: "sockets", hostPath: { path: "/var/run/spire/sockets" } }],
      }),
    ),
    heal: "kubectl -n doctor-outside delete pod agent --wait",
    evidence: "it mounts /var/run/spire/sockets writable",
  },
  {
    id: "admission-policy",
    how: "a binding that only audits",
    break: `kubectl patch ${BINDING} --type=merge -p '{"spec":{"validationActions":["Audit"]}}'`,
    heal: `kubectl patch ${BINDING} --type=merge -p '{"spec":{"validationActions":["Deny"]}}'`,
    evidence: "does not deny",
  },
  {
    id: "pod-security",
    how: "a meshed namespace at baseline",
    break: "kubectl label namespace doctor pod-security.kubernetes.io/enforce=baseline",
    heal: "kubectl label namespace doctor pod-security.kubernetes.io/enforce-",
    evidence: "it enforces baseline",
  },
  {
    id: "kubelet-rights",
    how: "no ClusterRoleBinding",
    break: "kubectl delete clusterrolebinding istio-teleport-tbot",
    heal: "helm get manifest istio-teleport -n teleport-system | kubectl apply -f -",
    evidence: "neither nodes/pods nor nodes/proxy",
  },
  {
    id: "attestation",
    how: "no right, and a pod that starts",
    // The kubelet remembers what it was allowed for 5 minutes; a new pod of tbot has a token that it has not seen.
    break: `kubectl delete clusterrolebinding istio-teleport-tbot && sleep 12 && ${RESTART_TBOT} && ${apply(pod("new", { containers: [sleeper] }, { namespace: "doctor" }))}`,
    heal: `helm get manifest istio-teleport -n teleport-system | kubectl apply -f - && ${RESTART_TBOT} && kubectl -n doctor delete pod new --wait`,
    evidence: /tbot's log, \d+ times?: /,
    also: ["kubelet-rights", "proxy-certificate"],
    // From 35 s after tbot is back.
    perhaps: ["proxy-stream"],
  },
  {
    id: "trust-domain",
    how: "Istio's default",
    break: editConfigMap("istio-system", "istio", "s/trustDomain: [a-z.]+/trustDomain: cluster.local/"),
    heal: restoreConfigMap,
    evidence: "its trust domain is cluster.local",
  },
  {
    id: "istiod-ca",
    how: "certificates of a day",
    break: "kubectl -n istio-system set env deployment/istiod MAX_WORKLOAD_CERT_TTL=24h",
    heal: "kubectl -n istio-system set env deployment/istiod MAX_WORKLOAD_CERT_TTL=1ms && kubectl -n istio-system rollout status deployment/istiod --timeout=120s",
    evidence: "it does not set MAX_WORKLOAD_CERT_TTL to 1ms",
  },
  {
    id: "strict-mtls",
    how: "PERMISSIVE in a namespace",
    break: apply({
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "open", namespace: "test-app" },
      spec: { mtls: { mode: "PERMISSIVE" } },
    }),
    heal: "kubectl -n test-app delete peerauthentication open",
    evidence: "PeerAuthentication test-app/open has mode PERMISSIVE",
  },
  {
    id: "policy-trust-domain",
    how: "a principal of another trust domain",
    break: authorizationPolicy({ rules: [{ from: [{ source: { principals: ["old.example/ns/a/sa/b"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "old.example/ns/a/sa/b is of another trust domain",
  },
  {
    id: "policy-service-accounts",
    how: "serviceAccounts alone",
    break: authorizationPolicy({ rules: [{ from: [{ source: { serviceAccounts: ["doctor/default"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "in every trust domain",
  },
  {
    id: "policy-paths",
    how: "a path while normalization is NONE",
    break: authorizationPolicy({ rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "it matches on /admin",
  },
  {
    id: "outage-budget",
    how: "an interval of more than half the life",
    break: editConfigMap("teleport-system", "tbot", "s/credential_ttl: 1h/credential_ttl: 30m/"),
    heal: restoreConfigMap,
    evidence: "one missed renewal lets them expire",
  },
];

describe("doctor on the lab's mesh", () => {
  it("finds nothing wrong while nothing is", { timeout: 120_000 }, async () => {
    await until("doctor is content", 90, async () => complaintsOf(await doctor()).length === 0);
  });

  it.each(CASES)(
    "names $id: $how",
    async ({ id, break: breakIt, heal, evidence, also = [], perhaps = [], flags = "" }) => {
      try {
        await shell(breakIt);
        await until(`doctor names ${id}`, 60, async () => {
          const complaints = complaintsOf(await doctor(flags));
          const ids = complaints.map((complaint) => complaint.split(":")[0]);
          if (![id, ...also].every((each) => ids.includes(each))) throw new Error(complaints.join("\n"));
          const others = ids.filter((each) => !perhaps.includes(each ?? ""));
          expect(others.toSorted()).toEqual([id, ...also].toSorted());
          expect(complaints.find((complaint) => complaint.startsWith(`${id}:`))).toMatch(evidence);
          return true;
        });
      } finally {
        await shell(heal);
      }
      await until("doctor is content again", 180, async () => {
        const complaints = complaintsOf(await doctor());
        if (complaints.length > 0) throw new Error(complaints.join("\n"));
        return true;
      });
    },
  );
});
