/**
 * What keeps the lab apart from the machine it runs on:
 *
 * - a network namespace, whose default route ends in a bridge without ports: nothing leaves, nothing outside can connect;
 * - a mount namespace with its own `/run`, `/var/lib/kubelet` and `/var/lib/cni`: what kubelet, containerd and pods mount or leave
 *   there is gone with the last process, as after a node's power-off. It receives the machine's mounts and passes none back;
 * - a cgroup in the v2 hierarchy that holds every process of the lab, so that none is missed in the end, however it was started.
 *   kubelet puts its pods' cgroups below the one of the same name in each hierarchy.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { NODE_CIDR, NODE_IP } from "../cluster/addresses.ts";
import { LAB_NAME, type LabPaths } from "./paths.ts";
import { logFile, runningProcess, startProcess, stopProcess } from "./processes.ts";
import { command, eventually, logTail } from "./shell.ts";

/** A sleeping process that stands for both namespaces: others enter them through its pid. */
const HOLDER = "holder";

/** Host directories that kubelet and CNI plugins use by fixed path, whatever their settings. */
const PRIVATE_DIRECTORIES = ["/var/lib/kubelet", "/var/lib/cni"];

/** In cgroup v1's unit: 1024 is one process that is in no cgroup of its own. */
const PODS_CPU_SHARES = 8 * 1024;

/** Where `ip netns` keeps the network namespaces that have names. */
const NAMED_NETWORK_NAMESPACES = "/run/netns";

/**
 * Makes the namespaces and the cgroup, or what is missing of them. Where processes are left but no holder, their mount namespace
 * can't be entered any more: they are ended first.
 */
export async function createNamespaces(paths: LabPaths): Promise<void> {
  if (!namespacesExist(paths)) await removeNamespaces(paths);
  createCgroups(paths);
  if (!existsSync(networkNamespace(paths))) await createNetwork(paths);
  if (runningProcess(paths, HOLDER) === undefined) await startHolder(paths);
}

/** Whether commands can enter the lab. */
export function namespacesExist(paths: LabPaths): boolean {
  return existsSync(networkNamespace(paths)) && runningProcess(paths, HOLDER) !== undefined;
}

/**
 * The command that runs `command` inside the lab's network and mount namespaces.
 * Throws an ExitError if the lab isn't up.
 *
 * @param directory working directory; default: the current one
 */
export function insideLab(paths: LabPaths, command: readonly string[], directory = process.cwd()): string[] {
  const holder = runningProcess(paths, HOLDER);
  if (holder === undefined)
    throw new ExitError("The lab isn't running; start it with `npm run lab -- up`.", EXIT.unavailable);
  return ["nsenter", `--target=${holder.pid}`, "--net", "--mount", `--wdns=${directory}`, "--", ...command];
}

/** The command that runs `command` inside the lab and as one of its processes, which `down` ends. */
export function asLabProcess(paths: LabPaths, command: readonly string[]): string[] {
  return [...joinCgroup(paths), ...insideLab(paths, command, "/")];
}

/** Pids of all processes of the lab, started by it or by its pods. */
function labProcesses(paths: LabPaths): number[] {
  return existsSync(processCgroup(paths)) ? processesBelow(processCgroup(paths)) : [];
}

/** Ends every process that is left, then removes cgroups, mount namespace (with its holder) and network namespace. */
export async function removeNamespaces(paths: LabPaths): Promise<void> {
  await stopProcess(paths, HOLDER, "SIGKILL", 1000);
  if (existsSync(processCgroup(paths))) writeFileSync(join(processCgroup(paths), "cgroup.kill"), "1");
  await eventually(async () => labProcesses(paths).length === 0, 10_000, 50);
  // A process on its way out keeps its cgroup busy for a moment after it has left the list.
  await eventually(async () => labCgroups(paths).every(removeCgroup), 10_000, 50);
  if (existsSync(networkNamespace(paths))) await command(["ip", "netns", "delete", paths.name]);
  // To remove a mount point would detach what another lab has mounted on it.
  if (!otherLabRuns()) for (const directory of PRIVATE_DIRECTORIES) removeIfEmpty(directory);
}

