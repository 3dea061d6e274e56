import { Command } from "commander";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitError } from "../../../tools/base/exit-error.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { type CapturedOutput, captureOutput } from "../support/captured-output.ts";

let output: CapturedOutput;
beforeEach(() => {
  output = captureOutput();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.stdout.removeAllListeners("error");
  process.exitCode = undefined;
});

async function run(action: () => unknown, ...args: string[]): Promise<number | string | undefined> {
  const command = new Command("tool").description("A tool.").version("1.2.3");
  command.addCommand(new Command("part").option("--file <file>", "a file").action(async () => void (await action())));
  await runMain(command, ["node", "tool", ...args]);
  return process.exitCode ?? undefined;
}

it("leaves the exit code alone when all went well", async () => {
  expect(await run(() => {}, "part")).toBeUndefined();
  expect(output.stderr).toBe("");
});

it("says an expected failure in one sentence", async () => {
  const code = await run(() => Promise.reject(new ExitError("No cluster; name one.", 2)), "part");
  expect([code, output.stderr, output.stdout]).toEqual([2, "tool: No cluster; name one.\n", ""]);
});

it("lets nothing that others wrote steer the terminal", async () => {
  const seen =
    "red \u001b[31m, C1 \u009b31m, right to left \u202e, hidden \u200b\u00ad, next\r line\u2028, DEL \u007f, é 表 😀";
  await run(() => Promise.reject(new ExitError(`It is ${seen}.\nAnother one.`)), "part");
  expect(output.stderr).toBe(
    "tool: It is red \\u{1b}[31m, C1 \\u{9b}31m, right to left \\u{202e}, hidden \\u{200b}\\u{ad}, next\\u{d} line\\u{2028}, DEL \\u{7f}, é 表 😀.\nAnother one.\n",
  );
});

it("says a defect in one sentence and shows a stack trace only on demand", async () => {
  const defect = () => {
    throw new TypeError("x is undefined\nat once");
  };
  expect(await run(defect, "part")).toBe(70);
  expect(output.stderr).toBe(
    "tool: This is a bug in istio-teleport: x is undefined; please report it with the command that you ran.\n",
  );
  vi.stubEnv("ISTIO_TELEPORT_DEBUG", "1");
  await run(defect, "part");
  expect(output.stderr).toContain("run-command.test.ts");
});

it.each([
  [["part", "--fil", "x"], "unknown option '--fil' (Did you mean --file?); `tool part --help` lists the flags."],
  [["part", "--file"], "option '--file <file>' argument missing; `tool part --help` lists the flags."],
  [["part", "x"], "too many arguments for 'part'. Expected 0 arguments but got 1; `tool part --help` lists the flags."],
  [["prt"], "unknown command 'prt' (Did you mean part?); `tool --help` lists the commands."],
])("answers %j with one sentence", async (args, sentence) => {
  expect(await run(() => {}, ...args)).toBe(1);
  expect(output.stderr).toBe(`tool: ${sentence}\n`);
});

it("prints help and version on stdout", async () => {
  expect(await run(() => {}, "part", "--help")).toBe(0);
  expect(output.stdout).toContain("--file <file>");
  expect(await run(() => {}, "--version")).toBe(0);
  expect(output.stdout).toContain("1.2.3");
  expect(output.stderr).toBe("");
});

it("prints the help on stdout when no command is named, which is no mistake", async () => {
  expect(await run(() => {})).toBe(0);
  expect(output.stdout).toMatch(/^Usage: tool/);
  expect(output.stderr).toBe("");
});

it("goes on when nobody reads stderr any more, as after the terminal was closed", async () => {
  let ended = false;
  await run(() => {
    process.stderr.emit("error", Object.assign(new Error("write EIO"), { code: "EIO" }));
    ended = true;
  }, "part");
  expect(ended).toBe(true);
});

it.each([
  ["EPIPE", ""],
  ["ENOSPC", "tool: The output could not be written (ENOSPC); free some space.\n"],
])("ends with exit code 2 when stdout fails with %s", async (code, sentence) => {
  const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
  await run(() => process.stdout.emit("error", Object.assign(new Error("write"), { code })), "part");
  expect(exit).toHaveBeenCalledWith(2);
  expect(output.stderr).toBe(sentence);
});
