import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { clonePages, type Pages, pushIndex, putSite } from "../../../../scripts/release/pages.ts";

let dir: string;
let pages: Pages;
const git = (...args: string[]) => execFileSync("git", args, { cwd: dir, encoding: "utf8" });
const pushed = () => git("--git-dir", "bare.git", "ls-tree", "-r", "--name-only", "gh-pages").trim().split("\n");

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pages-"));
  git("init", "--quiet", "--initial-branch", "gh-pages", "seed");
  await mkdir(join(dir, "seed/assets"));
  for (const file of ["index.yaml", "CNAME", "old-page.html", "assets/old.js"])
    await writeFile(join(dir, "seed", file), file);
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  git("-C", "seed", "add", ".");
  git("-C", "seed", ...author, "commit", "--quiet", "--message", "old");
  git("clone", "--quiet", "--bare", "seed", "bare.git");
  pages = await clonePages(`file://${dir}/bare.git`, join(dir, "pages"));
  await mkdir(join(dir, "site/assets"), { recursive: true });
  for (const file of ["index.html", "assets/new.js"]) await writeFile(join(dir, "site", file), file);
  await writeFile(join(dir, "new-index.yaml"), "new");
});
afterEach(() => rm(dir, { recursive: true }));

it("a new site replaces the old one in one commit with the index, and leaves what is not of a site", async () => {
  await putSite(pages, join(dir, "site"));
  await pushIndex(pages, join(dir, "new-index.yaml"), "1.2.3");
  expect(pushed()).toEqual([".nojekyll", "CNAME", "assets/new.js", "index.html", "index.yaml"]);
  expect(git("--git-dir", "bare.git", "show", "gh-pages:index.yaml")).toBe("new");
  expect(git("--git-dir", "bare.git", "log", "--format=%s", "gh-pages").trim().split("\n")).toEqual([
    "Chart 1.2.3",
    "old",
  ]);
});

it("without a new site the old one stays beside the new index", async () => {
  await pushIndex(pages, join(dir, "new-index.yaml"), "1.2.3-rc.1");
  expect(pushed()).toEqual(["CNAME", "assets/old.js", "index.yaml", "old-page.html"]);
});
