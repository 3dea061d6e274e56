import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { commandReference } from "../../../scripts/gen-schema/command-reference.ts";
import { istioTeleport } from "../../../tools/program.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { repositoryPath } from "../../support/run-helm.ts";

const reference = commandReference();
const sectionOf = (name: string) => reference.split(/^## /m).find((section) => section.startsWith(`${name}\n`)) ?? "";

it("has a section for each command, also for those below others", () => {
  const { commands } = istioTeleport(systemRunner);
  const names = commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((below) => `${command.name()} ${below.name()}`),
  ]);
  expect(names).toEqual(expect.arrayContaining(["doctor", "render teleport", "graph learn"]));
  expect(reference.match(/^## .*$/gm)).toHaveLength(names.length + 1);
  for (const name of names) expect(sectionOf(name)).toContain(`istio-teleport ${name}`);
});

it("says of a flag what it takes, what it means, which words it knows and what holds without it", () => {
  const doctor = sectionOf("doctor");
  expect(doctor).toContain("| `--format <format>` | form of the report; one of `table`, `json`, `junit` | `table` |");
  expect(doctor).toContain("| `--pre` | check what must hold before an installation, with the values (-f) |  |");
  expect(sectionOf("init")).toMatch(/^\| `--cluster-name <name>` \| .*; required \| {2}\|$/m);
  expect(sectionOf("install")).toMatch(/^\| `--timeout <duration>` \| .* \| 5m \|$/m);
});

it("has the exit codes as a table, and the rest of the help text", () => {
  const graph = sectionOf("graph");
  expect(graph).toContain("| 3 | `--diff` has found a difference |");
  expect(graph).toContain("istio-teleport graph --diff before.yaml values.yaml");
  expect(reference).not.toContain("Exit codes:");
});

it("leads to pages of the main branch, for a version that is raised would make it stale", () => {
  expect(reference).toContain("/blob/main/docs/operate/policies.md");
  expect(reference).not.toMatch(/\/blob\/v\d/);
});

it("cli.md names each environment variable that the tools read", () => {
  const page = readFileSync(repositoryPath("docs/reference/cli.md"), "utf8");
  const read = readdirSync(repositoryPath("tools"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [
      ...readFileSync(repositoryPath(join("tools", file)), "utf8").matchAll(/process\.env\.([A-Z_]+)/g),
    ])
    .map(([, name = ""]) => name);
  expect(read).toContain("ISTIO_TELEPORT_DEBUG");
  for (const name of [...read, "KUBECONFIG", "KUBERNETES_SERVICE_HOST"]) expect(page).toContain(`\`${name}`);
});
