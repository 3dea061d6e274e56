import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { deadLinks } from "../../../../scripts/site/built-links.ts";

let site: string;
beforeEach(async () => {
  site = await mkdtemp(join(tmpdir(), "site-"));
  await mkdir(join(site, "start"));
  await writeFile(join(site, "start/there.html"), '<h2 id="section">There</h2>');
  await writeFile(join(site, "style.css"), "");
});
afterEach(() => rm(site, { recursive: true }));

async function deadOf(body: string): Promise<string[]> {
  await writeFile(join(site, "index.html"), body);
  return deadLinks(site, "/base/");
}

it("finds nothing wrong with pages, sections, files and other hosts", async () => {
  const links = ["/base/start/there", "/base/start/there#section", "/base/", "start/there", "https://example.com/x"];
  const body = `<link href="/base/style.css">${links.map((link) => `<a href="${link}">x</a>`).join("")}`;
  expect(await deadOf(body)).toEqual([]);
});

it.each([
  ["/base/start/gone", "a page"],
  ["/base/start/there#gone", "a section"],
  ["#gone", "a section of the same page"],
  ["/start/there", "a page without the base path"],
  ["https://github.com/istio-teleport/istio-teleport/blob/main/docs/gone.md", "a file of the repository"],
])("finds %s: %s that is not there", async (link) => {
  expect(await deadOf(`<p><a class="x" href="${link}">x</a></p>`)).toEqual([`index.html: ${link}`]);
});

it("finds each of a picture's files that is not there", async () => {
  const picture =
    '<picture><source srcset="/base/gone.svg"><img src="/base/lost.svg" srcset="/base/away.svg"></picture>';
  expect(await deadOf(picture)).toEqual(["gone", "lost", "away"].map((name) => `index.html: /base/${name}.svg`));
});

it("finds pictures and scripts that are not there", async () => {
  expect(await deadOf('<img alt="" src="/base/gone.svg"><script src="/base/gone.js"></script>')).toEqual([
    "index.html: /base/gone.svg",
    "index.html: /base/gone.js",
  ]);
});
