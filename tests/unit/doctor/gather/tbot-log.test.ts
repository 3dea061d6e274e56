import { describe, expect, it } from "vitest";
import { complaintsIn } from "../../../../tools/doctor/gather/tbot-log.ts";

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
