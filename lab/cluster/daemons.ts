import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { componentDir } from "../build/components.ts";
import { CONTAINERD_RECIPE, COREDNS_RECIPE, ETCD_RECIPE, type Recipe } from "../build/recipes.ts";
import { teleportProgram } from "../build/teleport.ts";
import { kubernetesRecipe } from "../build/versions.ts";
import { asLabProcess, insideLab } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { logFile, runningProcess, startProcess, stopProcess } from "../machine/processes.ts";
import { eventually, logTail, tryCommand } from "../machine/shell.ts";
import {
  API_SERVER_PORT,
  CONTAINERD_SOCKET,
  COREDNS_HEALTH,
  ETCD_PEER_URL,
  ETCD_URL,
  NODE_IP,
  NODE_NAME,
  SERVICE_ACCOUNT_ISSUER,
  SERVICE_CIDR,
} from "./addresses.ts";

/** A long-running program of the lab. */
export interface Daemon {
  readonly name: string;
  readonly command: readonly string[];
  /** Files that it reads at its start only: when one of them changes, `up` restarts it. */
  readonly configFiles: readonly string[];
  /** A command, run inside the lab, that succeeds when the program does its work. */
  readonly probe: readonly string[];
  readonly stopSignal: NodeJS.Signals;
}

/** The kubelet's own directory, which pods of CSI drivers must know. */
export function kubeletDirectory(paths: LabPaths): string {
  return join(paths.state, "kubelet");
}

const START_TIMEOUT_MS = 90_000;
const STOP_PATIENCE_MS = 10_000;

