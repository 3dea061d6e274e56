import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../../../lab/cluster/addresses.ts";
import { kubeletDirectory } from "../../../../lab/cluster/daemons.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { userFolder } from "../../../../lab/machine/user-folder.ts";
import { shell, tryShell } from "../cluster/shell.ts";
import { PARTS, partImage } from "../traffic/sock-shop.ts";

export const REPOSITORY = new URL("../../../..", import.meta.url).pathname;

/** The folder that plays the user's; the package is installed there already. */
export const USER_DIR = userFolder(labPaths());

/**
 * Whether the whole lab gets tbot's socket from the CSI driver, with istio-cni and namespaces at restricted: with
 * `LAB_SOCKET=csi`. Otherwise by hostPath, and 24-csi.test.ts moves from the one to the other.
 */
export const THROUGH_CSI = process.env.LAB_SOCKET === "csi";

/** What the chart's CSI driver needs to know of the lab. */
export const CSI_LAB_VALUES = {
  kubeletDir: kubeletDirectory(labPaths()),
  driverImage: "lab.local/spiffe-csi-driver:lab",
  registrarImage: "lab.local/csi-node-driver-registrar:lab",
};

/**
 * What the lab's user sets beside the two required values: images that no registry serves here, the test app, and the
 * access log, by which the tests see who called, from the peer's certificate rather than from a header.
 */
const LAB_VALUES = {
  istio: { accessLog: true, ...(THROUGH_CSI && { cni: true }) },
  tbot: {
    image: { repository: "lab.local/tbot", tag: "lab" },
    // Not otherwise: an earlier chart, which is upgraded to this one, refuses values that it does not know.
    ...(THROUGH_CSI && { socket: { mode: "csi" }, csi: CSI_LAB_VALUES }),
  },
  testApp: {
    enabled: true,
    server: { image: "lab.local/go-httpbin:lab" },
    client: { image: "lab.local/client:lab" },
  },
  sockShop: { images: Object.fromEntries(Object.keys(PARTS).map((part) => [part, partImage(part)])) },
};

/** Overrides of istiod for the lab's plain Envoy; see the file itself. */
export const ISTIO_LAB_VALUES = join(REPOSITORY, "lab", "cluster", "istio-lab-values.yaml");

/** Overrides of Istio's chart `cni`; see the file itself. */
const ISTIO_CNI_LAB_VALUES = join(REPOSITORY, "lab", "cluster", "istio-cni-lab-values.yaml");

/** Settings of Istio's gateway chart for the lab; see the file itself. */
export const GATEWAY_LAB_VALUES = join(REPOSITORY, "lab", "cluster", "gateway-lab-values.yaml");

/** Istio's charts that documents install, how they take the values that render printed, and the lab's values, which come behind. */
const ISTIO_CHARTS = [
  { chart: " istio/istiod ", values: " -f istiod-values.yaml", overrides: ISTIO_LAB_VALUES },
  { chart: " istio/cni ", values: " istio/cni", overrides: ISTIO_CNI_LAB_VALUES },
  { chart: " istio/gateway ", values: " -f gateway-values.yaml", overrides: GATEWAY_LAB_VALUES },
];

/**
 * Runs a page's block as it is written. Three things differ, as the pages' first paragraphs say: the names are the
 * lab's, Istio's charts also get the lab's overrides, and values.yaml gets the lab's images, the test app and the access log.
 */
export async function runStep(script: string, addresses: { istioRepo: string; chartRepo: string }): Promise<string> {
  const exports = [
    // Repositories of the lab's user, not of whoever runs the lab.
    `export HELM_CONFIG_HOME=${USER_DIR}/helm-config HELM_CACHE_HOME=${USER_DIR}/helm-cache`,
    `export TELEPORT_CLUSTER=${TELEPORT_CLUSTER_NAME}`,
    `export TELEPORT_PROXY=${TELEPORT_HOST}:${TELEPORT_PORT}`,
    `export ISTIO_REPO=${addresses.istioRepo}`,
    `export CHART_REPO=${addresses.chartRepo}`,
    "export CURL_IMAGE=lab.local/client:lab",
  ];
  // -u: a name that the document sets and the lab does not would be empty.
  const output = await shell([...exports, "set -eu", withLabOverrides(script)].join("\n"), { cwd: USER_DIR });
  if (script.includes("istio-teleport init")) addLabValues(join(USER_DIR, "values.yaml"));
  return output;
}

/** Sets what the lab's user sets beside the two values that `istio-teleport init` wrote into the file. */
export function addLabValues(file: string): void {
  appendFileSync(file, stringify(LAB_VALUES));
}

/** The block, with a second values file where it installs a chart of Istio's. Throws if it doesn't name the first one as expected. */
export function withLabOverrides(script: string): string {
  let result = script;
  for (const { values, overrides } of ISTIO_CHARTS.filter((each) => script.includes(each.chart))) {
    if (!script.includes(values)) throw new Error(`the lab has no "${values}" to put its values behind in: ${script}`);
    result = result.replace(values, `${values} -f '${overrides}'`);
  }
  return result;
}

/** Throws, with the fix, unless the lab's cluster has no Helm release: nobody's installation is taken away unasked. */
export async function requireEmpty(): Promise<void> {
  if ((await shell("helm list -A -q")) !== "")
    throw new Error("this lab has releases already: begin with `npm run lab -- test --fresh`");
}

/** Throws, with the fix, unless 01-installation.test.ts has installed everything. */
export async function requireInstalled(): Promise<void> {
  const status = await tryShell("helm status istio-teleport -n teleport-system");
  if (status.code !== 0)
    throw new Error("istio-teleport is not installed in the lab: run 01-installation.test.ts first");
}
