import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";

test("a wrong value is told at once, though kubectl hangs, ignores SIGTERM and has started others", () => {
  const directory = mkdtempSync(join(tmpdir(), "hanging-"));
  try {
    writeFileSync(join(directory, "kubectl"), "#!/bin/sh\ntrap '' TERM\nsleep 600\nsleep 600\n", { mode: 0o755 });
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", repositoryPath("tools/cli.ts"), "gen-token", "--set", "tbot.debgu=true"],
      {
        encoding: "utf8",
        env: { ...process.env, PATH: `${directory}${delimiter}${process.env.PATH}` },
        timeout: 60_000,
      },
    );
    expect(stderr).toContain("did you mean tbot.debug");
    expect(status).toBe(1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
