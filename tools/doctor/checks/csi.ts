import { counted } from "../../base/count.ts";
import { known } from "../facts/facts.ts";
import { injectedVolume } from "../facts/injected-volume.ts";
import { hostDirectory } from "../facts/meshed-pods.ts";
import { driverName } from "../facts/socket-source.ts";
import { type Check, type Finding, problem } from "./check.ts";

/** Without it no pod with a volume of the driver starts, and none ends. */
export const csiDriver: Check = {
  id: "csi-driver",
  step: "socket",
  title: "The SPIFFE CSI driver is registered on each node, and mounts tbot's directory",
  run(facts) {
    const { directory, drivers } = facts.socketSource();
    const daemonSets = known(facts.csiDaemonSets);
    const injected = facts.ownRevisions().flatMap((revision): Finding[] => {
      const volume = injectedVolume(facts, revision);
      if (volume === undefined || !("driver" in volume) || drivers.includes(volume.driver)) return [];
      const evidence = `its template mounts a volume of the CSI driver ${volume.driver}, and ${drivers.length === 0 ? "the chart has installed none" : `the chart's is ${drivers.join(", ")}`}`;
      const hint = "Install chart and istiod from the same values (tbot.socket.mode, tbot.csi.driverName).";
      return [problem(`istiod ${revision.name}`, evidence, hint)];
    });
    if (daemonSets.length === 0 && injected.length === 0) return { skipped: "sidecars mount a hostPath" };
    const registered = new Map(
      known(facts.csiNodes).map(({ metadata, spec }) => [metadata.name, (spec.drivers ?? []).map(({ name }) => name)]),
    );
    const nodes = known(facts.nodes).filter(({ metadata }) => facts.tbotOn(metadata.name) !== undefined);
    const findings = daemonSets.flatMap((daemonSet): Finding[] => {
      const name = driverName(daemonSet);
      if (name === undefined) return [];
      const subject = `the DaemonSet ${daemonSet.metadata.name}`;
      const paths = (daemonSet.spec.template.spec.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);
      const mounted = paths.some((path) => hostDirectory(path) === hostDirectory(directory));
      const elsewhere = mounted
        ? []
        : [problem(subject, `it does not mount ${directory}, where tbot listens`, "Upgrade the chart's release.")];
      const missing = nodes.filter(({ metadata }) => !registered.get(metadata.name)?.includes(name));
      return [
        ...elsewhere,
        ...missing.map(({ metadata }) =>
          problem(
            `node ${metadata.name}`,
            `its kubelet knows no CSI driver ${name}: pods that mount its volume neither start nor end there`,
            `Look at the pods: \`kubectl -n ${daemonSet.metadata.namespace} get pods -l app.kubernetes.io/name=tbot-csi -o wide\`. tbot.csi.kubeletDir must be the kubelet's --root-dir.`,
          ),
        ),
      ];
    });
    return {
      examined: `${drivers.join(", ")} on ${counted(nodes.length, "node")}`,
      findings: [...injected, ...findings],
    };
  },
};