/** Every program of the lab, in the order of starting; each is stopped after those that follow it. */
export function daemons(paths: LabPaths): readonly Daemon[] {
  const program = (recipe: Recipe, name: string) => join(componentDir(paths, recipe), name);
  const kubernetes = (name: string) => program(kubernetesRecipe(paths), name);
  const pki = (file: string) => join(paths.pki, file);
  const config = (file: string) => join(paths.config, file);
  const http = (url: string) => ["curl", "--silent", "--show-error", "--fail", "--insecure", "--max-time", "2", url];
  return [
    {
      name: "etcd",
      command: [
        program(ETCD_RECIPE, "etcd"),
        "--name=lab",
        `--data-dir=${join(paths.state, "etcd")}`,
        `--listen-client-urls=${ETCD_URL}`,
        `--advertise-client-urls=${ETCD_URL}`,
        `--listen-peer-urls=${ETCD_PEER_URL}`,
        `--initial-advertise-peer-urls=${ETCD_PEER_URL}`,
        `--initial-cluster=lab=${ETCD_PEER_URL}`,
        // The state of a lab needn't outlive a power failure.
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      configFiles: [],
      probe: http(`${ETCD_URL}/health`),
      stopSignal: "SIGTERM",
    },
    {
      name: "containerd",
      command: [program(CONTAINERD_RECIPE, "containerd"), `--config=${config("containerd.toml")}`],
      configFiles: [config("containerd.toml"), config("cni/10-lab.conflist")],
      probe: [program(CONTAINERD_RECIPE, "ctr"), `--address=${CONTAINERD_SOCKET}`, "version"],
      stopSignal: "SIGTERM",
    },
    {
      name: "teleport",
      command: [
        // A Proxy Service starts only with a certificate that its own host trusts.
        "env",
        `SSL_CERT_FILE=${pki("web-ca.crt")}`,
        teleportProgram(paths, "teleport"),
        "start",
        `--config=${config("teleport.yaml")}`,
      ],
      configFiles: [config("teleport.yaml"), pki("teleport-proxy.crt")],
      probe: [teleportProgram(paths, "tctl"), `--config=${config("teleport.yaml")}`, "status"],
      stopSignal: "SIGTERM",
    },
    {
      name: "kube-apiserver",
      command: [
        kubernetes("kube-apiserver"),
        `--etcd-servers=${ETCD_URL}`,
        `--bind-address=${NODE_IP}`,
        `--advertise-address=${NODE_IP}`,
        `--secure-port=${API_SERVER_PORT}`,
        `--tls-cert-file=${pki("kube-apiserver.crt")}`,
        `--tls-private-key-file=${pki("kube-apiserver.key")}`,
        `--client-ca-file=${pki("ca.crt")}`,
        `--authentication-config=${config("authentication.yaml")}`,
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        `--service-cluster-ip-range=${SERVICE_CIDR}`,
        `--service-account-issuer=${SERVICE_ACCOUNT_ISSUER}`,
        `--service-account-key-file=${pki("service-account.pub")}`,
        `--service-account-signing-key-file=${pki("service-account.key")}`,
        `--kubelet-certificate-authority=${pki("ca.crt")}`,
        `--kubelet-client-certificate=${pki("kubelet-client.crt")}`,
        `--kubelet-client-key=${pki("kubelet-client.key")}`,
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
      ],
      configFiles: [config("authentication.yaml"), pki("kube-apiserver.crt"), pki("service-account.pub")],
      probe: [kubernetes("kubectl"), `--kubeconfig=${paths.kubeconfig}`, "get", "--raw=/readyz"],
      // It keeps nothing: all state is etcd's. Its graceful shutdown would wait up to a minute for open watches.
      stopSignal: "SIGKILL",
    },
    {
      name: "kube-controller-manager",
      command: [
        kubernetes("kube-controller-manager"),
        `--kubeconfig=${config("kube-controller-manager.kubeconfig")}`,
        "--bind-address=127.0.0.1",
        `--root-ca-file=${pki("ca.crt")}`,
        `--service-account-private-key-file=${pki("service-account.key")}`,
        `--cluster-signing-cert-file=${pki("ca.crt")}`,
        `--cluster-signing-key-file=${pki("ca.key")}`,
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--node-monitor-period=2s",
      ],
      configFiles: [pki("ca.crt"), pki("service-account.pub")],
      probe: http("https://127.0.0.1:10257/healthz"),
      stopSignal: "SIGTERM",
    },
    {
      name: "kube-scheduler",
      command: [
        kubernetes("kube-scheduler"),
        `--kubeconfig=${config("kube-scheduler.kubeconfig")}`,
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
      ],
      configFiles: [],
      probe: http("https://127.0.0.1:10259/healthz"),
      stopSignal: "SIGTERM",
    },
    {
      name: "coredns",
      command: [program(COREDNS_RECIPE, "coredns"), `-conf=${config("Corefile")}`],
      configFiles: [config("Corefile")],
      probe: http(`http://${COREDNS_HEALTH}/health`),
      stopSignal: "SIGTERM",
    },
    {
      name: "kube-proxy",
      command: [kubernetes("kube-proxy"), `--config=${config("kube-proxy.yaml")}`],
      configFiles: [config("kube-proxy.yaml")],
      probe: http(`http://${NODE_IP}:10256/healthz`),
      stopSignal: "SIGTERM",
    },
    {
      name: "kubelet",
      command: [
        kubernetes("kubelet"),
        `--config=${config("kubelet.yaml")}`,
        `--kubeconfig=${config("node.kubeconfig")}`,
        `--root-dir=${kubeletDirectory(paths)}`,
        `--hostname-override=${NODE_NAME}`,
        `--node-ip=${NODE_IP}`,
      ],
      configFiles: [config("kubelet.yaml"), pki("kubelet-server.crt")],
      probe: http("http://127.0.0.1:10248/healthz"),
      stopSignal: "SIGTERM",
    },
  ];
}

/** Starts a daemon; one that runs already from the same program, flags and configuration is left alone. Returns whether it was started. */
export async function startDaemon(paths: LabPaths, daemon: Daemon): Promise<boolean> {
  const fingerprint = daemonFingerprint(daemon);
  if (runningProcess(paths, daemon.name)?.fingerprint === fingerprint) return false;
  await stopDaemon(paths, daemon);
  startProcess(paths, daemon.name, asLabProcess(paths, daemon.command), fingerprint);
  return true;
}

export async function stopDaemon(paths: LabPaths, daemon: Daemon): Promise<void> {
  await stopProcess(paths, daemon.name, daemon.stopSignal, STOP_PATIENCE_MS);
}

/** Waits until a daemon does its work. Throws an ExitError with the end of its log if it ends or takes too long. */
export async function awaitDaemon(paths: LabPaths, daemon: Daemon): Promise<void> {
  let ended = false;
  const healthy = await eventually(async () => {
    ended = runningProcess(paths, daemon.name) === undefined;
    return ended || (await isHealthy(paths, daemon));
  }, START_TIMEOUT_MS);
  if (ended || !healthy) {
    const what = ended ? "ended" : "isn't healthy after 90 s";
    throw new ExitError(`${daemon.name} ${what}; ${logTail(logFile(paths, daemon.name))}`, EXIT.unavailable);
  }
}

/** Whether a daemon's probe succeeds. */
export async function isHealthy(paths: LabPaths, daemon: Daemon): Promise<boolean> {
  return (await tryCommand(insideLab(paths, daemon.probe), { timeout: 5000 })).code === 0;
}

/** Whether a daemon runs, and from what `daemons` says now. */
export function isCurrent(paths: LabPaths, daemon: Daemon): boolean {
  return runningProcess(paths, daemon.name)?.fingerprint === daemonFingerprint(daemon);
}

function daemonFingerprint(daemon: Daemon): string {
  const hash = createHash("sha256").update(JSON.stringify(daemon.command));
  for (const file of daemon.configFiles) hash.update(readFileSync(file));
  return hash.digest("hex");
}
