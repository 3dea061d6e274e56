import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";

/** What kubectl answers when its arguments contain `when`; the first match counts. */
export interface Answer {
  when: string;
  stdout?: string;
  stderr?: string;
  code?: number;
}

/** A kubectl that answers as told; the API server behind it is what unit tests do not have. */
export interface FakeKubectl {
  /** Runs it, and every other program for real. */
  runner: Runner;
  answer(answers: readonly Answer[]): void;
  /** The arguments of each call so far, joined by blanks. */
  calls: string[];
}

export function fakeKubectl(): FakeKubectl {
  let table: readonly Answer[] = [];
  const calls: string[] = [];
  const run: Runner["run"] = async (command, options) => {
    if (command.program !== "kubectl") return systemRunner.run(command, options);
    const line = command.args.join(" ");
    calls.push(line);
    const unexpected: Answer = { when: "", stderr: `unexpected: ${line}`, code: 99 };
    const { stdout = "", stderr = "", code = 0 } = table.find(({ when }) => line.includes(when)) ?? unexpected;
    return { code, stdout: Buffer.from(stdout), stderr };
  };
  return {
    runner: { ...systemRunner, run },
    answer(answers) {
      table = answers;
    },
    calls,
  };
}
