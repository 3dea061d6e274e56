import type { FakePrograms } from "./fake-programs.ts";

/** What stands in for the programs now; a test file sets it, its mock of node:child_process reads it. */
export interface FakeSpawn {
  current: FakePrograms | undefined;
}

/** The module node:child_process with a `spawn` that takes the fakes while there are some. */
export function withFakeSpawn(
  real: typeof import("node:child_process"),
  fakes: FakeSpawn,
): typeof import("node:child_process") {
  const names = ["helm", "kubectl", "tctl"];
  const spawn = (program: string, args: string[], options: object) =>
    fakes.current !== undefined && names.includes(program)
      ? fakes.current.spawn(program, args)
      : real.spawn(program, args, options);
  return { ...real, spawn: spawn as typeof real.spawn };
}
