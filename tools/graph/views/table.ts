import { groupBy } from "../../base/group-by.ts";
import { alignColumns } from "../../terminal/columns.ts";
import type { GraphApplication, MeshGraph } from "../mesh-graph.ts";
import { EFFECT, type Permission, permissionsOf, portText, serviceName, sourceName } from "../permissions.ts";

/**
 * The permissions as text, one section for each application: who may call which service on which port, with which
 * methods and paths, and what the application's mode makes of that.
 *
 * @param options.principals adds the principal of each source, as policies name it
 */
export function permissionTable(graph: MeshGraph, options: { principals: boolean }): string {
  const byApplication = groupBy(permissionsOf(graph.edges), ({ to }) => to.application);
  const sections = graph.applications.map((application) =>
    section(application, byApplication.get(application.name) ?? [], options.principals),
  );
  return sections.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function section(application: GraphApplication, permissions: readonly Permission[], principals: boolean): string[] {
  const { name, namespace, mode, services } = application;
  const rows = permissions.map((permission) => [
    sourceName(permission.from, name),
    "→",
    serviceName(permission.to, name),
    ...permissionCells(permission),
    ...(principals ? [permission.from.principal ?? "any, or none"] : []),
  ]);
  const head = ["SOURCE", "", "DESTINATION", ...PERMISSION_HEAD, ...(principals ? ["PRINCIPAL OF THE SOURCE"] : [])];
  const called = new Set(permissions.map(({ to }) => to));
  const uncalled = services.filter((service) => service.ports.length > 0 && !called.has(service));
  return [
    `${name}: namespace ${namespace}, mode ${mode}: ${EFFECT[mode]}`,
    ...(rows.length > 0 ? alignColumns([head, ...rows], 2) : []),
    ...(uncalled.length > 0 ? [`  nobody → ${uncalled.map((service) => service.name).join(", ")}`] : []),
  ];
}

export const PERMISSION_HEAD = ["PORT", "METHODS", "PATHS"] as const;

/** Port, methods and paths of a permission; methods and paths are `-` where the port speaks no HTTP. */
export function permissionCells({ port, methods, paths }: Permission): string[] {
  const everything = port.protocol === "TCP" ? "-" : "any";
  return [portText(port), methods?.join(", ") ?? everything, paths?.join(", ") ?? everything];
}
