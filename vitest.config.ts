import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"] } },
      { test: { name: "snapshot", include: ["tests/snapshot/**/*.test.ts"], testTimeout: 30_000 } },
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
