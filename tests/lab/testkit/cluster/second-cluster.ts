import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { API_SERVER_PORT, API_SERVER_URL, NODE_IP } from "../../../../lab/cluster/addresses.ts";
import { awaitDaemon, type Daemon, daemons, startDaemon, stopDaemon } from "../../../../lab/cluster/daemons.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell } from "./shell.ts";

/** Another Kubernetes cluster, of an API server alone: no node, no controllers. */
export interface SecondCluster {
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

const PORT = API_SERVER_PORT + 1;

/**
 * Starts an API server beside the lab's own, with its own part of etcd and its own key for ServiceAccount tokens. It has the
 * same issuer, as most clusters of the world have: only the key tells whose a token is.
 *
 * @param name of the cluster; also of its process and its files
 */
export async function startSecondCluster(name: string): Promise<SecondCluster> {
  const paths = labPaths();
  const key = join(paths.pki, `${name}-service-account.key`);
  const publicKey = join(paths.pki, `${name}-service-account.pub`);
  await shell(`openssl genrsa -out '${key}' 2048 && openssl rsa -in '${key}' -pubout -out '${publicKey}'`);
  const kubeconfig = join(paths.config, `${name}.kubeconfig`);
  const other = readFileSync(paths.kubeconfig, "utf8").replaceAll(API_SERVER_URL, `https://${NODE_IP}:${PORT}`);
  writeFileSync(kubeconfig, other, { mode: 0o600 });

  const own = daemons(paths).find((daemon) => daemon.name === "kube-apiserver") as Daemon;
  const instead: Record<string, string> = {
    "--secure-port": `${PORT}`,
    "--service-account-key-file": publicKey,
    "--service-account-signing-key-file": key,
  };
  const flags = own.command.map((flag) => {
    const [option = ""] = flag.split("=", 1);
    return option in instead ? `${option}=${instead[option]}` : flag;
  });
  const daemon: Daemon = {
    ...own,
    name: `kube-apiserver-${name}`,
    command: [...flags, `--etcd-prefix=/${name}`],
    probe: own.probe.map((word) => word.replace(paths.kubeconfig, kubeconfig)),
  };
  await startDaemon(paths, daemon);
  await awaitDaemon(paths, daemon);
  return { kubeconfig, stop: () => stopDaemon(paths, daemon) };
}
