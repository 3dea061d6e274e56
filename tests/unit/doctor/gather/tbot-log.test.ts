import { describe, expect, it } from "vitest";
import { complaintsIn, lastWordsIn } from "../../../../tools/doctor/gather/tbot-log.ts";

const MESSAGE = "Failed to perform Kubernetes workload attestation";

/** A line as the lab's tbot wrote it: github.com/gravitational/trace makes an object of a wrapped error. */
const WRAPPED = `{"timestamp":"2026-11-24T19:52:10.442360776Z","level":"warn","message":"${MESSAGE}","service":"workload-identity-api-1","error":{"error":{"message":"Get \\"https://10.200.0.1:10250/pods\\": dial tcp 10.200.0.1:10250: connect: connection refused"},"messages":["performing request","listing all pods","finding pod by ID"]}}`;

describe("tbot's log", () => {
  it("a wrapped error is one line, its cause last", () => {
    expect(complaintsIn(WRAPPED)).toEqual([
      {
        message: MESSAGE,
        error:
          'finding pod by ID: listing all pods: performing request: Get "https://10.200.0.1:10250/pods": dial tcp 10.200.0.1:10250: connect: connection refused',
      },
    ]);
  });

  it.each([
    ["a text", '"no pod"', "no pod"],
    ["a message beside the cause", '{"error":{"message":"cause"},"message":"doing"}', "doing: cause"],
    ["nothing readable", "[1]", ""],
    ["none", "null", ""],
  ])("an error that is %s", (_, json, error) => {
    expect(complaintsIn(`{"level":"ERROR","message":"m","error":${json}}`)).toEqual([{ message: "m", error }]);
  });

  it("leaves out what is no complaint, and no JSON", () => {
    expect(complaintsIn('{"level":"info","message":"m"}\nstarting\nnull\n{"message":"m"}\n')).toEqual([]);
  });
});

describe("tbot's last words", () => {
  const INFO = '{"level":"info","message":"Initializing tbot","version":"18.11.1"}';
  const ERROR = '{"level":"error","message":"Service exited with error","error":{"message":"timeout waiting"}}';

  it.each([
    [
      "an error of several lines, in red",
      `${INFO}\n${ERROR}\n\u001b[31mERROR: \u001b[0mjoining with token\n\tvalidating jwt signature\n\t\tno such key\n\n`,
      "joining with token: validating jwt signature: no such key",
    ],
    ["an error without colour", `${INFO}\nERROR: joining with token\n`, "joining with token"],
    ["the last of two errors", "ERROR: a\nERROR: b\n", "b"],
    ["a log that breaks off", `${INFO}\n${ERROR}\n`, "Service exited with error: timeout waiting"],
    ["no JSON", "panic: x\n", "panic: x"],
    ["nothing", "\n", ""],
  ])("%s", (_, log, words) => {
    expect(lastWordsIn(log)).toBe(words);
  });

  it("are cut where they are long", () => {
    expect(lastWordsIn(`ERROR: ${"x".repeat(1000)}`)).toHaveLength(500);
  });
});
