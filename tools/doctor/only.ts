import { ExitError } from "../base/exit-error.ts";
import { nearestKey } from "../base/nearest-key.ts";
import type { CheckInfo } from "./checks/check.ts";

/**
 * The checks that --only names, with those that they rest on, in their order; all without it.
 *
 * @param only ids, or lists of them separated by commas
 * @throws ExitError refused for an id that no check has
 */
export function chosenChecks<C extends CheckInfo>(only: readonly string[], checks: readonly C[]): readonly C[] {
  const ids = only.flatMap((list) => list.split(",")).map((id) => id.trim());
  const known = checks.map((check) => check.id);
  for (const id of ids) {
    if (known.includes(id)) continue;
    const near = nearestKey(id, known);
    throw new ExitError(
      `--only ${JSON.stringify(id)} is not a check${near === undefined ? "." : `; did you mean ${near}?`} The checks are ${known.join(", ")}.`,
    );
  }
  if (ids.length === 0) return checks;
  const wanted = new Set(ids);
  // A set goes on to what is added to it meanwhile, so that what a check rests on may rest on another one.
  for (const id of wanted) {
    const { restsOn } = checks.find((check) => check.id === id) ?? {};
    if (restsOn !== undefined) wanted.add(restsOn);
  }
  return checks.filter(({ id }) => wanted.has(id));
}
