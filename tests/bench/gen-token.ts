/**
 * `npm run bench:token`: what gen-token takes for a live cluster, beside the `kubectl get --raw` that it rests on, in the
 * same run. The cluster is the lab's if it runs there (`npm run lab -- exec npm run bench:token`), else a local API server
 * that knows the two documents. `--save` keeps the result; `--check` exits 1 when the goal is missed: at most the CPU of
 * two such calls and 150 ms.
 */
import { parseArgs } from "node:util";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { servePublishedKeys } from "./support/published-keys.ts";
import { makeResult, median, point, printAndSave, type Series } from "./support/result.ts";
import { type Cost, interleaved } from "./support/timed-run.ts";

const ROUNDS = 15;
const GOAL_MS = 150;

const kubectl = ["kubectl", "get", "--raw", "/openid/v1/jwks"];
const ALONE = kubectl.join(" ");
const TWICE = "the same twice";
const LIVE = "gen-token, live";
const COMMANDS: Record<string, readonly string[]> = {
  [ALONE]: kubectl,
  [TWICE]: ["bash", "-c", '"$@" && "$@"', "bash", ...kubectl],
  "kubectl config view": ["kubectl", "config", "view", "--minify"],
  "node -e 0": [process.execPath, "-e", "0"],
  [LIVE]: [process.execPath, repositoryPath("bin/gen-token.js"), "--cluster-name", "a.example"],
};

async function measure(cluster: string): Promise<number> {
  const costs = interleaved(Object.values(COMMANDS), ROUNDS);
  const rounds = (index: number, kind: keyof Cost) => costs[index]?.map((cost) => cost[kind]) ?? [];
  const series = (name: string, kind: keyof Cost, reference?: number): Series => ({
    ...{ name, unit: "ms" },
    points: Object.keys(COMMANDS).map((x, index) => point(x, rounds(index, kind), reference)),
  });
  const cpu = series("CPU", "cpu", median(rounds(0, "cpu")));
  const of = (command: string) => cpu.points.find(({ x }) => x === command)?.value ?? Number.NaN;
  const more = of(LIVE) - of(TWICE);
  await printAndSave(
    makeResult({
      bench: "gen-token",
      title: "gen-token beside kubectl",
      command: "npm run bench:token",
      x: "command",
      series: [cpu, series("until it is done", "wall")],
      notes: [
        `× compares with kubectl alone. The cluster is ${cluster}.`,
        `gen-token takes ${Math.round(more)} ms of CPU more than two calls of kubectl; the goal is ${GOAL_MS}.`,
        "It asks for the keys and, at the same time, for the name of the context; then for the issuer, which its warnings need. That question waits for the first: beside it, a credential plugin would ask for the same login twice.",
      ],
    }),
  );
  return more;
}

const { values: flags } = parseArgs({ options: { check: { type: "boolean" } }, strict: false });
const more = await withTempDir(async (dir) => {
  if (process.env.KUBECONFIG !== undefined) return await measure("the one of KUBECONFIG, which the lab sets");
  const { kubeconfig, stop } = await servePublishedKeys(dir);
  process.env.KUBECONFIG = kubeconfig;
  try {
    return await measure("a local API server, by HTTP, without a login");
  } finally {
    stop();
  }
});
if (flags.check === true && !(more <= GOAL_MS)) {
  process.stderr.write(`gen-token takes more CPU than two calls of kubectl and ${GOAL_MS} ms.\n`);
  process.exitCode = 1;
}
