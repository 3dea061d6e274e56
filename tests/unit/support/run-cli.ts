import { vi } from "vitest";
import { istioTeleport } from "../../../tools/program.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { captureOutput } from "./captured-output.ts";

/** Runs a command line of `istio-teleport` in this process: what it wrote, and its exit code. */
export async function runCli(...args: string[]) {
  const output = captureOutput();
  process.exitCode = undefined;
  try {
    await runMain(istioTeleport(systemRunner), ["node", "istio-teleport", ...args]);
    return { ...output, status: process.exitCode ?? 0 };
  } finally {
    vi.restoreAllMocks();
  }
}
