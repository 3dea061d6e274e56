import { nearestKey } from "../base/nearest-key.ts";

/** The names that callers in a graph may give, by where they are looked for. */
export interface KnownNames {
  /** Application → its services. */
  services: Readonly<Record<string, readonly string[]>>;
  gateways: readonly string[];
}

/** The sentences of chart/templates/checks/_graph-problems.tpl about a caller that does not exist. */
const UNKNOWN =
  /is "(?<name>[^"]*)", which is (?:no service of application (?<application>[^:\s]+)|not in mesh\.(?<map>applications|gateways)): add it, or name one that is\.$/;

/** A problem that the chart found, with the name that was probably meant: templates cannot compare spellings. */
export function withSuggestion(problem: string, { services, gateways }: KnownNames): string {
  const { name = "", application = "", map = "" } = UNKNOWN.exec(problem)?.groups ?? {};
  const known =
    map === "applications" ? Object.keys(services) : map === "gateways" ? gateways : (services[application] ?? []);
  const meant = name === "" ? undefined : nearestKey(name, known);
  return meant === undefined ? problem : problem.replace(/\.$/, `; did you mean ${meant}?`);
}
