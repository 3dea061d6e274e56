import { asIstioOperator, istioValues } from "../chart/istio-values.ts";
import { parseManifests, renderManifests } from "../chart/manifests.ts";
import type { Runner } from "../programs/run.ts";
import { teleportDocuments } from "../teleport/documents.ts";
import { joinToken, tokenDocument } from "../teleport/join/join-token.ts";
import { parseJwks } from "../teleport/join/jwks.ts";
import { mergedValues } from "../values/load.ts";
import { smallestValues } from "../values/smallest.ts";
import type { DemoCluster } from "./demo-cluster.ts";

/** One file of the demo. */
export interface DemoFile {
  /** Path below the output directory. */
  path: string;
  content: string;
  /** What the content has passed. */
  checked: string;
}

/** Path of the join token below the output directory. */
export const TOKEN_PATH = "teleport/join-token.yaml";

/** Everything that Teleport, Istio and Kubernetes need, for a mesh whose Teleport cluster is `clusterName`. */
export async function renderAll(runner: Runner, cluster: DemoCluster, clusterName: string): Promise<DemoFile[]> {
  const valuesText = `${await smallestValues(clusterName, `${clusterName}:443`)}testApp:\n  enabled: true\n`;
  const inputs = { files: [{ name: "values.yaml", text: valuesText }], sets: [] };
  const values = await mergedValues(runner, inputs);
  const [istiod, gateway, manifests] = await Promise.all([
    istioValues(runner, inputs, "istiod"),
    istioValues(runner, inputs, "gateway"),
    renderManifests(runner, { inputs }, values),
  ]);
  const keys = parseJwks(Buffer.from(cluster.jwks), cluster.description);
  const token = tokenDocument(joinToken(values, keys), "yaml");
  return [
    { path: "values.yaml", content: valuesText, checked: "chart/values.schema.json and the chart's own checks" },
    { path: "jwks.json", content: cluster.jwks, checked: "public keys only, every rule of gen-token" },
    ...teleportDocuments(values).map(({ kind, text: yaml }) => ({
      path: `teleport/${kind.replaceAll("_", "-")}.yaml`,
      content: yaml,
      checked: `strict schema of Teleport's ${kind}`,
    })),
    { path: TOKEN_PATH, content: token, checked: "strict schema of Teleport's token" },
    { path: "istio/istiod-values.yaml", content: istiod, checked: "strict schema of istiod's values" },
    { path: "istio/istio-operator.yaml", content: asIstioOperator(istiod), checked: "the same, for istioctl" },
    { path: "istio/gateway-values.yaml", content: gateway, checked: "strict schema of a gateway's values" },
    {
      path: "kubernetes/manifests.yaml",
      content: manifests,
      checked: `${parseManifests(manifests).length} Kubernetes objects; tbot.yaml by its strict schema`,
    },
  ];
}
