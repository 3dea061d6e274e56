import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { passControllersOn } from "../../../../lab/machine/namespaces.ts";

describe("controllers of a cgroup", () => {
  let cgroup: string;
  beforeEach(() => {
    cgroup = mkdtempSync(join(tmpdir(), "cgroup-"));
  });
  afterEach(() => rmSync(cgroup, { recursive: true }));

  it("are passed on where they aren't yet", () => {
    writeFileSync(join(cgroup, "cgroup.controllers"), "cpu pids\n");
    writeFileSync(join(cgroup, "cgroup.subtree_control"), "cpu\n");
    passControllersOn(cgroup);
    expect(readFileSync(join(cgroup, "cgroup.subtree_control"), "utf8")).toBe("+pids");
  });

  it("are left alone where they are passed on already, which a read-only or busy root cgroup would refuse", () => {
    writeFileSync(join(cgroup, "cgroup.controllers"), "cpu pids\n");
    writeFileSync(join(cgroup, "cgroup.subtree_control"), "pids cpu\n");
    passControllersOn(cgroup);
    expect(readFileSync(join(cgroup, "cgroup.subtree_control"), "utf8")).toBe("pids cpu\n");
  });
});
