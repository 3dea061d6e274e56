import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiServerOfVersion, type VersionedApiServer } from "../cluster/api-server-of-version.ts";
import { USER_DIR } from "../installation/installation.ts";
import { createTeleportResources } from "../installation/releases.ts";
import { type Curable, editConfigMap, restoreConfigMap, type Situation } from "./doctor-case.ts";

const OLD_KUBECONFIG = join(USER_DIR, "old-api-server.kubeconfig");
let oldApiServer: VersionedApiServer | undefined;

const ROLE = "role/istio-workload-identity-issuer";
const TOKEN = "token/istio-tbot-k8s-join";
const KEPT_TOKEN = join(USER_DIR, "kept-token.yaml");

const TBOT = "kubectl -n teleport-system";
const ROLLED_OUT = `${TBOT} rollout status daemonset/tbot --timeout=120s`;

/** The cluster, and what Teleport has for tbot. */
export const GIVEN_CASES: readonly Curable[] = [
  {
    id: "kubernetes-version",
    how: "an API server that says it is v1.26.0",
    break: async () => {
      oldApiServer = await apiServerOfVersion("v1.26.0");
      writeFileSync(OLD_KUBECONFIG, oldApiServer.kubeconfig);
    },
    heal: async () => {
      oldApiServer?.close();
      rmSync(OLD_KUBECONFIG, { force: true });
    },
    flags: `--kubeconfig ${OLD_KUBECONFIG}`,
    evidence: "it is v1.26.0",
  },
  {
    id: "teleport-version",
    how: "a Teleport cluster that is a major older (`--teleport-version 17.0.0`)",
    break: "true",
    heal: "true",
    flags: "--teleport-version 17.0.0",
    evidence: "the cluster 17.0.0",
  },
  {
    id: "teleport-resources",
    how: "somebody gives the role's sessions 30 hours",
    break: `tctl get ${ROLE} | sed -E 's/max_session_ttl: .*/max_session_ttl: 30h0m0s/' | tctl create -f`,
    heal: () => createTeleportResources([]),
    evidence: 'spec.options.max_session_ttl is "30h0m0s"',
  },
  {
    id: "join-token",
    how: "a join token for another ServiceAccount",
    break: `tctl get ${TOKEN} > ${KEPT_TOKEN} && sed 's/teleport-system:tbot/other:tbot/' ${KEPT_TOKEN} | tctl create -f`,
    heal: `tctl create -f < ${KEPT_TOKEN} && rm ${KEPT_TOKEN}`,
    evidence: 'spec.kubernetes.allow "teleport-system:tbot": it may not join',
    beside: [/spec\.kubernetes\.allow "other:tbot"/],
  },
  {
    id: "token-keys",
    how: "another key under the same kid in the join token",
    break: `tctl get ${TOKEN} --format json | node -e '
const fs = require("node:fs");
const { publicKey } = require("node:crypto").generateKeyPairSync("rsa", { modulusLength: 2048 });
const [token] = [JSON.parse(fs.readFileSync(0, "utf8"))].flat();
const source = token.spec.kubernetes.static_jwks;
const { keys } = JSON.parse(source.jwks);
source.jwks = JSON.stringify({ keys: keys.map((key) => ({ ...key, ...publicKey.export({ format: "jwk" }) })) });
process.stdout.write(JSON.stringify(token));' | tctl create -f`,
    // join-token's way back takes this one, too.
    heal: "true",
    evidence: "another key under this kid",
  },
  {
    id: "clocks",
    how: "a node whose heartbeat is 5 minutes ahead",
    // Last, since it beats once and is called lost after 50 s. The node at once as it is to be: without its lease or its
    // status it would be called lost before.
    break: `kubectl apply -f - <<EOF
{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"ghost","namespace":"kube-node-lease"},"spec":{"holderIdentity":"ghost","renewTime":"$(date -u -d '+5 min' +%FT%T.000000Z)"}}
EOF
kubectl create --validate=false -f - <<EOF
{"apiVersion":"v1","kind":"Node","metadata":{"name":"ghost"},"status":{"conditions":[{"type":"Ready","status":"True","reason":"x","lastHeartbeatTime":"$(date -u +%FT%TZ)"}],"nodeInfo":{"kubeletVersion":"v1.37.2"}}}
EOF`,
    heal: "kubectl delete node ghost; kubectl -n kube-node-lease delete lease ghost --ignore-not-found",
    // It beats once, so it is less with each look.
    evidence: /its clock is (2\d|30)\d s ahead/,
  },
];

export const TBOT_CONFIG: Curable = {
  id: "tbot-config",
  how: "`attestor` in place of `attestors` in tbot.yaml",
  break: editConfigMap("teleport-system", "tbot", "s/attestors:/attestor:/"),
  heal: restoreConfigMap("teleport-system", "tbot"),
  evidence: "attestor",
};

/** tbot's DaemonSet. */
export const DAEMON_SET_SITUATION: Situation = {
  phases: [
    [
      {
        id: "tbot-version",
        how: "a tbot that says 18.10.3 (the double, told to)",
        break: `${TBOT} set env daemonset/tbot TELEPORT_DOUBLE_CONTRACT=18.10.3+teleport-double && ${ROLLED_OUT}`,
        evidence: "it is 18.10.3",
      },
    ],
    [
      {
        id: "tbot-nodes",
        how: "tbot's DaemonSet leaves the node out",
        break: `${TBOT} patch daemonset tbot -p '{"spec":{"template":{"spec":{"nodeSelector":{"doctor":"nowhere"}}}}}' && ${TBOT} wait --for=delete pod -l app.kubernetes.io/name=tbot --timeout=60s`,
        evidence: /no pod of tbot, \d+ meshed pods there/,
        // Unknown: nobody is there to ask.
        also: ["tbot-health", "kubelet-certificate", "attestation"],
      },
      {
        id: "tbot-token",
        how: "a ServiceAccount token of an hour in tbot's DaemonSet",
        break: `${TBOT} get daemonset tbot -o json | sed 's/"expirationSeconds": 600/"expirationSeconds": 3600/' | kubectl replace -f -`,
        evidence: "it lives 3600 s",
      },
    ],
  ],
  heal: [
    `${TBOT} set env daemonset/tbot TELEPORT_DOUBLE_CONTRACT-`,
    `${TBOT} get daemonset tbot -o json | sed 's/"expirationSeconds": 3600/"expirationSeconds": 600/' | kubectl replace -f -`,
    `${TBOT} patch daemonset tbot --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector/doctor"}]' && ${ROLLED_OUT}`,
  ],
};
