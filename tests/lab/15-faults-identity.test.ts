import { afterAll, beforeAll, describe, it } from "vitest";
import { killContainer } from "./lib/containers.ts";
import { type Fault, FaultBench } from "./lib/fault.ts";
import { onePod } from "./lib/pods.ts";

/** Faults of what gives workloads their identity: tbot, its socket, Teleport. docs/faults.md has a section for each. */

const TTL = 90;
const RENEWAL = 20;

const FAULTS: readonly Fault[] = [
  {
    name: "tbot is killed",
    break: async () => {
      const { metadata } = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
      await killContainer("teleport-system", metadata.name, "tbot");
    },
  },
];

let bench: FaultBench;
beforeAll(async () => {
  bench = await FaultBench.open("identity", { ttl: TTL, renewal: RENEWAL });
});
afterAll(() => bench?.close());

describe(`with certificates of ${TTL} s, renewed every ${RENEWAL} s, under load`, () => {
  it.each(FAULTS)("$name: as docs/faults.md says", { timeout: 400_000 }, async (fault) => {
    await bench.try(fault);
  });
});
