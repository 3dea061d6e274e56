import { execFileSync } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Checkout, readCheckout, refusals } from "../../../../scripts/release/preconditions.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

const READY: Checkout = {
  versions: new Map([
    ["package.json", "1.2.3"],
    ["chart/Chart.yaml", "1.2.3"],
  ]),
  changelog: "# Changelog\n\n## 1.2.3\n\n### Minor Changes\n\n- A.\n",
  pendingChangesets: [],
  status: "",
  unknownFiles: [],
  tags: ["v1.2.3"],
  images: [{ value: "tbot.image", image: "example.com/tbot:1", digest: `sha256:${"0".repeat(64)}` }],
};

it("lets a tagged, clean checkout with one version pass", () => {
  expect(refusals(READY)).toEqual([]);
});

it.each<[string, Partial<Checkout>, string]>([
  [
    "another version",
    { versions: new Map([...READY.versions, ["chart/charts/tbot/Chart.yaml", "1.2.2"]]) },
    "chart/charts/tbot/Chart.yaml has version 1.2.2 and package.json 1.2.3; run `npm run release -- version` and commit what it writes.",
  ],
  [
    "no entry in the changelog",
    { changelog: "# Changelog\n\n## 1.2.2\n" },
    'CHANGELOG.md has no section "## 1.2.3"; run `npm run release -- version`.',
  ],
  [
    "a change that no version has",
    { pendingChangesets: ["brave-cats.md"] },
    ".changeset has brave-cats.md, not in a version yet; run `npm run release -- version`.",
  ],
  [
    "changed files",
    { status: " M README.md\n" },
    "The checkout has changes that are not committed; commit or stash them.",
  ],
  [
    "a file that git ignores, and that Helm would take for a subchart",
    { unknownFiles: ["chart/charts/stranger-1.0.0.tgz"] },
    "Git does not know chart/charts/stranger-1.0.0.tgz, and it would be packed; commit or remove it.",
  ],
  ["another tag", { tags: ["v1.2.2"] }, "HEAD has no tag v1.2.3; tag the commit that is to be released."],
  [
    "images without a digest",
    {
      images: [
        { value: "a", image: "example.com/a:1", digest: null },
        ...READY.images,
        { value: "b", image: "example.com/b:1", digest: null },
      ],
    },
    "No digest is known of 2 of 3 images (a, b); run `npm run release -- images` where the registries can be reached.",
  ],
])("refuses %s", (_, change, sentence) => {
  expect(refusals({ ...READY, ...change })).toEqual([sentence]);
});

it("sees files that would be packed and that git ignores, whatever git's settings hide", async () => {
  const root = await mkdtemp(join(tmpdir(), "checkout-"));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root });
  const files = [
    "package.json",
    "package-lock.json",
    "CHANGELOG.md",
    ".gitignore",
    ".changeset",
    "scripts/release/gen-token",
  ];
  for (const file of [...files, "chart"]) await cp(repositoryPath(file), join(root, file), { recursive: true });
  git("init", "--quiet");
  git("config", "status.showUntrackedFiles", "no");
  git("add", "--all");
  git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "a");
  expect(await readCheckout(root, [])).toMatchObject({ status: "", unknownFiles: [] });
  await writeFile(join(root, "chart/charts/stranger-1.0.0.tgz"), "");
  await writeFile(join(root, "new.ts"), "");
  expect(await readCheckout(root, [])).toMatchObject({
    status: "?? new.ts\n",
    unknownFiles: ["chart/charts/stranger-1.0.0.tgz"],
  });
  await rm(root, { recursive: true });
});
