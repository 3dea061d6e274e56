import { POD_CIDR } from "../../../../lab/cluster/addresses.ts";
import { shell } from "./shell.ts";

const TABLE = "inet lab-kubelet-port";

/** Has the node refuse connections of pods, tbot's among them, to the kubelet's API; the API server's continue. */
export async function refuseKubeletPort(): Promise<void> {
  const rules = `table ${TABLE} {
  chain input {
    type filter hook input priority 0
    ip saddr ${POD_CIDR} tcp dport 10250 reject with tcp reset
  }
}
`;
  await shell("nft -f -", { input: rules });
}

/** Takes it back; nothing to do where it was not refused. */
export async function allowKubeletPort(): Promise<void> {
  await shell(`nft "add table ${TABLE}; delete table ${TABLE}"`);
}
