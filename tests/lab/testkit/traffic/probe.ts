import { shell } from "../cluster/shell.ts";
import type { Matrix, Try } from "./matrix.ts";
import { tryName } from "./matrix.ts";
import { NAMESPACE, partPort } from "./sock-shop.ts";

/** The namespace, not meshed, of the pod from which "outside" is tried. */
export const OUTSIDE = "outside";

/** How many pods try at once: each opens a connection to every part, and the machine is small. */
const AT_ONCE = 4;

/** One line of `sock-shop probe`; see lab/sock-shop-stand-in/internal/probe. */
interface ProbeLine {
  readonly target: string;
  readonly result: "ok" | "status" | "closed" | "reset" | "malformed" | "timeout" | "unreachable";
  readonly status?: number;
  readonly part?: string;
  readonly greeting: boolean;
  readonly error?: string;
}

/** Tries every pair once, from inside the callers' pods, through their sidecars where they have one. */
export async function tryAll(tries: readonly Try[]): Promise<Matrix> {
  const callers = [...new Set(tries.map(({ from }) => from))];
  const outcomes: Record<string, string> = {};
  const next = async (): Promise<void> => {
    for (let from = callers.shift(); from !== undefined; from = callers.shift())
      Object.assign(outcomes, await tryFrom(from, tries));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  // In the order of the tries, whoever was first.
  return Object.fromEntries(tries.map((each) => [tryName(each), outcomes[tryName(each)] ?? "not tried"]));
}

async function tryFrom(from: string, tries: readonly Try[]): Promise<Matrix> {
  const own = tries.filter((each) => each.from === from);
  const lines = await probe(from, own.map(targetOf));
  return Object.fromEntries(own.map((each, index) => [tryName(each), outcome(each.to, lines[index])]));
}

/** Runs `sock-shop probe` in a part's container, or in the pod outside. One line a target, in their order. */
export async function probe(from: string, targets: readonly string[]): Promise<ProbeLine[]> {
  const pod = from === OUTSIDE ? `-n ${OUTSIDE} exec outside` : `-n ${NAMESPACE} exec deploy/${from} -c ${from}`;
  const output = await shell(`kubectl ${pod} -- /sock-shop probe ${targets.join(" ")}`);
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ProbeLine);
}

/**
 * A client outside the mesh speaks first at every port: one that waits for MySQL's greeting would only see silence, since
 * a sidecar waits for the client's first bytes to tell TLS from plaintext, and silence is no refusal.
 */
function targetOf({ from, to, port }: Try): string {
  const { protocol } = partPort(to);
  const spoken = from === OUTSIDE && protocol === "mysql" ? "redis" : protocol;
  return `${spoken}://${to}.${NAMESPACE}.svc.cluster.local:${port}`;
}

/** An answer counts only if the part that was meant gave it. */
function outcome(to: string, line: ProbeLine | undefined): string {
  if (line === undefined) return "not tried";
  const { result, status, part, greeting } = line;
  if (result === "ok" && status === undefined) return "answered";
  if (result === "ok") return part === to ? `${status}` : `${status} from ${part || "nobody"}`;
  if (result === "status") return `${status}`;
  return greeting ? `greeted, then ${result}` : result;
}
