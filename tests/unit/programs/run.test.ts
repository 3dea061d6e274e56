import { spawnSync } from "node:child_process";
import { access, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { lastWords, mustRun, shellText, tryCommand } from "../../../tools/programs/run.ts";
import { refusal } from "../support/refusal.ts";

const node = (program: string, stdin?: string) => ({
  program: process.execPath,
  args: ["-e", program],
  ...(stdin !== undefined && { stdin }),
});

test.each([
  [["plain", "--flag=/a/b.yaml", "two words", "it's", '"$HOME"', "`id`", "a\nb", "", "ä*"], "text\n"],
  [[], "with its own END:\nEND\nEND_\n"],
  [[], "no line break at the end"],
])("as text for a shell it is the same call: %j, %j", (args, stdin) => {
  const program = "process.stdout.write(JSON.stringify([process.argv.slice(1), fs.readFileSync(0, 'utf8')]))";
  const text = shellText({ program: process.execPath, args: ["-e", program, "--", ...args], stdin });
  const { stdout } = spawnSync("sh", { input: text, encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual([args, stdin.endsWith("\n") ? stdin : `${stdin}\n`]);
});

test("returns what the program left, whatever its exit code", async () => {
  const program = "process.stdout.write(fs.readFileSync(0)); process.stderr.write('said'); process.exitCode = 3";
  expect(await tryCommand(node(program, "read"), 10)).toEqual({ code: 3, stdout: "read", stderr: "said" });
  expect((await tryCommand(node("process.exitCode = 0", "x".repeat(1e6)), 10)).code).toBe(0);
});

test("says in one sentence why a program failed", async () => {
  const failing = node("console.error('Error: INSTALLATION FAILED:\\n  no \\u001b[31mroute.'); process.exitCode = 1");
  expect(await refusal(() => mustRun(failing, "install x"), EXIT.unavailable)).toBe(
    `Could not install x: ${process.execPath} says "INSTALLATION FAILED: no [31mroute".`,
  );
  const missing = { program: "no-such-program", args: [] };
  expect(await refusal(() => tryCommand(missing, 1), EXIT.unavailable)).toContain(
    "no-such-program is not on the PATH; install it",
  );
  const endless = node("setInterval(() => {}, 1000)");
  expect(await refusal(() => tryCommand(endless, 0.2), EXIT.unavailable)).toContain("gave no answer within 0.2 s");
});

test("waits for a program that handles an interruption, and says how to continue", async () => {
  const directory = await mkdtemp(join(tmpdir(), "run-"));
  const [started, ended] = [join(directory, "started"), join(directory, "ended")];
  const program = `
    process.on("SIGTERM", () => setTimeout(() => { fs.writeFileSync(${JSON.stringify(ended)}, ""); process.exit(1); }, 200));
    setInterval(() => {}, 1000);
    fs.writeFileSync(${JSON.stringify(started)}, "");`;
  const listeners = process.listenerCount("SIGTERM");
  const running = refusal(() => tryCommand(node(program), 300), EXIT.unavailable);
  await vi.waitFor(() => access(started), { timeout: 60_000 });
  process.emit("SIGTERM", "SIGTERM");
  expect(await running).toContain("rerun the same command to resume");
  // The program's last act, some time after the signal.
  await access(ended);
  expect(process.listenerCount("SIGTERM")).toBe(listeners);
});

test.each([
  ["warning\nError: a\n  b.\n", "a b"],
  ["only\nthe last", "the last"],
  ["ERROR: access denied\n", "access denied"],
  ["", "nothing"],
])("the last words of %j are %j", (stderr, words) => {
  expect(lastWords(stderr)).toBe(words);
});
