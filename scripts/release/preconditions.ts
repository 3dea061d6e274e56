import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { sectionOf } from "./changelog.ts";
import { type PinnedImage, unpinned } from "./images.ts";
import { run } from "./run.ts";

/** What a checkout says about the release that would be made of it. */
export interface Checkout {
  /** Where a version stands → the version. */
  readonly versions: ReadonlyMap<string, string>;
  readonly changelog: string;
  /** Files of .changeset that no release has taken yet. */
  readonly pendingChangesets: readonly string[];
  /** What `git status --porcelain` prints. */
  readonly status: string;
  /** Files in folders that are packed, which git does not know: `git status` is silent about those that it ignores. */
  readonly unknownFiles: readonly string[];
  /** Tags of HEAD. */
  readonly tags: readonly string[];
  readonly images: readonly PinnedImage[];
}

/** Folders whose files are packed, all of them. */
const PACKED = ["bin", "chart", "docs", "scripts/release/gen-token"] as const;

/** Reads a checkout; git says what is committed. */
export async function readCheckout(root: string, images: readonly PinnedImage[]): Promise<Checkout> {
  const text = (path: string) => readFile(join(root, path), "utf8");
  const manifest = JSON.parse(await text("package.json")) as { version: string };
  const lock = JSON.parse(await text("package-lock.json")) as { version: string };
  const reserved = JSON.parse(await text("scripts/release/gen-token/package.json")) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const chart = parse(await text("chart/Chart.yaml")) as {
    version: string;
    dependencies: { name: string; version: string }[];
  };
  const subcharts = await Promise.all(
    (await foldersIn(join(root, "chart/charts"))).map(async (name): Promise<[string, string]> => {
      const path = `chart/charts/${name}/Chart.yaml`;
      return [path, (parse(await text(path)) as { version: string }).version];
    }),
  );
  return {
    versions: new Map([
      ["package.json", manifest.version],
      ["package-lock.json", lock.version],
      ["scripts/release/gen-token/package.json", reserved.version],
      ["its dependency istio-teleport", reserved.dependencies["istio-teleport"] ?? "none"],
      ["chart/Chart.yaml", chart.version],
      ...chart.dependencies.map(({ name, version }): [string, string] => [`its dependency ${name}`, version]),
      ...subcharts,
    ]),
    changelog: await text("CHANGELOG.md"),
    pendingChangesets: (await readdir(join(root, ".changeset"))).filter(
      (file) => file.endsWith(".md") && file !== "README.md",
    ),
    // Whatever the user's own settings of git hide.
    status: await run("git", ["status", "--porcelain", "--untracked-files=all"], { cwd: root }),
    unknownFiles: lines(await run("git", ["ls-files", "--others", "--", ...PACKED], { cwd: root })),
    tags: lines(await run("git", ["tag", "--points-at", "HEAD"], { cwd: root })),
    images,
  };
}

/** Why this checkout may not be released: a sentence each, with the fix. Empty if it may. */
export function refusals(checkout: Checkout): string[] {
  const version = checkout.versions.get("package.json") ?? "";
  const missing = unpinned(checkout.images);
  const others = [...checkout.versions].filter(([, other]) => other !== version);
  return [
    ...others.map(
      ([place, other]) =>
        `${place} has version ${other} and package.json ${version}; run \`npm run release -- version\` and commit what it writes.`,
    ),
    ...(sectionOf(checkout.changelog, version) === undefined
      ? [`CHANGELOG.md has no section "## ${version}"; run \`npm run release -- version\`.`]
      : []),
    ...(checkout.pendingChangesets.length > 0
      ? [
          `.changeset has ${checkout.pendingChangesets.join(", ")}, not in a version yet; run \`npm run release -- version\`.`,
        ]
      : []),
    ...(checkout.status === "" ? [] : ["The checkout has changes that are not committed; commit or stash them."]),
    ...(checkout.unknownFiles.length === 0
      ? []
      : [`Git does not know ${checkout.unknownFiles.join(", ")}, and it would be packed; commit or remove it.`]),
    ...(checkout.tags.includes(`v${version}`)
      ? []
      : [`HEAD has no tag v${version}; tag the commit that is to be released.`]),
    ...(missing.length === 0
      ? []
      : [
          `No digest is known of ${missing.length} of ${checkout.images.length} images (${missing.map(({ value }) => value).join(", ")}); run \`npm run release -- images\` where the registries can be reached.`,
        ]),
  ];
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
