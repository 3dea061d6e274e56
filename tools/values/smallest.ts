import type { Runner } from "../programs/run.ts";
import { mergedValues } from "./load.ts";

/**
 * The smallest values file of the chart, commented: the two values that have no default.
 *
 * @param clusterName name of the Teleport cluster
 * @param proxyAddr host:port of the Teleport Proxy Service
 * @throws ExitError with one sentence for each of the two that is wrong
 */
export async function smallestValues(runner: Runner, clusterName: string, proxyAddr: string): Promise<string> {
  const text = `# Values of the chart istio-teleport. Every other value has a default: \`helm show values\`.
global:
  teleport:
    # Name of the Teleport cluster, as \`tctl status\` prints it: trust domain of every SVID and of Istio.
    clusterName: ${JSON.stringify(clusterName)}
    # Teleport Proxy Service, host:port without a scheme.
    proxyAddr: ${JSON.stringify(proxyAddr)}
`;
  await mergedValues(runner, { files: [{ name: "smallest values", text }], sets: [] });
  return text;
}
