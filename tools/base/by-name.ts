/** The entries of a map sorted by name, as Helm's `range` visits them, whatever their order in the values. */
export function byName<Value>(map: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
