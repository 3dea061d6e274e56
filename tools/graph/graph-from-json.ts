import { ExitError } from "../base/exit-error.ts";
import { type GraphApplication, type GraphSource, labelOf, type MeshGraph } from "./mesh-graph.ts";
import type { GraphJson } from "./views/document.ts";

/**
 * The graph that a JSON document states, with its references resolved.
 *
 * @param what names the document in a refusal
 * @throws ExitError (refused) when an edge names what the document does not have
 */
export function graphFromJson({ clusterName, gateways, applications, edges }: GraphJson, what: string): MeshGraph {
  const known = applications.map(({ name, namespace, mode, services }): GraphApplication => {
    const own = services.map((service) => ({ application: name, namespace, ...service }));
    return { name, namespace, mode, services: own };
  });
  const services = new Map(known.flatMap((application) => application.services.map((one) => [labelOf(one), one])));
  const gatewaysByLabel = new Map(gateways.map((gateway) => [`gateway ${gateway.name}`, gateway]));
  const find = <Found>(among: ReadonlyMap<string, Found>, label: string): Found => {
    const found = among.get(label);
    if (found === undefined) {
      throw new ExitError(
        `${what}: an edge of its graph names ${JSON.stringify(label)}, which the graph does not have.`,
      );
    }
    return found;
  };
  const source = ({ kind, label, principal = "" }: GraphJson["edges"][number]["from"]): GraphSource => {
    if (kind === "service") return { kind, label, principal, service: find(services, label) };
    if (kind === "gateway") return { kind, label, principal, gateway: find(gatewaysByLabel, label) };
    return kind === "principal" ? { kind, label, principal } : { kind, label: "anyone" };
  };
  return {
    clusterName,
    gateways,
    applications: known,
    edges: edges.map(({ from, to, ...edge }) => ({ ...edge, from: source(from), to: find(services, to.label) })),
  };
}
