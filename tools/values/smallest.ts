import { ExitError } from "../base/exit-error.ts";
import { DEFAULTS } from "./defaults.ts";
import { validateValues } from "./schema.ts";

/**
 * The smallest values file of the chart, commented: the two values that have no default. It is checked without Helm, so
 * that `init` works before anything else is installed.
 *
 * @param clusterName name of the Teleport cluster
 * @param proxyAddr host:port of the Teleport Proxy Service
 * @throws ExitError with one sentence for each of the two that is wrong
 */
export async function smallestValues(clusterName: string, proxyAddr: string): Promise<string> {
  const teleport = { ...DEFAULTS.global.teleport, clusterName, proxyAddr };
  await validateValues({ ...DEFAULTS, global: { ...DEFAULTS.global, teleport } });
  const problems = problemsOf(clusterName, proxyAddr);
  if (problems.length > 0) throw new ExitError(problems.join("\n"));
  return `# Values of the chart istio-teleport. Every other value has a default: \`helm show values\`.
global:
  teleport:
    # Name of the Teleport cluster, as \`tctl status\` prints it: trust domain of every SVID and of Istio.
    clusterName: ${JSON.stringify(clusterName)}
    # Teleport Proxy Service, host:port without a scheme.
    proxyAddr: ${JSON.stringify(proxyAddr)}
`;
}

/** What the schema takes and chart/templates/checks/_problems.tpl refuses, in its sentences: a test compares them. */
function problemsOf(clusterName: string, proxyAddr: string): string[] {
  const problems: string[] = [];
  if (clusterName === "") {
    problems.push(
      "global.teleport.clusterName is empty: set it to the name of your Teleport cluster, as `tctl status` prints it.",
    );
  }
  if (proxyAddr === "") {
    problems.push(
      "global.teleport.proxyAddr is empty: set it to the host:port of your Teleport Proxy Service, for example example.teleport.sh:443.",
    );
  }
  if (Number(proxyAddr.split(":").at(-1)) > 65535) {
    problems.push(
      `global.teleport.proxyAddr is "${proxyAddr}": its port is above 65535; set it to the host:port of your Teleport Proxy Service.`,
    );
  }
  return problems;
}
