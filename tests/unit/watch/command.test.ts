import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { istioTeleport } from "../../../tools/program.ts";
import type { ExternalCommand, Runner } from "../../../tools/programs/run.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { captureOutput } from "../support/captured-output.ts";
import { type FakeApiServer, fakeApiServer, statusObject } from "../support/fake-api-server.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";

// A cluster without a mesh: doctor's own tests have the healthy one. What counts here is the Event, and the exit code.

const CRON_JOB = { metadata: { name: "istio-teleport-watch", namespace: "teleport-system", uid: "7f-1" } };
const ON = ["--event-on", "teleport-system/istio-teleport-watch"];

let directory: string;
let server: FakeApiServer;
let calls: ExternalCommand[];
/** What `kubectl create` says; empty where it creates. */
let refusal: string;
/** Whether every list of the API server is refused. */
let isForbidden: boolean;

const runner: Runner = {
  run: async (command) => {
    calls.push(command);
    const [verb] = command.args.filter((argument) => !argument.startsWith("--"));
    if (verb === "create" && refusal !== "") return { code: 1, stdout: Buffer.from(""), stderr: refusal };
    return {
      code: 0,
      stdout: Buffer.from(command.args.includes("cronjob") ? JSON.stringify(CRON_JOB) : "{}"),
      stderr: "",
    };
  },
  serve: async ({ args }) => {
    const flag = "--unix-socket=";
    const path = args.find((argument) => argument.startsWith(flag))?.slice(flag.length) ?? "";
    await symlink(join(directory, "api"), path);
    return async () => {};
  },
};

beforeEach(async () => {
  calls = [];
  refusal = "";
  isForbidden = false;
  directory = await mkdtemp(join(tmpdir(), "watch-test-"));
  server = await fakeApiServer(join(directory, "api"), ({ pathname }) => {
    if (pathname === "/version")
      return { body: { gitVersion: "v1.37.0" }, headers: { Date: new Date().toUTCString() } };
    if (pathname === "/openid/v1/jwks") return { body: jwksBytes(rsaKey("new").jwk).toString() };
    return isForbidden ? { status: 403, body: statusObject(403, "pods is forbidden") } : { body: { items: [] } };
  });
});
afterEach(async () => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
  await server.close();
  await rm(directory, { recursive: true });
});

async function watch(...args: string[]) {
  const output = captureOutput();
  await runMain(istioTeleport(runner), ["node", "istio-teleport", "watch", "--teleport-version", "18.11.1", ...args]);
  vi.restoreAllMocks();
  return { ...output, status: process.exitCode ?? 0 };
}

/** The Event that was handed to kubectl. */
function event() {
  return JSON.parse(calls.find(({ stdin }) => stdin !== undefined)?.stdin ?? "null");
}

it("prints doctor's report and records the result on the CronJob", async () => {
  const { stdout, stderr, status } = await watch("--key-ids", "old", ...ON);
  expect({ stderr, status }).toEqual({ stderr: "", status: 1 });
  expect(stdout).toContain('missing key "new" (RS256): tbot cannot join with a token that it signs');
  expect(event()).toMatchObject({
    kind: "Event",
    metadata: { namespace: "teleport-system", generateName: "istio-teleport-watch." },
    involvedObject: { kind: "CronJob", namespace: "teleport-system", name: "istio-teleport-watch", uid: "7f-1" },
    type: "Warning",
    reason: "MeshProblem",
    message: expect.stringMatching(/Failed: .*token-keys/),
    firstTimestamp: expect.stringMatching(/^[\dT:-]+Z$/),
  });
});

it("writes nothing without --event-on, and leaves the keys to others without their IDs", async () => {
  const { stdout } = await watch();
  expect(stdout).toMatch(/^ +- +token-keys /m);
  expect(calls.map(({ args }) => args.at(-1))).toEqual(["/version"]);
});

it("keeps the exit code of a problem when the Event cannot be recorded, and says so", async () => {
  refusal = "Error from server (Forbidden): events is forbidden";
  const { stderr, status } = await watch(...ON);
  expect(status).toBe(1);
  expect(stderr).toMatch(/Could not record the result as an Event: .*events is forbidden/);
});

it("ends with 2 where nothing could be looked at, Event or not", async () => {
  isForbidden = true;
  expect(await watch(...ON)).toMatchObject({ status: 2, stderr: "" });
  expect(event()).toMatchObject({ type: "Warning", reason: "ChecksIncomplete" });
  refusal = "Error from server (Forbidden): events is forbidden";
  expect(await watch(...ON)).toMatchObject({ status: 2, stderr: expect.stringContaining("events is forbidden") });
});

it.each([
  [["--key-ids", ""], '--key-ids "" has an empty key ID'],
  [["--event-on", "watch"], '--event-on "watch" is no CronJob; write it as NAMESPACE/NAME.'],
  [["--wait", "soon"], '--wait "soon" is not a duration'],
])("%j is refused before the cluster is asked", async (args, sentence) => {
  const { status, stdout, stderr } = await watch(...args);
  expect({ status, stdout, calls }).toEqual({ status: 1, stdout: "", calls: [] });
  expect(stderr).toContain(sentence);
});
