import { type ChildProcess, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { componentDir } from "../../../../lab/build/components.ts";
import { SPIRE_RECIPE } from "../../../../lab/build/recipes.ts";
import { NODE_IP, TELEPORT_CLUSTER_NAME } from "../../../../lab/cluster/addresses.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell, until } from "../cluster/shell.ts";

/** The host directory with the agent's socket, as SPIRE's own charts have one, beside tbot's. */
export const SPIRE_SOCKETS = "/run/spire/agent-sockets";
const SERVER_SOCKET = "/run/spire-server/api.sock";
const AGENT_ID = `spiffe://${TELEPORT_CLUSTER_NAME}/lab-agent`;

/** As users of SPIRE have it in Istio's values: the agent's directory in place of Istio's own volume. */
export const SPIRE_TEMPLATE = `
spec:
  initContainers:
  - name: istio-proxy
    volumeMounts:
    - name: workload-socket
      mountPath: /var/run/secrets/workload-spiffe-uds
      readOnly: true
  volumes:
  - name: workload-socket
    hostPath:
      path: ${SPIRE_SOCKETS}
      type: Directory
`;

/** SPIRE's server and its agent on the lab's node. */
export interface Spire {
  readonly root: X509Certificate;
  stop(): Promise<void>;
}

/** A workload that SPIRE is to know. */
export interface SpireWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * Starts SPIRE as processes of the node, with an identity for each of the workloads, of the same trust domain and in the same
 * form as Teleport's. The agent asks the kubelet who calls, as tbot does.
 */
export async function startSpire(workloads: readonly SpireWorkload[]): Promise<Spire> {
  const programs = componentDir(labPaths(), SPIRE_RECIPE);
  if (!existsSync(programs))
    throw new Error("SPIRE is not built in this lab: run LAB_SPIRE=1 npm run lab -- test --fresh 01-");
  const dir = mkdtempSync(join(tmpdir(), "lab-spire-"));
  const bin = (program: string) => join(programs, program);
  const server = (args: string) => shell(`'${bin("spire-server")}' ${args} -socketPath ${SERVER_SOCKET}`);
  mkdirSync(SPIRE_SOCKETS, { recursive: true });
  mkdirSync("/run/spire-server", { recursive: true });
  writeFileSync(join(dir, "server.conf"), serverConfig(dir));
  const processes = [run(bin("spire-server"), join(dir, "server.conf"))];
  const stop = async () => {
    for (const child of processes.toReversed()) await end(child);
    await shell(
      "kubectl delete clusterrolebinding,clusterrole lab-spire --ignore-not-found && kubectl -n kube-system delete serviceaccount lab-spire --ignore-not-found",
    );
    for (const path of [dir, SPIRE_SOCKETS, "/run/spire-server"]) rmSync(path, { recursive: true, force: true });
  };
  try {
    const bundle = await until("SPIRE's server answers", 60, () => server("bundle show"));
    const token = /^Token: (\S+)$/m.exec(await server(`token generate -spiffeID ${AGENT_ID}`))?.[1] ?? "";
    for (const { namespace, serviceAccount } of workloads) {
      const id = `spiffe://${TELEPORT_CLUSTER_NAME}/ns/${namespace}/sa/${serviceAccount}`;
      const selectors = `-selector k8s:ns:${namespace} -selector k8s:sa:${serviceAccount}`;
      await server(`entry create -parentID ${AGENT_ID} -spiffeID ${id} ${selectors}`);
    }
    await mayAskTheKubelet(join(dir, "kubelet-token"));
    writeFileSync(join(dir, "agent.conf"), agentConfig(dir, token));
    processes.push(run(bin("spire-agent"), join(dir, "agent.conf")));
    await until("SPIRE's agent is healthy", 60, () =>
      shell(`'${bin("spire-agent")}' healthcheck -socketPath ${SPIRE_SOCKETS}/socket`),
    );
    return { root: new X509Certificate(bundle), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverConfig(dir: string): string {
  return `
server {
  bind_address = "127.0.0.1"
  bind_port = "8089"
  socket_path = "${SERVER_SOCKET}"
  trust_domain = "${TELEPORT_CLUSTER_NAME}"
  data_dir = "${dir}/server"
  default_x509_svid_ttl = "1h"
  log_file = "${logOf("spire-server")}"
}
plugins {
  DataStore "sql" { plugin_data { database_type = "sqlite3", connection_string = "${dir}/server.sqlite3" } }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
}
`;
}

function agentConfig(dir: string, joinToken: string): string {
  return `
agent {
  data_dir = "${dir}/agent"
  server_address = "127.0.0.1"
  server_port = "8089"
  socket_path = "${SPIRE_SOCKETS}/socket"
  trust_domain = "${TELEPORT_CLUSTER_NAME}"
  insecure_bootstrap = true
  log_file = "${logOf("spire-agent")}"
  join_token = "${joinToken}"
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
  WorkloadAttestor "k8s" {
    plugin_data {
      node_name = "${NODE_IP}"
      skip_kubelet_verification = true
      token_path = "${dir}/kubelet-token"
    }
  }
}
`;
}

function logOf(program: string): string {
  return join(labPaths().log, `${program}.log`);
}

async function mayAskTheKubelet(tokenFile: string): Promise<void> {
  await shell(
    `kubectl -n kube-system create serviceaccount lab-spire &&
     kubectl create clusterrole lab-spire --verb=get,list --resource=nodes/proxy,nodes/pods &&
     kubectl create clusterrolebinding lab-spire --clusterrole=lab-spire --serviceaccount=kube-system:lab-spire`,
  );
  writeFileSync(tokenFile, await shell("kubectl -n kube-system create token lab-spire --duration=1h"));
}

function run(program: string, config: string): ChildProcess {
  return spawn(program, ["run", "-config", config], { stdio: ["ignore", "ignore", "inherit"] });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.kill();
  });
}
