import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";

/** The sentence with which `attempt` is refused; fails for success, for another exit code and for any other error. */
export async function refusal(attempt: () => unknown, code: number = EXIT.refused): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    if (error.code !== code) throw new Error(`exit code ${error.code} in place of ${code}: ${error.message}`);
    if (/\n/.test(error.message)) throw new Error(`more than one line: ${error.message}`);
    return error.message;
  }
  throw new Error("not refused");
}
