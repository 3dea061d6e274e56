import type { Runner } from "./run.ts";
import { shellText } from "./shell-text.ts";

/**
 * A runner that also tells of each program that ended: its command line, how long it took, and how it ended. What a program
 * reads from stdin is left out, since it may be long.
 *
 * @param tell takes one line
 */
export function toldRunner(runner: Runner, tell: (line: string) => void): Runner {
  return {
    ...runner,
    run: async (command, options) => {
      const start = performance.now();
      const took = () => `${((performance.now() - start) / 1000).toFixed(2)} s`;
      const line = shellText({ program: command.program, args: command.args }).trimEnd();
      try {
        const outcome = await runner.run(command, options);
        tell(`${took()}  ${line}${outcome.code === 0 ? "" : `  (exit code ${outcome.code})`}`);
        return outcome;
      } catch (error) {
        tell(`${took()}  ${line}  (${(error as Error).message})`);
        throw error;
      }
    },
    serve: async (command, options) => {
      tell(`started  ${shellText(command).trimEnd()}`);
      return await runner.serve(command, options);
    },
  };
}
