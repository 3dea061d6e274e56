import { vi } from "vitest";

/** What the process has written to its standard streams since `captureOutput`. */
export interface CapturedOutput {
  stdout: string;
  stderr: string;
}

/** Collects both standard streams instead of printing them; `vi.restoreAllMocks` ends it. */
export function captureOutput(): CapturedOutput {
  const output: CapturedOutput = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    vi.spyOn(process[stream], "write").mockImplementation((text, ...rest) => {
      output[stream] += text;
      const written = rest.at(-1);
      if (typeof written === "function") written();
      return true;
    });
  }
  return output;
}
