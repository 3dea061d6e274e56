import { spawnSync } from "node:child_process";
import { access, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { lastWords } from "../../../tools/programs/last-words.ts";
import { type CallOptions, failed, mustRun } from "../../../tools/programs/run.ts";
import { shellText } from "../../../tools/programs/shell-text.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { captureOutput } from "../support/captured-output.ts";
import { refusal } from "../support/refusal.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "run-"));
});
afterEach(() => rm(directory, { recursive: true }));

const file = (name: string) => join(directory, name);
const node = (program: string, stdin?: string) => ({
  program: process.execPath,
  args: ["-e", program],
  ...(stdin !== undefined && { stdin }),
});
const run = (command: Parameters<typeof systemRunner.run>[0], options: Partial<CallOptions> = {}) =>
  systemRunner.run(command, { purpose: "install x", ...options });
/** The sentence after "Could not install x: ". */
const why = async (...args: Parameters<typeof run>) => {
  const sentence = await refusal(() => run(...args), EXIT.unavailable);
  expect(sentence).toMatch(/^Could not install x: .*\.$/);
  return sentence.slice("Could not install x: ".length);
};
/** "" when the process is gone, "Z" when it is dead and not yet collected by whoever inherited it. */
const stateOf = (pid: number) => spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout;
const ENDLESS = "setInterval(() => {}, 1000)";

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

