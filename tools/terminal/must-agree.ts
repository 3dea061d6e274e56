import { createInterface } from "node:readline/promises";
import { ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";

/**
 * Asks a question on the terminal, before something is changed. Only y and yes are a yes.
 *
 * @throws ExitError (refused) for any other answer, and where nobody can answer
 */
export async function mustAgree(question: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ExitError("Nothing was changed: nobody can be asked here. Add --yes to go on without a question.");
  }
  // On stderr, since stdout may be a file.
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D are a no.
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const answer = await Promise.race([terminal.question(`${printable(question)} [y/N] `), closed]);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new ExitError("Nothing was changed, as you wished.");
}
