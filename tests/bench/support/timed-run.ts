import { spawnSync } from "node:child_process";

/** What a run of a program took, milliseconds. */
export interface Cost {
  /** Until it was done. */
  readonly wall: number;
  /** Of its user and system time, and that of the programs that it called. */
  readonly cpu: number;
}

/**
 * Runs a program to its end.
 *
 * @throws Error with its last words when it fails
 */
function timedRun(command: readonly string[]): Cost {
  const start = performance.now();
  // Node does not say what a child took; bash's `times` does, in its second line: 0m0.040s 0m0.012s.
  const { status, stdout, stderr } = spawnSync("bash", ["-c", '"$@" >/dev/null || exit; times', "bash", ...command], {
    encoding: "utf8",
  });
  const wall = performance.now() - start;
  if (status !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
  const children = stdout.trim().split("\n")[1] ?? "";
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)];
  return {
    wall,
    cpu: 1000 * parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0),
  };
}

/**
 * Runs the programs one after the other, round by round, so that what else the machine does meets all of them.
 *
 * @returns the rounds of each, in the order of the commands
 */
export function interleaved(commands: readonly (readonly string[])[], rounds: number): Cost[][] {
  const costs = commands.map((): Cost[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, command] of commands.entries()) costs[index]?.push(timedRun(command));
  }
  return costs;
}
