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

const WITHOUT_CLUSTER = {
  testTimeout: HANGING,
  hookTimeout: HANGING,
  globalSetup: "tests/support/helm-on-path.ts",
};

export default defineConfig({
  test: {
    sequence: { sequencer: ByName },
    // Most tests wait for Helm, kubectl or Node itself; one worker less than cores, vitest's own choice, would idle.
    maxWorkers: "100%",
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], ...WITHOUT_CLUSTER } },
      { test: { name: "chart", include: ["tests/chart/**/*.test.ts"], ...WITHOUT_CLUSTER } },
      {
        test: {
          name: "lab",
          include: ["tests/lab/**/*.test.ts"],
          // One mesh, one state: lab files run one after the other, each test may wait for pods.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
