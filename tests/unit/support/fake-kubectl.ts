import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** What the fake kubectl does when its arguments contain `when`; the first match counts. */
export interface Answer {
  when: string;
  stdout?: string;
  stderr?: string;
  code?: number;
}

/** A kubectl that is first on the PATH and answers as told; the API server behind it is what unit tests do not have. */
export interface FakeKubectl {
  answer(answers: readonly Answer[]): Promise<void>;
  /** The arguments of each call so far, joined by blanks. */
  calls(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function fakeKubectl(): Promise<FakeKubectl> {
  const directory = await mkdtemp(join(tmpdir(), "fake-kubectl-"));
  const path = process.env.PATH;
  process.env.PATH = `${directory}${delimiter}${path}`;
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return {
    async answer(answers) {
      const cases = answers.map(
        ({ when, stdout = "", stderr = "", code = 0 }) =>
          `*${quote(when)}*) printf %s ${quote(stdout)}; printf %s ${quote(stderr)} >&2; exit ${code};;`,
      );
      const script = `#!/bin/sh\necho "$*" >>${quote(join(directory, "calls"))}\ncase "$*" in\n${cases.join("\n")}\nesac\necho "unexpected: $*" >&2; exit 99\n`;
      await writeFile(join(directory, "kubectl"), script);
      await chmod(join(directory, "kubectl"), 0o755);
    },
    async calls() {
      return (await readFile(join(directory, "calls"), "utf8")).trim().split("\n");
    },
    async remove() {
      process.env.PATH = path;
      await rm(directory, { recursive: true });
    },
  };
}
