import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { istioCharts } from "../../lab/build/toolbox.ts";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, type Pod, untilReady } from "./testkit/cluster/pods.ts";
import { shell } from "./testkit/cluster/shell.ts";
import { conformance, notShown } from "./testkit/conformance/conformance.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { GATEWAY_LAB_VALUES, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";

/** The list of the pod that its istio-proxy is in. */
function proxyList(pod: Pod): string {
  const { initContainers = [], containers } = (
    pod as unknown as { spec: Record<"initContainers" | "containers", { name: string }[]> }
  ).spec;
  const lists = { initContainers, containers };
  return Object.entries(lists)
    .filter(([, list]) => list.some((container) => container.name === "istio-proxy"))
    .map(([name]) => name)
    .join();
}

async function expectTeleportIdentity(
  namespace: string,
  selector: string,
  port: number,
  serviceAccount: string,
): Promise<Pod> {
  const pod = await untilReady(namespace, selector, 90);
  const issuers = await Issuers.read();
  expect(await issuers.presented(address(pod), port)).toMatchObject({
    issuer: "teleport",
    spiffeId: `spiffe://${TELEPORT_CLUSTER_NAME}/ns/${namespace}/sa/${serviceAccount}`,
    valid: true,
  });
  return pod;
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace("injection", { meshed: true });
});

afterAll(async () => {
  await shell("helm uninstall ingress -n injection --ignore-not-found");
  await deleteNamespace("injection");
});

describe("the injection template", () => {
  it.each([
    { form: "native", annotation: "true", list: "initContainers" },
    { form: "classic", annotation: "false", list: "containers" },
  ])("serves a $form sidecar", async ({ form, annotation, list }) => {
    await shell(
      `kubectl -n injection run ${form} --image=lab.local/client:lab --image-pull-policy=Never --labels=app=${form} --annotations=sidecar.istio.io/nativeSidecar=${annotation} --command -- sleep infinity`,
    );
    const pod = await expectTeleportIdentity("injection", `app=${form}`, 8080, "default");
    expect(proxyList(pod)).toBe(list);
  });

  it("serves a gateway that is installed with the values that render prints, as `istio-teleport test` shows", async () => {
    const chart = join(istioCharts(labPaths()), "gateway");
    await shell(
      `npx -p istio-teleport istio-teleport render istio --gateway -f values.yaml | helm upgrade --install ingress '${chart}' -n injection -f - -f '${GATEWAY_LAB_VALUES}' --wait --timeout 90s`,
      { cwd: USER_DIR },
    );
    // Beside the gateway, the promises on a healthy mesh: plaintext refused, the whole matrix, what admission refuses.
    const { report, code, stderr } = await conformance("--nodes all");
    process.stderr.write(`${stderr.replaceAll(/^/gm, "test | ")}\n`);
    expect(notShown(report), JSON.stringify(report.scenarios, null, 2)).toEqual(["renewal: skipped"]);
    expect(code).toBe(0);
    const gateways = report.scenarios.find(({ id }) => id === "gateway-identity");
    expect(gateways?.evidence).toMatch(/^1 of 1 gateway pod: injection\/ingress-\S+$/);
    expect(await shell("kubectl get namespaces -l app.kubernetes.io/name=istio-teleport-test -o name")).toBe("");
  }, 240_000);
});
