/** The entries of a map in the order in which Helm ranges over it: by name, whatever order the values had. */
export function byName<Value>(map: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
