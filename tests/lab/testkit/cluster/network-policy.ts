import { shell } from "./shell.ts";

/** The parts of a NetworkPolicy that are enforced here. */
interface NetworkPolicy {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: {
    readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly { readonly ports?: readonly Port[]; readonly from?: readonly Peer[] }[];
    readonly egress?: readonly { readonly ports?: readonly Port[]; readonly to?: readonly Peer[] }[];
  };
}

interface Port {
  readonly protocol?: "TCP" | "UDP" | "SCTP";
  readonly port?: number | string;
  readonly endPort?: number;
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

const TABLE = "istio-teleport-test";

/**
 * Does what a network plugin does with a NetworkPolicy, since the lab's has none that does: drops what the policy does not
 * allow to or from the pods that it selects now. Their node's own packets pass, as the API says of kubelet's probes.
 *
 * @returns what is dropped so far, in packets
 * @throws Error for a policy that has what this does not know (expressions, named ports, selectors of peers)
 */
export async function enforceNetworkPolicy(namespace: string, name: string): Promise<() => Promise<number>> {
  const policy = JSON.parse(await shell(`kubectl -n ${namespace} get networkpolicy ${name} -o json`)) as NetworkPolicy;
  const { matchLabels = {}, ...expressions } = policy.spec.podSelector;
  if (Object.keys(expressions).length > 0) throw new Error(`pods by expression: ${JSON.stringify(expressions)}`);
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const pods = (
    await shell(`kubectl -n ${namespace} get pods -l '${labels.join(",")}' -o jsonpath='{.items[*].status.podIP}'`)
  ).split(" ");
  if (pods.length === 0 || pods[0] === "") throw new Error(`${name} selects no pod`);
  const { policyTypes, ingress = [], egress = [] } = policy.spec;
  const set = `{ ${pods.join(", ")} }`;
  const allowed = [
    ...ingress.flatMap(({ ports, from }) => rules(`ip daddr ${set}`, ports, from, "saddr")),
    ...egress.flatMap(({ ports, to }) => rules(`ip saddr ${set}`, ports, to, "daddr")),
  ];
  const dropped = [
    ...(policyTypes.includes("Ingress") ? [`ip daddr ${set}`] : []),
    ...(policyTypes.includes("Egress") ? [`ip saddr ${set}`] : []),
  ];
  const chain = (hook: string) => `
    chain ${hook} {
      type filter hook ${hook} priority filter; policy accept;
      ct state established,related accept
${allowed.map((rule) => `      ${rule} accept`).join("\n")}
${dropped.map((rule) => `      ${rule} counter drop`).join("\n")}
    }`;
  await liftNetworkPolicy();
  // What pods send to their node comes in by `input`, what they send on by `forward`; nothing that the node sends is looked at.
  await shell("nft -f -", { input: `table inet ${TABLE} {${chain("forward")}${chain("input")}\n}\n` });
  return async () => {
    const listed = await shell(`nft list table inet ${TABLE}`);
    return [...listed.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  };
}

export async function liftNetworkPolicy(): Promise<void> {
  await shell(`nft delete table inet ${TABLE} 2>/dev/null || true`);
}

function rules(pods: string, ports: readonly Port[] = [], peers: readonly Peer[] = [], side: string): string[] {
  const sides = peers.length === 0 ? [""] : peers.map((peer) => peerRule(peer, side));
  const services = ports.length === 0 ? [""] : ports.map(portRule);
  return sides.flatMap((peer) => services.map((service) => `${pods} ${peer} ${service}`));
}

function peerRule({ ipBlock, ...others }: Peer, side: string): string {
  if (ipBlock === undefined || Object.keys(others).length > 0)
    throw new Error(`a peer by selector: ${JSON.stringify(others)}`);
  const { cidr, except = [] } = ipBlock;
  return `ip ${side} ${cidr} ${except.map((range) => `ip ${side} != ${range}`).join(" ")}`;
}

function portRule({ protocol = "TCP", port, endPort }: Port): string {
  if (port === undefined) return `meta l4proto ${protocol.toLowerCase()}`;
  if (typeof port !== "number") throw new Error(`a port by name: ${port}`);
  return `${protocol.toLowerCase()} dport ${port}${endPort === undefined ? "" : `-${endPort}`}`;
}
