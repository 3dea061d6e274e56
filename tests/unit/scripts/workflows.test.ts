import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";

/** What neither actionlint nor zizmor knows of .github/workflows; `npm run workflow-lint` runs those. */

const FILES = readdirSync(repositoryPath(".github/workflows"));
const read = (path: string) => readFileSync(repositoryPath(path), "utf8");

it.each(FILES)("%s pins each action by digest, the same everywhere, and says its version", (file) => {
  const uses = [...read(`.github/workflows/${file}`).matchAll(/uses: (\S+) *(.*)$/gm)];
  expect(uses.length).toBeGreaterThan(0);
  for (const [, action, comment] of uses) {
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    expect(comment).toMatch(/^# v\d+\.\d+\.\d+$/);
  }
});

it("runs no package's install script where a release is made: it could sign as the workflow", () => {
  const installs = [...read(".github/workflows/release.yml").matchAll(/run: (npm ci.*)$/gm)].map(
    ([, command]) => command,
  );
  expect(installs).toEqual(["npm ci --ignore-scripts", "npm ci --ignore-scripts"]);
});

it("runs scripts that exist", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = FILES.flatMap((file) => [
    ...read(`.github/workflows/${file}`).matchAll(/npm run (?:--silent )?([\w:-]+)/g),
  ]);
  expect(named.map(([, script]) => script)).toEqual(["release", "release"]);
  expect(scripts).toHaveProperty("release");
  expect(FILES.some((file) => read(`.github/workflows/${file}`).includes("bash .ci/run"))).toBe(true);
});
