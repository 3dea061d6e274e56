/**
 * `npm run bench:token`: what gen-token takes for a live cluster, beside the `kubectl get --raw` that it rests on, in the
 * same run. It needs a lab that is up. `--save` keeps the result; `--check` exits 1 when the goal is missed: at most the
 * CPU of two such calls and 150 ms.
 */
import { parseArgs } from "node:util";
import { repositoryPath } from "../support/run-helm.ts";
import { makeResult, median, point, printAndSave } from "./support/result.ts";
import { interleaved } from "./support/timed-run.ts";

const ROUNDS = 15;
const GOAL_MS = 150;

const kubectl = ["kubectl", "get", "--raw", "/openid/v1/jwks"];
const COMMANDS = {
  "kubectl get --raw /openid/v1/jwks": kubectl,
  "the same twice": ["bash", "-c", '"$@" && "$@"', "bash", ...kubectl],
  "kubectl config view": ["kubectl", "config", "view", "--minify"],
  "node -e 0": [process.execPath, "-e", "0"],
  "gen-token, live": [process.execPath, repositoryPath("bin/gen-token.js"), "--cluster-name", "a.example"],
};

const { values: flags } = parseArgs({ options: { check: { type: "boolean" } }, strict: false });
const costs = interleaved(Object.values(COMMANDS), ROUNDS);
const series = (["wall", "cpu"] as const).map((kind) => {
  const all = costs.map((rounds) => rounds.map((cost) => cost[kind]));
  const alone = median(all[0] ?? []);
  return {
    name: kind === "wall" ? "until it is done" : "CPU",
    unit: "ms",
    points: Object.keys(COMMANDS).map((command, index) => point(command, all[index] ?? [], alone)),
  };
});
await printAndSave(
  makeResult({
    bench: "gen-token",
    title: "gen-token beside kubectl",
    command: "npm run bench:token",
    x: "command",
    series,
    notes: [
      "× compares with the first row, kubectl alone.",
      "gen-token asks for the keys and, at the same time, for the name of the context; then for the issuer, which its warnings need. The second question waits for the first: beside it, a credential plugin would ask for the same login twice.",
    ],
  }),
);
const cpu = series[1]?.points.map(({ value }) => value) ?? [];
const [, twice = Number.NaN] = cpu;
if (flags.check === true && !((cpu[4] ?? Number.NaN) <= twice + GOAL_MS)) {
  process.stderr.write(`gen-token takes more CPU than two calls of kubectl and ${GOAL_MS} ms.\n`);
  process.exitCode = 1;
}