/** What `removeNamespaces` should have removed and is still there, one phrase a thing. */
export async function namespaceRemains(paths: LabPaths): Promise<string[]> {
  const remains = labProcesses(paths).map((pid) => `process ${pid} (${processName(pid)})`);
  if (existsSync(networkNamespace(paths))) remains.push(`network namespace ${paths.name}`);
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  for (const mount of mounts) {
    const target = mount.split(" ")[1];
    if (target?.startsWith(`${paths.state}/`)) remains.push(`mount ${target}`);
  }
  for (const cgroup of labCgroups(paths)) if (existsSync(cgroup)) remains.push(`cgroup ${cgroup}`);
  return remains;
}

/** Mount points of all cgroup hierarchies: that of v2, and those of v1 controllers if the machine still uses them. */
export function cgroupMounts(): { readonly v2: string | undefined; readonly v1: readonly string[] } {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const ofType = (type: string) => mounts.filter((fields) => fields[2] === type).map((fields) => fields[1] as string);
  return { v2: ofType("cgroup2")[0], v1: ofType("cgroup") };
}

/** The cgroup of the v2 hierarchy below which every process of the lab is. */
function processCgroup(paths: LabPaths): string {
  const { v2 } = cgroupMounts();
  if (v2 === undefined)
    throw new ExitError("This machine has no cgroup v2 hierarchy mounted, which the lab needs.", EXIT.unavailable);
  return join(v2, paths.name);
}

function labCgroups(paths: LabPaths): string[] {
  return [processCgroup(paths), ...cgroupMounts().v1.map((mount) => join(mount, paths.name))];
}

function createCgroups(paths: LabPaths): void {
  for (const cgroup of labCgroups(paths)) mkdirSync(cgroup, { recursive: true });
  // With cgroup v2 alone a cgroup that passes controllers on to pods may hold no process itself: daemons get a child of their own.
  mkdirSync(join(processCgroup(paths), "daemons"), { recursive: true });
  passControllersOn(cgroupMounts().v2 as string);
  passControllersOn(processCgroup(paths));
  weighPods(paths);
}

/**
 * Gives the lab's pods as a group the CPU weight of several processes. The v1 cpu controller puts only the pods in the
 * lab's cgroup, at the weight of one process, so each daemon would get as much CPU as all pods together. While a node
 * starts many pods, sidecars would not answer in time. On a real node, the kubelet's share for pods competes with one
 * share for the whole system. With v2 the daemons are in the lab's cgroup as well.
 */
function weighPods(paths: LabPaths): void {
  for (const cgroup of labCgroups(paths)) {
    const shares = join(cgroup, "cpu.shares");
    if (existsSync(shares)) writeFileSync(shares, String(PODS_CPU_SHARES));
  }
}

/**
 * Lets the children of a cgroup have every controller that it has itself; what is passed on already is left alone.
 * Throws an ExitError where the kernel refuses it because processes are in the cgroup (cgroups(7), "no internal processes"):
 * in a container, whose root cgroup is not a root to the kernel.
 */
