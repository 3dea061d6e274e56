import { expect, it } from "vitest";
import { gather } from "../../../../tools/doctor/gather/gather.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";

it("takes the DaemonSet of the values' namespace for tbot, whatever else has its labels", async () => {
  const daemonSet = (namespace: string) => ({
    metadata: { name: "tbot", namespace },
    spec: { template: { spec: { containers: [] } } },
  });
  const nothing = async () => ({ ok: true, value: undefined });
  const api = {
    date: async () => ({ ok: true, value: 0 }),
    list: async (path: string) => ({
      ok: true,
      value: path.includes("/daemonsets") ? [daemonSet("a-tenant"), daemonSet("teleport-system")] : [],
    }),
    get: nothing,
    text: nothing,
    review: nothing,
  };
  const intended = { tbot: { namespace: { name: "teleport-system" } } };
  const given = { intended, teleportVersion: "18.11.1" };
  const { tbotDaemonSets } = await gather(api as unknown as KubeApi, given as never, () => {});
  const namespaces = tbotDaemonSets.ok && tbotDaemonSets.value.map(({ metadata }) => metadata.namespace);
  expect(namespaces).toEqual(["teleport-system", "a-tenant"]);
});