describe("a program that runs to its end", () => {
  test("leaves its output as it is, whatever its exit code", async () => {
    const program = "process.stdout.write(fs.readFileSync(0)); process.stderr.write('said'); process.exitCode = 3";
    const { code, stdout, stderr } = await run(node(program, "read"));
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 3, stdout: "read", stderr: "said" });
    // No text: a JWKS is checked byte by byte.
    const bytes = node("process.stdout.write(Buffer.from([0xff, 0x00, 0xc3]))");
    expect((await run(bytes)).stdout).toEqual(Buffer.from([0xff, 0x00, 0xc3]));
  });

  test("need not read what it is given", async () => {
    expect((await run(node("process.exitCode = 0", "x".repeat(1e6)))).code).toBe(0);
  });

  test("that must succeed: its last words say why it did not", async () => {
    const failing = node("console.error('Error: INSTALLATION FAILED:\\n  no \\u001b[31mroute.'); process.exitCode = 1");
    const attempt = () => mustRun(systemRunner, failing, { purpose: "install x" });
    expect(await refusal(attempt, EXIT.unavailable)).toBe(
      `Could not install x: ${process.execPath} says "INSTALLATION FAILED: no route".`,
    );
    expect(await mustRun(systemRunner, node("console.log('done')"), { purpose: "x" })).toBe("done\n");
  });

  test("is not on the PATH", async () => {
    const missing = { program: "no-such-program", args: [] };
    expect(await why(missing)).toBe("no-such-program is not on the PATH; install it.");
    expect(await why(missing, { ifMissing: "buy it" })).toBe("no-such-program is not on the PATH; buy it.");
  });

  test("may not be run", async () => {
    await writeFile(file("text"), "");
    expect(await why({ program: file("text"), args: [] })).toMatch(
      /did not start \(EACCES\); check that you may run it\.$/,
    );
  });

  test.each([
    [
      "a NUL in an argument",
      ["a\0b"],
      EXIT.refused,
      "Could not install x: a\\u{0}b holds a NUL character, which no program takes; remove it.",
    ],
    [
      "arguments that are too long",
      ["x".repeat(4_000_000)],
      EXIT.unavailable,
      "since its arguments are too long; put values into a file.",
    ],
  ])("does not start: %s", async (_, args, code, sentence) => {
    expect(await refusal(() => run({ program: "true", args }), code)).toContain(sentence);
  });

  test("is a link to itself", async () => {
    await symlink(file("loop"), file("loop"));
    expect(await why({ program: file("loop"), args: [] })).toMatch(/did not start \(ELOOP\); check/);
  });

  test("takes too long", async () => {
    expect(await why(node(ENDLESS), { timeoutSeconds: 0.2 })).toContain("gave no answer within 0.2 s; run the same");
  });

  test("is killed", async () => {
    expect(await why(node("process.kill(process.pid, 'SIGKILL')"))).toContain("was ended by SIGKILL; run the same");
  });

  test("takes too long, and what it said last is quoted", async () => {
    const script = { program: "sh", args: ["-c", "echo 'Open https://login.example' >&2; exec sleep 60"] };
    expect(await why(script, { timeoutSeconds: 0.5 })).toBe(
      'sh said "Open https://login.example", then gave no answer within 0.5 s; run the same command again.',
    );
  });

  test.each([
    ["what it started", "sleep 60 & echo $! >PID; wait"],
    ["itself, though it ignores SIGTERM", "trap '' TERM; echo $$ >PID; while :; do sleep 1; done"],
  ])("takes too long, and it ends: %s", async (_, script) => {
    const command = { program: "sh", args: ["-c", script.replace("PID", `'${file("pid")}'`)] };
    expect(await why(command, { timeoutSeconds: 1 })).toContain("gave no answer within 1 s");
    const pid = Number(await readFile(file("pid"), "utf8"));
    await vi.waitFor(() => expect(stateOf(pid).trim()).toMatch(/^(Z.*)?$/), { timeout: 60_000 });
  });

  test("is read when it ends, though something that it started keeps its pipe open", async () => {
    const script = `sleep 600 & echo $! >'${file("pid")}'; echo done`;
    const { code, stdout } = await run({ program: "sh", args: ["-c", script] });
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: "done\n" });
    process.kill(Number(await readFile(file("pid"), "utf8")), "SIGKILL");
  });

  test("says what a person has to do while it runs, and its last words only as the reason", async () => {
    const output = captureOutput();
    const script =
      "echo 'E1128 14:48:21.415009   31195 memcache.go:381] no' >&2; echo 'Open \u001b[2Jhttps://login.example' >&2; printf 'Code: ' >&2; sleep 4; echo >&2; echo 'error: no' >&2; exit 1";
    const { stderr } = await run({ program: "sh", args: ["-c", script] });
    vi.restoreAllMocks();
    expect(output.stderr).toBe("sh: Open [2Jhttps://login.example\nsh: Code:\n");
    expect(lastWords(stderr)).toBe("no");
  });

  test("talks without end while it runs", async () => {
    const output = captureOutput();
    await run({ program: "sh", args: ["-c", "seq 1 200 >&2; sleep 4"] });
    vi.restoreAllMocks();
    const lines = output.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(51);
    expect(lines.slice(-2)).toEqual(["sh: 50", "sh says more, which is not shown."]);
  });

  test("prints without end", async () => {
    const endless = { program: "sh", args: ["-c", "exec cat /dev/zero"] };
    expect(await why(endless)).toBe("sh printed more than 256 MiB; ask for less.");
  });

  test("ends when nobody wants its answer any more", async () => {
    const abort = new AbortController();
    const running = why(node(ENDLESS), { signal: abort.signal });
    abort.abort();
    expect(await running).toContain("was ended by SIGTERM");
    expect(await why(node(ENDLESS), { signal: AbortSignal.abort() })).toContain("was ended by SIGTERM");
  });

  test.each(["SIGTERM", "SIGHUP"] as const)(
    "handles an interruption (%s) itself; it is waited for, and the sentence says how to continue",
    async (ending) => {
      const program = `
      process.on("SIGTERM", () => setTimeout(() => { fs.writeFileSync(${JSON.stringify(file("ended"))}, ""); process.exit(1); }, 200));
      ${ENDLESS};
      fs.writeFileSync(${JSON.stringify(file("started"))}, "");`;
      const listeners = process.listenerCount(ending);
      const running = refusal(() => run(node(program), { timeoutSeconds: 300 }), EXIT.unavailable);
      await vi.waitFor(() => access(file("started")), { timeout: 60_000 });
      process.emit(ending, ending);
      expect(await running).toContain(`Interrupted (${ending})`);
      expect(await running).toContain("rerun the same command to resume");
      // The program's last act, some time after the signal.
      await access(file("ended"));
      expect(process.listenerCount(ending)).toBe(listeners);
    },
  );

  test("beside many others, without a warning of too many listeners", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const listeners = process.listenerCount("SIGINT");
    await Promise.all(Array.from({ length: 12 }, () => run({ program: "sh", args: ["-c", ":"] })));
    await new Promise((resolve) => setImmediate(resolve));
    process.removeListener("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(process.listenerCount("SIGINT")).toBe(listeners);
  });
});

