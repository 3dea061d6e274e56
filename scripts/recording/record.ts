import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Output } from "./screen.ts";

/**
 * Runs a shell line in a terminal of its own, by script(1) of util-linux, and returns what it printed and when. Meanwhile this
 * process can serve what the line asks for.
 *
 * @throws Error when the line fails, with what it printed
 */
export async function record(
  line: string,
  terminal: { columns: number; rows: number; folder: string },
): Promise<Output[]> {
  const logs = mkdtempSync(join(tmpdir(), "recording-"));
  const [output, timing] = [join(logs, "output"), join(logs, "timing")];
  const command = `stty cols ${terminal.columns} rows ${terminal.rows}; ${line}`;
  const flags = ["--quiet", "--return", "--logging-format", "classic", "--log-out", output, "--log-timing", timing];
  try {
    await promisify(execFile)("script", [...flags, "--command", command], {
      cwd: terminal.folder,
      env: { ...process.env, SHELL: "/bin/bash", TERM: "xterm-256color" },
    });
    return outputsOf(readFileSync(output), readFileSync(timing, "utf8"));
  } catch (error) {
    throw new Error(`${line} failed: ${readFileSync(output, "utf8")}`, { cause: error });
  } finally {
    rmSync(logs, { recursive: true });
  }
}

/** script(1)'s classic timing file: on each line the seconds since the line before, and how many bytes came then. */
export function outputsOf(log: Buffer, timing: string): Output[] {
  // Its first line is its own.
  let position = log.indexOf("\n") + 1;
  let at = 0;
  return timing
    .trim()
    .split("\n")
    .map((line) => {
      const [seconds = 0, bytes = 0] = line.split(" ").map(Number);
      at += seconds;
      position += bytes;
      return { at, text: log.subarray(position - bytes, position).toString() };
    });
}
