/**
 * `npm run bench:start`: what the start of each command costs beside bare Node, in the same run: its `--help`, and small
 * runs that need no cluster. `--check` exits 1 when gen-token from a file takes more than three times bare Node.
 * `--save` keeps the result.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { helmOnPath } from "../../scripts/pinned-helm.ts";
import { istioTeleport } from "../../tools/program.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { oneKey } from "./support/published-keys.ts";
import { makeResult, median, point, printAndSave, type Series } from "./support/result.ts";
import { type Cost, interleaved } from "./support/timed-run.ts";

const ROUNDS = 7;
const GOAL = 3;
const BARE = "node -e 0";
const FROM_FILE = "gen-token --jwks-file FILE";

const genToken = [process.execPath, repositoryPath("bin/gen-token.js")];
const main = [process.execPath, repositoryPath("bin/istio-teleport.js")];

/** Each command's help, the program's own first. */
function helps(): [string, string[]][] {
  const names = istioTeleport(systemRunner).commands.map((command) => command.name());
  return [
    ["istio-teleport --help", [...main, "--help"]],
    ...names.map((name): [string, string[]] => [`${name} --help`, [...main, name, "--help"]]),
  ];
}

/** Runs that do their work, behind the two programs that some wait for. */
function smallRuns(jwks: string): [string, string[]][] {
  const values = ["-f", repositoryPath("chart/ci/graph-values.yaml")];
  return [
    [FROM_FILE, [...genToken, "--jwks-file", jwks]],
    [
      "init",
      [
        ...main,
        "init",
        "--cluster-name",
        "example.teleport.sh",
        "--proxy-addr",
        "example.teleport.sh:443",
        "--output",
        "-",
      ],
    ],
    ["completion bash", [...main, "completion", "bash"]],
    ["helm template", ["helm", "template", "istio-teleport", repositoryPath("chart"), ...values]],
    ["render teleport -f FILE", [...main, "render", "teleport", ...values]],
    ["render istio -f FILE", [...main, "render", "istio", ...values]],
    ["render manifests -f FILE", [...main, "render", "manifests", ...values]],
    ["graph -f FILE", [...main, "graph", ...values]],
  ];
}

await helmOnPath();
await withTempDir(async (dir) => {
  const jwks = join(dir, "jwks.json");
  writeFileSync(jwks, oneKey());
  const commands: [string, string[]][] = [[BARE, [process.execPath, "-e", "0"]], ...smallRuns(jwks), ...helps()];
  const costs = new Map(
    interleaved(
      commands.map(([, command]) => command),
      ROUNDS,
    ).map((rounds, index) => [commands[index]?.[0] ?? "", rounds]),
  );
  const of = (command: string, kind: keyof Cost) => costs.get(command)?.map((cost) => cost[kind]) ?? [];
  const series = (name: string, kind: keyof Cost, reference?: number): Series => ({
    ...{ name, unit: "ms" },
    points: commands.map(([command]) => point(command, of(command, kind), reference)),
  });
  const cpu = series("CPU", "cpu", median(of(BARE, "cpu")));
  await printAndSave(
    makeResult({
      bench: "start-up",
      title: "Start of each command",
      command: "npm run bench:start",
      x: "command",
      series: [cpu, series("until it is done", "wall")],
      notes: [
        "× compares with bare Node. CPU is that of the programs that a command calls, too. The time until it is done is mostly that of what else the machine did.",
        "Commands that take values call Helm, whose own time stands beside them: Helm merges values, and we do not do it again (docs/decisions/0016).",
      ],
    }),
  );
  const ratio = cpu.points.find(({ x }) => x === FROM_FILE)?.ratio ?? Number.NaN;
  const { values: flags } = parseArgs({ options: { check: { type: "boolean" } }, strict: false });
  if (flags.check === true && !(ratio <= GOAL)) {
    process.stderr.write(`gen-token --jwks-file takes more than ${GOAL} times the CPU of bare Node.\n`);
    process.exitCode = 1;
  }
});