describe("a program that serves", () => {
  const serve = (script: string, timeoutSeconds = 60) =>
    systemRunner.serve(
      { program: "sh", args: ["-c", script] },
      { purpose: "read x", ready: "Starting to serve", timeoutSeconds, onInterrupt: () => {} },
    );
  test("is there until it is stopped, and so is what it started", async () => {
    const listeners = process.listenerCount("SIGTERM");
    const stop = await serve(`sleep 60 & echo $! >'${file("pid")}'; echo Starting to serve on it; wait`);
    const pid = Number(await readFile(file("pid"), "utf8"));
    expect(stateOf(pid)).toMatch(/^[RS]/);
    await stop();
    expect(stateOf(pid).trim()).toMatch(/^(Z.*)?$/);
    expect(process.listenerCount("SIGTERM")).toBe(listeners);
  });

  test.each(["SIGKILL", "SIGTERM"])("does not outlive this process, which ends by %s", async (ending) => {
    const module = new URL("../../../tools/programs/system-runner.ts", import.meta.url).href;
    const script = `echo $$ >'${file("pid")}'; echo serves; exec sleep 60`;
    const program = `
      import fs from "node:fs";
      import { systemRunner } from ${JSON.stringify(module)};
      const onInterrupt = () => fs.writeFileSync(${JSON.stringify(file("interrupted"))}, "");
      const command = { program: "sh", args: ["-c", ${JSON.stringify(script)}] };
      await systemRunner.serve(command, { purpose: "x", ready: "serves", onInterrupt });
      process.kill(process.pid, ${JSON.stringify(ending)});
      setInterval(() => {}, 1000);`;
    const { signal, stderr } = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    expect({ signal, stderr }).toEqual({ signal: ending, stderr: "" });
    // A handler runs for one of them only; the other is what the tether is for.
    expect(await readdir(directory)).toEqual(ending === "SIGTERM" ? ["interrupted", "pid"] : ["pid"]);
    const pid = Number(await readFile(file("pid"), "utf8"));
    await vi.waitFor(() => expect(stateOf(pid).trim()).toMatch(/^(Z.*)?$/), { timeout: 60_000 });
  });

  test.each([
    ["echo 'error: no port' >&2; exit 1", 60, 'sh says "no port".'],
    ["exec sleep 60", 0.2, "sh gave no answer within 0.2 s; run the same command again."],
  ])("%j does not serve", async (script, timeoutSeconds, reason) => {
    const listeners = process.listenerCount("SIGTERM");
    const sentence = await refusal(() => serve(script, timeoutSeconds), EXIT.unavailable);
    expect(sentence).toBe(`Could not read x: ${reason}`);
    expect(process.listenerCount("SIGTERM")).toBe(listeners);
  });

  test("is not on the PATH", async () => {
    const missing = { program: "no-such-program", args: [] };
    const options = { purpose: "read x", ready: "x", onInterrupt: () => {} };
    expect(await refusal(() => systemRunner.serve(missing, options), EXIT.unavailable)).toBe(
      "Could not read x: no-such-program is not on the PATH; install it.",
    );
  });
});

test.each([
  [{ program: "helm", args: [] }, 'helm says "no".'],
  [{ program: "tctl", args: [] }, 'tctl says "no"; log in with `tsh login` as somebody who may manage roles,'],
  [{ program: "kubectl", args: ["--context=prod", "get"] }, 'kubectl (context "prod") says "no"; fix that'],
])("%j that fails is explained in one way, whoever calls it", (command, sentence) => {
  expect(failed(command, "do x", "Error: no\n").message).toContain(`Could not do x: ${sentence}`);
});

test.each([
  [
    'Error: Kubernetes cluster unreachable: Get "http://localhost:8080/version": dial tcp: connection refused',
    "; no cluster is selected: name one with --context, or set KUBECONFIG.",
  ],
  [
    'Error: Kubernetes cluster unreachable: Get "https://a.example/version": dial tcp: lookup a.example: no such host',
    "; the API server's name does not resolve here: check the VPN, DNS and the server in the kubeconfig.",
  ],
])("Helm that does not reach the cluster gets kubectl's fixes: %j", (stderr, fix) => {
  const words = stderr.replace("Error: ", "");
  const command = { program: "helm", args: ["list", "--kube-context=prod"] };
  expect(failed(command, "list the Helm releases", stderr).message).toBe(
    `Could not list the Helm releases: helm (context "prod") says "${words}"${fix}`,
  );
});

test.each([
  ["warning\nError: a\n  b.\n", "a b"],
  ["only\nthe last", "the last"],
  ["ERROR: access denied\n", "access denied"],
  [
    "debug: got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln, k8s-aws-v1.aHR0-c, ya29.a0-B_c",
    "debug: got (a token), (a token), (a token)",
  ],
  // tctl prints this, also where nobody sees colours (Teleport lib/utils/cli.go).
  ["\u001b[31mERROR: \u001b[0maccess denied\n\tuser is locked\n", "access denied user is locked"],
  ["", "nothing"],
])("the last words of %j are %j", (stderr, words) => {
  expect(lastWords(stderr)).toBe(words);
});
