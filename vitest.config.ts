import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Lab files build on each other (the installation first), so they run in the order of their names. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId));
  }
}

/** Milliseconds after which a test without a cluster counts as hanging; the longest takes some seconds. */
const HANGING = 120_000;

/** Environment, working directory, streams and mocks are the whole process's, and so are the helpers that change them. */
const CHANGES_THE_PROCESS = /\bprocess\.|\bvi\.|\/(captured-output|fake-[a-z-]+|run-cli)\.ts"/;

/** The unit tests that leave the process as it is: they share one, for each start costs a quarter of a CPU second. */
const PURE = readdirSync(join(import.meta.dirname, "tests/unit"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => join("tests/unit", file))
  .filter((file) => !CHANGES_THE_PROCESS.test(readFileSync(join(import.meta.dirname, file), "utf8")));

const WITHOUT_CLUSTER = {
  testTimeout: HANGING,
  hookTimeout: HANGING,
  globalSetup: "tests/support/helm-on-path.ts",
  // A CI runner is often a pod, and the tools go by this.
  env: { KUBERNETES_SERVICE_HOST: "" },
};

export default defineConfig({
  test: {
    sequence: { sequencer: ByName },
    // Most tests wait for Helm, kubectl or Node itself; one worker less than cores, vitest's own choice, would idle.
    maxWorkers: "100%",
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], exclude: PURE, ...WITHOUT_CLUSTER } },
      { test: { name: "pure", include: PURE, isolate: false, ...WITHOUT_CLUSTER } },
      { test: { name: "chart", include: ["tests/chart/**/*.test.ts"], isolate: false, ...WITHOUT_CLUSTER } },
      {
        test: {
          name: "browser",
          include: ["tests/browser/**/*.test.ts"],
          // One browser for all: each start of it costs a second.
          fileParallelism: false,
          ...WITHOUT_CLUSTER,
        },
      },
      {
        test: {
          name: "lab",
          include: ["tests/lab/**/*.test.ts"],
          // One mesh, one state: lab files run one after the other, each test may wait for pods.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          // Names of faults begin alike, and vitest would cut them off at 40 characters, for -t too.
          chaiConfig: { truncateThreshold: 200 },
        },
      },
      {
        // Runs inside the lab: `npm run release -- --rehearse --lab`.
        test: {
          name: "published",
          include: ["tests/published/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
