import { expect, it } from "vitest";
import { ExitError } from "../../../tools/base/exit-error.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { readStatedGraph } from "../../../tools/report/stated-graph.ts";

const RELEASE = {
  name: "identities",
  namespace: "teleport-system",
  revision: "3",
  updated: "2026-11-24T17:15:41Z",
  status: "deployed",
  chart: "istio-teleport-0.1.0",
};
const TELEPORT = { global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } } };
const NO_FLAGS = { values: [], set: [] };

/** Helm, with these answers about releases; templates are rendered by the real one. */
function helmWith(releases: object[], valuesOf: (release: string) => object | null): Runner {
  return {
    ...systemRunner,
    run: async (command, options) => {
      const [verb, , name = ""] = command.args;
      if (verb === "template") return await systemRunner.run(command, options);
      if (verb !== "list" && verb !== "get") throw new Error(`helm ${command.args.join(" ")}`);
      return { code: 0, stdout: Buffer.from(JSON.stringify(verb === "list" ? releases : valuesOf(name))), stderr: "" };
    },
  };
}

it("reads the graph of the chart's release, whatever its name, and says which revision stated it", async () => {
  const values = { ...TELEPORT, sockShop: { enabled: true } };
  const runner = helmWith([{ ...RELEASE, chart: "istiod-1.31.0" }, RELEASE], () => values);
  const { graph, source } = await readStatedGraph({ runner }, NO_FLAGS);
  expect(graph?.applications.map(({ services }) => services.length)).toEqual([14]);
  expect(source).toBe(
    "Stated by the values of the Helm release teleport-system/identities, revision 3, of 2026-11-24T17:15:41.000Z.",
  );
});

it("puts the graph together where applications have releases of their own", async () => {
  const service = { labels: { app: "a" }, serviceAccount: "a", ports: [{ port: 80, protocol: "HTTP" }] };
  const application = (namespace: string, callers: object[]) => ({
    namespace,
    services: { web: { ...service, callers } },
  });
  const parts: Record<string, object> = {
    identities: {
      ...TELEPORT,
      mesh: { applications: { shop: application("shop", [{ principal: "a.example/ns/office/sa/a" }]) } },
    },
    office: {
      ...TELEPORT,
      tbot: { enabled: false },
      mesh: { applications: { office: application("office", [{ principal: "b.example/ns/shop/sa/a" }]) } },
    },
  };
  const runner = helmWith([RELEASE, { ...RELEASE, name: "office", revision: "1" }], (name) => parts[name] ?? {});
  const { graph, source } = await readStatedGraph({ runner }, NO_FLAGS);
  expect(graph?.edges.map(({ from, to }) => [from.label, to.application])).toEqual([
    ["b.example/ns/shop/sa/a", "office"],
    ["office/web", "shop"],
  ]);
  expect(source).toMatch(
    /^Stated by the values of 2 Helm releases: teleport-system\/identities, revision 3, .*; teleport-system\/office, /,
  );
});

it.each([
  ["no release", [], null, "no Helm release of the chart istio-teleport is in the cluster; give its values with -f"],
  ["wrong values", [RELEASE], { ...TELEPORT, meshh: 1 }, "meshh"],
  ["no application", [RELEASE], TELEPORT, "This report does not show what other AuthorizationPolicies do."],
])("has no graph for %s, and says why", async (_, releases, values, reason) => {
  const { graph, source } = await readStatedGraph({ runner: helmWith(releases, () => values) }, NO_FLAGS);
  expect(graph).toBeUndefined();
  expect(source).toContain(reason);
});

it("refuses wrong values that the user gave, and asks for no release then", async () => {
  const runner = helmWith([], () => null);
  const flags = { values: [], set: ["global.teleport.clusterName=a.example", "meshh=1"] };
  await expect(readStatedGraph({ runner }, flags)).rejects.toThrow(ExitError);
});
