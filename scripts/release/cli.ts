/**
 * `npm run release`: makes and publishes a release of the chart and the CLI. Each step is a file of this folder, and runs
 * on any machine with Node, Helm, GnuPG and Go; CONTRIBUTING.md says when to run which.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { ExitError } from "../../tools/base/exit-error.ts";
import { packageVersion } from "../../tools/base/package-files.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { runMain } from "../../tools/terminal/run-command.ts";
import { say } from "../../tools/terminal/say.ts";
import { helmOnPath } from "../pinned-helm.ts";
import { buildRelease } from "./build.ts";
import { channelOf, versionsIn } from "./channel.ts";
import { BASES_FILE, baseImages, buildCommand, publishImage } from "./image.ts";
import { IMAGES_FILE, imagesOf, imagesText, type PinnedImage, pinnedImages, withDigests } from "./images.ts";
import { emptyOutput } from "./output.ts";
import { clonePages, pushIndex, putSite } from "./pages.ts";
import { readCheckout, refusals } from "./preconditions.ts";
import { builtProgram } from "./programs.ts";
import {
  githubCommand,
  npmCommands,
  publishChart,
  publishNpm,
  pushCommand,
  signCommand,
  signSums,
  signSumsCommand,
} from "./publish.ts";
import { rehearseInLab } from "./rehearsal/in-lab.ts";
import { rehearse } from "./rehearsal/rehearse.ts";
import { FOLDERS, type Release } from "./release.ts";
import { isOnGithub, takePublishedChart } from "./resume.ts";
import { run, shown } from "./run.ts";
import { signingKey } from "./signing-key.ts";
import { nextVersion } from "./version.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const IMAGE_REGISTRY = "ghcr.io/istio-teleport";
const CHART_REGISTRY = `${IMAGE_REGISTRY}/charts`;

interface Flags {
  dryRun: boolean;
  rehearse: boolean;
  lab: boolean;
  output: string;
}

const command = new Command("release")
  .description("make and publish a release: npm packages, signed chart, index, documentation site, SBOMs, checksums")
  .option(
    "--dry-run",
    "make everything with a key that nobody keeps, and print the commands that would publish it",
    false,
  )
  .option(
    "--rehearse",
    "the same, published to a registry and a chart repository on this machine, verified and tampered with",
    false,
  )
  .option("--lab", "with --rehearse: install from what was published in the lab, which is emptied before", false)
  .option(
    "--output <dir>",
    "where the files go: a folder below out/, which is replaced, or one that is empty or new",
    "out/release",
  )
  .action(async (flags: Flags) => {
    await helmOnPath();
    if (flags.lab && !flags.rehearse)
      throw new ExitError("--lab says where a release is rehearsed; give --rehearse, too.");
    if (flags.rehearse) return flags.lab ? rehearseInLab(ROOT) : rehearse(ROOT);
    await release(flags);
  });

command
  .command("version")
  .description("take the pending changesets into a new version and the changelog")
  .action(async () => {
    await helmOnPath();
    await nextVersion(ROOT);
  });

command
  .command("images")
  .description(`write the digests of the chart's images to ${IMAGES_FILE}, and of the tools' image's bases`)
  .option("--insecure", "ask registries over HTTP", false)
  .action(async ({ insecure }: { insecure: boolean }) => {
    const crane = await builtProgram("crane");
    const refresh = async (file: string, images: { value: string; image: string }[]) =>
      writeFile(join(ROOT, file), imagesText(await withDigests(images, crane, { isInsecure: insecure })));
    await refresh(IMAGES_FILE, imagesOf(await readFile(join(ROOT, "chart/values.yaml"), "utf8")));
    await refresh(BASES_FILE, baseImages(await readFile(join(ROOT, "Dockerfile"), "utf8")));
  });

/** Makes the files; publishes them unless it is a dry run. */
async function release(flags: Flags): Promise<void> {
  const bases = await pinnedImages(ROOT, BASES_FILE);
  const problems = refusals(await readCheckout(ROOT, [...(await pinnedImages(ROOT)), ...bases]));
  if (problems.length > 0 && !flags.dryRun) throw new ExitError(problems.join(" "));
  for (const problem of problems) say(`would be refused: ${problem}`);
  const folder = await emptyOutput(ROOT, flags.output);
  await withTempDir(async (secrets) => {
    const version = packageVersion();
    const pages = flags.dryRun ? undefined : await clonePages(`${REPOSITORY}.git`, join(secrets, "pages"));
    const made: Release = {
      version,
      root: ROOT,
      folder,
      archives: `${REPOSITORY}/releases/download/v${version}`,
      previousIndex: pages?.index,
      channel: channelOf(version, await versionsIn(pages?.index)),
      signingKey: await signingKey(secrets, { throwAway: flags.dryRun }),
    };
    await buildRelease(made);
    if (pages === undefined) return showCommands(made, bases);
    if (await isOnGithub(made)) {
      say(`GitHub has the release ${version} already: its chart goes into the index`);
      await takePublishedChart(made);
    } else await publish(made, bases, secrets);
    // What people read is the version that they get unasked.
    if (made.channel === "latest") await putSite(pages, join(folder, FOLDERS.site));
    // Last, for index.yaml names files of the GitHub release.
    await pushIndex(pages, join(folder, FOLDERS.chart, "index.yaml"), version);
  });
}

/** Publishes all but the site and the chart's index; the release on GitHub last, by which a second run knows that it is done. */
async function publish(made: Release, bases: PinnedImage[], secrets: string): Promise<void> {
  const keyless = { cosign: await builtProgram("cosign"), signWith: [] };
  await signSums(made, keyless);
  say(`chart published: ${await publishChart(made, { ...keyless, registry: CHART_REGISTRY })}`);
  say(`image published: ${await publishImage(made, bases, { ...keyless, registry: IMAGE_REGISTRY }, secrets)}`);
  await publishNpm(made);
  const [gh = "", ...createRelease] = await githubCommand(made);
  await run(gh, createRelease, { secret: "github" });
}

/** The commands that a dry run leaves out, on stdout. */
async function showCommands(made: Release, bases: PinnedImage[]): Promise<void> {
  const sign = (image: string) => signCommand(`${image}@sha256:DIGEST`, { cosign: "cosign", signWith: [] });
  const commands = [
    signSumsCommand(made, { cosign: "cosign", signWith: [] }),
    pushCommand(made, { registry: CHART_REGISTRY }),
    sign(`${CHART_REGISTRY}/istio-teleport`),
    buildCommand(made, bases, { registry: IMAGE_REGISTRY, metadata: "image.json" }),
    sign(`${IMAGE_REGISTRY}/istio-teleport`),
    ...npmCommands(made),
    await githubCommand(made),
  ];
  process.stdout.write(`${commands.map(shown).join("\n")}\n`);
}

await runMain(command, process.argv);
