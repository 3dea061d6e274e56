import { type Document, isMap, isPair, isScalar, isSeq, type Node, visit } from "yaml";
import { helmYaml } from "../../values/helm-yaml.ts";
import type { BundledApplication } from "../../values/load.ts";
import type { LearnedApplication, LearnedGraph, LearnedService } from "./learned-graph.ts";

/**
 * The learned graph as a values file: `mesh.applications`, complete enough to stand alone and, laid over the values that
 * it was compared with (`helm -f values.yaml -f learned.yaml`), to replace the callers there: services that nobody was
 * seen to call have an empty list.
 *
 * @param bundled the chart's own applications: the graph of one that is installed is not the user's to set
 */
export function snippet(
  learned: LearnedGraph,
  header: readonly string[],
  bundled: Readonly<Record<string, BundledApplication>> = {},
): string {
  const applications = Object.fromEntries(
    [...learned.applications].map(([name, { value, services }]) => [
      name,
      {
        ...value,
        services: Object.fromEntries([...services].map(([service, known]) => [service, plainService(known)])),
      },
    ]),
  );
  const document = helmYaml({ mesh: { applications } });
  document.commentBefore = header.map((line) => ` ${line}`).join("\n");
  for (const [name, application] of learned.applications) {
    const remark = applicationRemark(application, bundled[name]);
    if (remark !== undefined) keyOf(document, ["mesh", "applications", name]).commentBefore = ` ${remark}`;
    for (const [service, { value, remarks }] of application.services) {
      const at = (...rest: (string | number)[]) =>
        document.getIn(["mesh", "applications", name, "services", service, ...rest], true) as Node;
      comment(at("labels"), remarks.labels);
      if (isPortless(value)) {
        const ports = at("ports");
        // On the line of its key.
        if (isSeq(ports)) ports.flow = true;
        comment(ports, "not in Istio's metrics: list the ports");
      }
      for (const [index, remark] of remarks.ports.entries()) comment(at("ports", index), remark);
      for (const [index, remark] of remarks.callers.entries()) comment(at("callers", index), remark);
    }
  }
  visit(document, {
    // One line for labels and for each port and caller.
    Pair: (_, { key, value }) => {
      if (isScalar(key) && key.value === "labels" && isMap(value)) value.flow = true;
    },
    Seq: (_, { items }) => {
      for (const item of items) if (isMap(item) || isSeq(item)) item.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Whether it was called, and the source names no port. */
function isPortless({ ports, callers }: LearnedService["value"]): boolean {
  return ports.length === 0 && callers.length > 0;
}

/** A service that only calls has no ports, and so no callers. */
function plainService({ value: { ports, callers, ...value } }: LearnedService) {
  if (ports.length === 0 && callers.length === 0) return value;
  return { ...value, ports, callers };
}

function applicationRemark({ isKnown }: LearnedApplication, bundled: BundledApplication | undefined) {
  if (bundled?.application !== undefined) {
    return `The chart has this graph already (${bundled.enabledBy}): for comparison, not for a values file.`;
  }
  return isKnown ? undefined : "New. In dry run nothing is denied, and the access log names what would be.";
}

function comment(node: Node, remark: string | undefined): void {
  if (remark !== undefined) node.comment = ` ${remark}`;
}

function keyOf(document: Document, path: readonly string[]): Node {
  const parent = document.getIn(path.slice(0, -1), true);
  const pair = isMap(parent) && parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  if (!pair || !isPair(pair)) throw new Error(`the snippet has no ${path.join(".")}`);
  return pair.key as Node;
}