export function passControllersOn(cgroup: string): void {
  const words = (file: string) => readFileSync(join(cgroup, file), "utf8").split(/\s+/).filter(Boolean);
  const passedOn = new Set(words("cgroup.subtree_control"));
  for (const controller of words("cgroup.controllers").filter((name) => !passedOn.has(name))) {
    try {
      writeFileSync(join(cgroup, "cgroup.subtree_control"), `+${controller}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      throw new ExitError(
        `The controller ${controller} can't be passed on to the lab's pods, because processes are in the cgroup ${cgroup} itself: move those of ${cgroup}/cgroup.procs into a child cgroup, or run the lab outside this container.`,
        EXIT.unavailable,
      );
    }
  }
}

/** The start of a command that puts itself into the cgroup for daemons. */
function joinCgroup(paths: LabPaths): string[] {
  return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(processCgroup(paths), "daemons", "cgroup.procs")];
}

async function createNetwork(paths: LabPaths): Promise<void> {
  await command(["ip", "netns", "add", paths.name]);
  const inNetwork = (line: string) => command(["ip", "-n", paths.name, ...line.split(" ")]);
  await inNetwork("link set lo up");
  // The node's address is on a bridge of its own: the kernel may lack dummy links, and nothing needs a way out.
  await inNetwork("link add node0 type bridge");
  await inNetwork("link set node0 up");
  await inNetwork(`address add ${NODE_CIDR} dev node0`);
  await inNetwork(`route add default dev node0 src ${NODE_IP}`);
  const settings = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "bridge/bridge-nf-call-iptables": 1,
  };
  const writes = Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/net/${name}`);
  await command(["nsenter", `--net=${networkNamespace(paths)}`, "sh", "-ec", writes.join("\n")]);
}

async function startHolder(paths: LabPaths): Promise<void> {
  const ready = join(paths.run, "holder.ready");
  const privateMounts = PRIVATE_DIRECTORIES.map((directory) => {
    const own = join(paths.state, directory.replaceAll("/", "-").slice(1));
    return `mkdir -p ${directory} "${own}" && mount --bind "${own}" ${directory}`;
  });
  const setup = [
    "set -e",
    // Pods' volumes may ask for mounts to propagate, as they do on a machine whose root is shared.
    "mount --make-rshared /",
    // Where systemd-resolved rules, /etc/resolv.conf leads into /run: commands that leave the network namespace still resolve names.
    "resolv=$(readlink -f /etc/resolv.conf); servers=$(cat /etc/resolv.conf)",
    "mount -t tmpfs -o mode=755 tmpfs /run",
    'case "$resolv" in /run/*) mkdir -p "$(dirname "$resolv")"; echo "$servers" > "$resolv" ;; esac',
    "mkdir /run/lock /run/netns",
    ...privateMounts,
    `echo > "${ready}"`,
    "exec sleep infinity",
  ].join("\n");
  const inNetwork = [
    "nsenter",
    `--net=${networkNamespace(paths)}`,
    "unshare",
    "--mount",
    "--propagation=slave",
    "sh",
    "-c",
    setup,
  ];
  await command(["rm", "-f", ready]);
  startProcess(paths, HOLDER, [...joinCgroup(paths), ...inNetwork], HOLDER);
  if (!(await eventually(async () => existsSync(ready), 10_000, 20))) {
    throw new ExitError(
      `The lab's mount namespace could not be made; ${logTail(logFile(paths, HOLDER))}`,
      EXIT.unavailable,
    );
  }
}

function processesBelow(cgroup: string): number[] {
  const own = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...childCgroups(cgroup).flatMap(processesBelow)];
}

/** Removes a cgroup and those below it; returns whether it is gone, false while something in it is busy. */
function removeCgroup(cgroup: string): boolean {
  if (!existsSync(cgroup)) return true;
  if (!childCgroups(cgroup).every(removeCgroup)) return false;
  try {
    rmdirSync(cgroup);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false;
    throw error;
  }
}

function childCgroups(cgroup: string): string[] {
  return readdirSync(cgroup, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(cgroup, entry.name));
}

function processName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "gone meanwhile";
  }
}

function networkNamespace(paths: LabPaths): string {
  return join(NAMED_NETWORK_NAMESPACES, paths.name);
}

function otherLabRuns(): boolean {
  return (
    existsSync(NAMED_NETWORK_NAMESPACES) &&
    readdirSync(NAMED_NETWORK_NAMESPACES).some((name) => name.startsWith(LAB_NAME))
  );
}

function removeIfEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
}
