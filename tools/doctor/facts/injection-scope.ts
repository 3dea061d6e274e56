import type { Snapshot } from "../snapshot.ts";
import { CouldNotLook, type InjectorConfig, type Revision } from "./facts.ts";
import { chosenTemplates } from "./meshed-pods.ts";
import type { AdmissionPolicy, Pod } from "./objects.ts";
import { templateVolume } from "./socket-source.ts";

/** Which meshed pods are to have Teleport's identity (value istio.injection.scope). */
export type InjectionScope =
  | { kind: "mesh" }
  | { kind: "namespace"; namespaces: readonly string[] }
  /** Pods that name this template in their annotation. */
  | { kind: "pod"; template: string };

/** An injection template by its name. */
export interface InjectionTemplate {
  name: string;
  text: string;
}

/** Istio's own templates mount a directory of the pod at that path. */
const ISTIOS_OWN = new Set([
  "sidecar",
  "gateway",
  "grpc-simple",
  "grpc-agent",
  "waypoint",
  "kube-gateway",
  "agentgateway",
]);

/** Our template: the one that the values name, or else the one that mounts the socket at Istio's path. */
export function ourTemplate({ intended }: Pick<Snapshot, "intended">, injector?: InjectorConfig) {
  const templates = Object.entries(injector?.templates ?? {}).map(
    ([name, text]): InjectionTemplate => ({ name, text }),
  );
  const wanted = intended?.istio.injectionTemplate;
  return templates.find(({ name, text }) =>
    wanted === undefined ? templateVolume(text) !== undefined && !ISTIOS_OWN.has(name) : name === wanted,
  );
}

/** The scope with which a template was rendered, by the lines that chart/templates/istio/istio-values.yaml begins it with. */
export function scopeOfTemplate({ name, text }: InjectionTemplate): InjectionScope {
  const [, list] = /^\{\{- if has \.ObjectMeta\.Namespace \(list((?: "[^"]*")*)\) \}\}/.exec(text) ?? [];
  if (list !== undefined) return { kind: "namespace", namespaces: quoted(list) };
  return text.startsWith("{{- /* scope: pod */}}") ? { kind: "pod", template: name } : { kind: "mesh" };
}

/** What stands in double quotes. */
function quoted(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"/g)].flatMap(([, name]) => name ?? []);
}

/** The scope that an admission policy has, by its variable of chart/templates/mesh/admission.yaml. */
export function scopeOfPolicy({ spec }: AdmissionPolicy): InjectionScope {
  const expression = spec.variables?.find(({ name }) => name === "inScope")?.expression ?? "";
  const [, list] = /metadata\.name in \[(.*)\]/.exec(expression) ?? [];
  if (list !== undefined) return { kind: "namespace", namespaces: quoted(list) };
  const [, template] = /t\.trim\(\) == '([^']*)'/.exec(expression) ?? [];
  return template === undefined ? { kind: "mesh" } : { kind: "pod", template };
}

/** The scope that the values state, or else the one of the first istiod that has our template; the mesh without one. */
export function injectionScope(
  { intended }: Pick<Snapshot, "intended">,
  all: () => readonly Revision[],
): InjectionScope {
  if (intended !== undefined) {
    const { injection, injectionTemplate } = intended.istio;
    if (injection.scope === "namespace") return { kind: "namespace", namespaces: injection.namespaces };
    return injection.scope === "pod" ? { kind: "pod", template: injectionTemplate } : { kind: "mesh" };
  }
  try {
    const [first] = all().flatMap(({ injector }) => ourTemplate({}, injector) ?? []);
    return first === undefined ? { kind: "mesh" } : scopeOfTemplate(first);
  } catch (error) {
    if (error instanceof CouldNotLook) return { kind: "mesh" };
    throw error;
  }
}

/**
 * The control planes that give pods in scope their sidecars: all of them, but where only a part of the mesh is in scope
 * those with our template, since another revision may serve the rest.
 */
export function ownRevisions(
  snapshot: Pick<Snapshot, "intended">,
  scope: InjectionScope,
  all: readonly Revision[],
): readonly Revision[] {
  const own = all.filter(({ injector }) => ourTemplate(snapshot, injector) !== undefined);
  return scope.kind === "mesh" || own.length === 0 ? all : own;
}

/** Whether a meshed pod is in scope. */
export function isInScope(scope: InjectionScope, pod: Pod): boolean {
  if (scope.kind === "namespace") return scope.namespaces.includes(pod.metadata.namespace);
  return scope.kind === "mesh" || (chosenTemplates(pod)?.includes(scope.template) ?? false);
}

/** For people: "the mesh", "the namespaces a, b", "pods that name the template teleport". */
export function scopeText(scope: InjectionScope): string {
  if (scope.kind === "mesh") return "the mesh";
  if (scope.kind === "pod") return `pods that name the template ${scope.template}`;
  return scope.namespaces.length === 1
    ? `the namespace ${scope.namespaces[0]}`
    : `the namespaces ${scope.namespaces.join(", ")}`;
}
