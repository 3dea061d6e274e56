import { isDeepStrictEqual } from "node:util";
import { ExitError } from "../base/exit-error.ts";
import { isRecord } from "../base/json-value.ts";
import { nearestKey } from "../base/nearest-key.ts";
import { principalOf } from "../base/spiffe-id.ts";
import type { Runner } from "../programs/run.ts";
import { DEFAULTS } from "./defaults.ts";
import { helmYaml } from "./helm-yaml.ts";
import { mergedValues, type ValuesWithGraphs } from "./load.ts";
import type { Application, Caller, Values } from "./types.ts";

/** Which applications: exactly one of the two lists has names. */
export interface Selection {
  readonly only: readonly string[];
  readonly without: readonly string[];
}

/** Values as a file holds them: what differs from the chart's defaults. */
type Part = Record<string, unknown>;

/**
 * A values file for a release that holds a part of the mesh, in YAML: the policies of some applications and nothing
 * else, or all but those. Callers of other releases are named by their identity, so that the parts together render what
 * the whole renders. The chart has checked it.
 *
 * @throws ExitError (refused) for a name that no application of the values has, and for values that no file can state
 */
export async function partText(
  runner: Runner,
  values: ValuesWithGraphs,
  { only, without }: Selection,
): Promise<string> {
  const rest = only.length > 0 ? undefined : withoutPoliciesOf(values, without);
  const part = rest === undefined ? policiesOf(values, only) : changed(rest, DEFAULTS);
  const text = helmYaml(part).toString({ lineWidth: 0 });
  const merged = await mergedValues(runner, { files: [{ name: "the part", text }], sets: [] });
  if (rest !== undefined && !isDeepStrictEqual(merged, rest)) {
    throw new ExitError(
      "The values have a null or a type that a file for the rest of the mesh would lose: set that key in another way.",
    );
  }
  const flags = [...only.map((name) => `--only ${name}`), ...without.map((name) => `--without ${name}`)].join(" ");
  return `# Made by \`istio-teleport render values ${flags}\`: change the values that it was made from, and make it again.\n${text}`;
}

function policiesOf(values: ValuesWithGraphs, names: readonly string[]): Part {
  const { global, istio, tbot, mesh } = values;
  const part = {
    global: changed(global, DEFAULTS.global),
    istio: changed({ pathNormalization: istio.pathNormalization }, DEFAULTS.istio),
    // The checks go by the namespaces of tbot and Istio.
    tbot: { ...changed({ namespace: tbot.namespace }, DEFAULTS.tbot), enabled: false },
    mesh: {
      ...changed({ enabled: mesh.enabled, rootNamespace: mesh.rootNamespace, gateways: mesh.gateways }, DEFAULTS.mesh),
      mtls: { enabled: false },
      admission: { enabled: false },
      gatewayApi: { enabled: false },
      connections: { maxDuration: "" },
      applications: withIdentities(values, ownApplications(values, names)),
    },
  };
  return Object.fromEntries(Object.entries(part).filter(([, section]) => Object.keys(section).length > 0));
}

function withoutPoliciesOf(values: ValuesWithGraphs, names: readonly string[]): Values {
  const { bundledApplications, ...own } = values;
  const gone = ownApplications(values, names);
  const left = Object.entries(values.mesh.applications).filter(
    ([name]) => !Object.hasOwn(gone, name) && !Object.hasOwn(bundledApplications, name),
  );
  return { ...own, mesh: { ...own.mesh, applications: withIdentities(values, Object.fromEntries(left)) } };
}

function ownApplications(
  { mesh, bundledApplications }: ValuesWithGraphs,
  names: readonly string[],
): Record<string, Application> {
  const own = Object.entries(mesh.applications).filter(([name]) => !Object.hasOwn(bundledApplications, name));
  const known = new Map(own);
  return Object.fromEntries(
    names.map((name) => {
      const application = known.get(name);
      if (application !== undefined) return [name, application];
      const meant = nearestKey(name, [...known.keys()]);
      throw new ExitError(
        `${JSON.stringify(name)} is not in mesh.applications: name one that is${meant === undefined ? "." : `; did you mean ${meant}?`}`,
      );
    }),
  );
}

/** The applications, with callers outside of them and of the bundled ones' by their identity. */
function withIdentities(values: ValuesWithGraphs, part: Record<string, Application>): Record<string, Application> {
  const { clusterName } = values.global.teleport;
  const byIdentity = (caller: Caller): Caller => {
    const { application, service, ...may } = caller;
    if (application === undefined || service === undefined || Object.hasOwn(part, application)) return caller;
    const { namespace = "", services = {} } = values.mesh.applications[application] ?? {};
    return { principal: principalOf(clusterName, namespace, services[service]?.serviceAccount ?? ""), ...may };
  };
  return withCallers(part, byIdentity);
}

/** What the releases of one mesh state together. */
type GraphOfParts = Pick<Values, "global"> & { mesh: Pick<Values["mesh"], "gateways" | "applications"> };

/**
 * The graph of a mesh whose applications are in several releases, in which callers of other releases have their names
 * again.
 *
 * @param parts the values of each release; at least one
 */
export function graphOfParts(parts: readonly ValuesWithGraphs[]): GraphOfParts {
  const [first] = parts;
  if (first === undefined) throw new Error("no release states a graph");
  if (parts.length === 1) return first;
  const gateways = Object.assign({}, ...parts.map(({ mesh }) => mesh.gateways));
  const applications: Record<string, Application> = Object.assign({}, ...parts.map(({ mesh }) => mesh.applications));
  const names = new Map(
    Object.entries(applications).flatMap(([application, { namespace, services }]) =>
      Object.entries(services).map(([service, { serviceAccount }]) => [
        principalOf(first.global.teleport.clusterName, namespace, serviceAccount),
        { service, application },
      ]),
    ),
  );
  const byName = ({ principal, ...may }: Caller): Caller => {
    const name = principal === undefined ? undefined : names.get(principal);
    if (name !== undefined) return { ...name, ...may };
    return principal === undefined ? may : { principal, ...may };
  };
  return { global: first.global, mesh: { gateways, applications: withCallers(applications, byName) } };
}

function withCallers(
  applications: Record<string, Application>,
  change: (caller: Caller) => Caller,
): Record<string, Application> {
  return mapValues(applications, (application) => ({
    ...application,
    services: mapValues(application.services, (service) => ({
      ...service,
      ...(service.callers !== undefined && { callers: service.callers.map(change) }),
    })),
  }));
}

function mapValues<From, To>(map: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, to(value)]));
}

/** The keys of a map that differ from the defaults, null where a default is gone. */
function changed(values: object, defaults: object): Part {
  const before = new Map<string, unknown>(Object.entries(defaults));
  const entries = Object.entries(values).flatMap(([key, value]): [string, unknown][] => {
    const other = before.get(key);
    if (isDeepStrictEqual(value, other)) return [];
    if (!isRecord(value) || !isRecord(other)) return [[key, value]];
    const gone = Object.keys(other).filter((inner) => !Object.hasOwn(value, inner));
    return [[key, { ...changed(value, other), ...Object.fromEntries(gone.map((inner) => [inner, null])) }]];
  });
  return Object.fromEntries(entries);
}
