import { counted } from "../../base/count.ts";
import { jsonIn } from "../../base/json-value.ts";
import { CouldNotLook, known } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { hostDirectory, nameOf, ownMounts } from "../facts/meshed-pods.ts";
import type { AdmissionPolicy, Pod, Volume } from "../facts/objects.ts";
import { type Check, type Finding, looked, problem } from "./check.ts";

/**
 * A policy judges pods when they are created: one that is older runs on until its node is drained. What the policy says of
 * writable mounts and of the sidecar's own mount, proxy-mount, opted-out and socket-writers say of running pods; what the
 * injection brings is new at each start.
 */
export const podRestart: Check = {
  id: "pod-restart",
  step: "socket",
  title: "Admission would accept each running pod again",
  run(facts) {
    const policy = known(facts.admissionPolicy);
    const binding = known(facts.admissionBinding);
    if (policy === undefined || binding?.spec.validationActions?.includes("Deny") !== true) {
      return { skipped: "no admission policy denies (see admission-policy)" };
    }
    const allowed = allowedHostPaths(policy);
    const { directory } = facts.socketSource();
    const pods = facts.judgedPods();
    const findings = pods.flatMap((pod): Finding[] => {
      const refusals = [...foreignHostPaths(pod, allowed, directory), ...subPaths(facts, pod, directory)];
      const evidence = `the policy refuses it at its next start: ${refusals.join("; ")}`;
      return refusals.length === 0 ? [] : [problem(nameOf(pod), evidence, HINT)];
    });
    return looked(pods.length, "pod in the mesh", findings, `the volumes of ${counted(pods.length, "pod")}`);
  },
};

const HINT =
  "Change its template before its node is drained, or add the path to mesh.admission.allowedHostPaths if it needs it and upgrade the release.";

/** @throws CouldNotLook where the policy does not list them as the chart writes it */
function allowedHostPaths({ metadata, spec }: AdmissionPolicy): string[] {
  const list = jsonIn(spec.variables?.find(({ name }) => name === "allowedHostPaths")?.expression ?? "");
  if (Array.isArray(list) && list.every((path) => typeof path === "string")) return list;
  throw new CouldNotLook(`the policy ${metadata.name} has no list allowedHostPaths`);
}

/** Of the socket's own directory, left-behind mounts of it included, proxy-mount and socket-writers speak. */
function foreignHostPaths(pod: Pod, allowed: readonly string[], directory: string): string[] {
  const mounts = ownMounts(pod);
  // One that only the proxy mounts came with it.
  const isMounted = ({ name }: Volume) => mounts.some((mount) => mount.name === name);
  const paths = (pod.spec.volumes ?? []).flatMap((volume) => (isMounted(volume) ? (volume.hostPath?.path ?? []) : []));
  const foreign = paths.filter((path) => !allowed.includes(path) && hostDirectory(path) !== hostDirectory(directory));
  return foreign.length === 0 ? [] : [`it mounts the hostPath ${foreign.join(", ")}, which is not allowed`];
}

/** The kubelet would create it in tbot's directory. */
function subPaths(facts: Facts, pod: Pod, directory: string): string[] {
  const { drivers } = facts.socketSource();
  const isSocket = ({ hostPath, csi }: Volume) =>
    hostPath === undefined
      ? csi !== undefined && drivers.includes(csi.driver)
      : hostDirectory(hostPath.path) === hostDirectory(directory);
  const sockets = new Set((pod.spec.volumes ?? []).filter(isSocket).map(({ name }) => name));
  const own = ownMounts(pod).find(
    ({ name, subPath, subPathExpr }) => sockets.has(name) && (subPath ?? subPathExpr) !== undefined,
  );
  return own === undefined ? [] : [`it mounts ${directory} with a subPath at ${own.mountPath}`];
}
