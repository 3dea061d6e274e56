import { copyFile, cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { packageVersion } from "../../../tools/base/package-files.ts";
import { buildRelease } from "../build.ts";
import { indexCharts } from "../chart-index.ts";
import { chartArchive, packChart } from "../chart-package.ts";
import { npmArchives } from "../npm-package.ts";
import { clonePages, type Pages, pushIndex, putSite } from "../pages.ts";
import { builtProgram } from "../programs.ts";
import { publishChart, publishNpm, signCommand, signSums } from "../publish.ts";
import { FOLDERS, type Release } from "../release.ts";
import { type Ended, run, tryRun } from "../run.ts";
import { signingKey } from "../signing-key.ts";
import { assets, SUMS_BUNDLE, SUMS_FILE } from "../sums.ts";
import { writeChartVersion } from "../version.ts";
import { type CertificateAuthority, releaseWorkflow, serveCertificates } from "./certificate-authority.ts";
import { madeFolder, newFolder } from "./folders.ts";
import { serveFolder, serveRegistry } from "./local-servers.ts";
import { type NpmRegistry, serveNpm } from "./npm-registry.ts";

/** The version before the one that is released. */
export const PREVIOUS = "0.0.1";

/** Two releases, published on this machine: the checkout's, and one before it of which there is the chart only. */
export interface Stage {
  readonly release: Release;
  /** A folder for what its users write. */
  readonly scratch: string;
  /** The chart repository. */
  readonly charts: string;
  /** What it serves: index.yaml, and each release's files in a folder of its own, as GitHub has them. */
  readonly served: string;
  /** Clone of the Git branch of the chart repository. */
  readonly pages: Pages;
  /** Address of the OCI registry. */
  readonly registry: string;
  /** The published chart, by digest. */
  readonly reference: string;
  /**
   * What stands for the tools' image, by digest: the npm archive of the CLI in one layer, on nothing. The Dockerfile needs an
   * engine and base images.
   */
  readonly image: string;
  readonly npm: NpmRegistry;
  /** npm's settings of somebody who takes packages from there, and may publish: lines of `.npmrc`. */
  readonly npmrc: string;
  readonly crane: string;
  readonly cosign: string;
  readonly authority: CertificateAuthority;
  stop(): Promise<void>;
}

/** Where a release's files are, as people download them. */
export function downloads({ served }: Pick<Stage, "served">, version: string): string {
  return join(served, "download", `v${version}`);
}

/** The path of charts in the registry. */
export function ociCharts({ registry }: Pick<Stage, "registry">): string {
  return `${registry}/charts`;
}

/**
 * Makes a release and publishes it to servers on loopback: npm packages, chart by HTTP and by OCI, index, SBOMs, sums.
 *
 * @param temp a folder that the caller removes
 * @param dependencies npm archives of what ours depends on, so that nothing leaves the machine
 * @param previousChart folder of the chart of the release before
 */
export async function publishHere(
  root: string,
  temp: string,
  { dependencies, previousChart }: { dependencies: string; previousChart: string },
): Promise<Stage> {
  const crane = await builtProgram("crane");
  const cosign = await builtProgram("cosign");
  const served = await madeFolder(temp, "served");
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops) await each();
  };
  const started = async <T extends { stop(): Promise<void> }>(server: Promise<T>) => {
    const up = await server;
    stops.push(up.stop);
    return up;
  };
  try {
    const charts = await started(serveFolder(served));
    const registry = await started(serveRegistry(crane));
    const npm = await started(serveNpm(dependencies));
    const npmrc = `registry=${npm.url}/\n//${new URL(npm.url).host}/:_authToken=nobody\n`;
    await writeFile(join(temp, "npmrc"), npmrc);

    const key = await signingKey(await madeFolder(temp, "keys"), { throwAway: true });
    const made = (version: string, more: Pick<Release, "root" | "previousIndex">): Release => ({
      version,
      folder: join(temp, "release", version),
      archives: `${charts.url}/download/v${version}`,
      channel: "latest",
      signingKey: key,
      ...more,
    });
    const authority = await started(serveCertificates(temp, cosign));
    const signer = (version: string) => ({ cosign, signWith: authority.signAs(releaseWorkflow(version)) });
    const target = { registry: `${registry.address}/charts`, isPlain: true };

    const old = made(PREVIOUS, { root: await previousRoot(root, temp, previousChart), previousIndex: undefined });
    await packChart(old);
    await indexCharts(old);
    await publishChart(old, { ...target, ...signer(old.version) });
    await offer(served, old.version, await filesOf(join(old.folder, FOLDERS.chart), /\.tgz(\.prov)?$/));

    const remote = await pagesWith(temp, join(old.folder, FOLDERS.chart, "index.yaml"));
    const pages = await clonePages(remote, join(temp, "pages"));
    const release = made(packageVersion(), { root, previousIndex: pages.index });
    await mkdir(release.folder, { recursive: true });
    await buildRelease(release);
    await signSums(release, signer(release.version));
    const reference = await publishChart(release, { ...target, ...signer(release.version) });
    const image = await publishImageStandIn(release, registry.address, crane);
    const [, ...sign] = signCommand(image, signer(release.version));
    await run(cosign, sign);
    await publishNpm(release, publisher(join(temp, "npmrc")));
    const sums = [SUMS_FILE, SUMS_BUNDLE].map((file) => join(release.folder, file));
    await offer(served, release.version, [...(await assets(release)), ...sums]);
    await putSite(pages, join(release.folder, FOLDERS.site));
    await pushIndex(pages, join(release.folder, FOLDERS.chart, "index.yaml"), release.version);
    await copyFile(join(pages.folder, "index.yaml"), join(served, "index.yaml"));
    return {
      release,
      scratch: await madeFolder(temp, "scratch"),
      charts: charts.url,
      served,
      pages,
      registry: registry.address,
      reference,
      image,
      npm,
      npmrc,
      crane,
      cosign,
      authority,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A folder like a checkout with the chart of the release before; what an older chart lacks is today's. */
async function previousRoot(root: string, temp: string, chart: string): Promise<string> {
  const folder = await madeFolder(temp, "previous");
  for (const file of ["LICENSE", "CHANGELOG.md"]) await copyFile(join(root, file), join(folder, file));
  await mkdir(join(folder, "chart"));
  await copyFile(join(root, "chart/images.json"), join(folder, "chart/images.json"));
  await cp(chart, join(folder, "chart"), { recursive: true });
  await writeChartVersion(join(folder, "chart"), PREVIOUS);
  return folder;
}

/** Where npm's packages go from here. `npm run` has set these names, so others would not do. */
export function publisher(npmrc: string): Parameters<typeof publishNpm>[1] {
  return { env: { npm_config_userconfig: npmrc, npm_config_cache: `${npmrc}-cache` }, hasProvenance: false };
}

/** Pushes what stands for the tools' image. Returns its reference. */
async function publishImageStandIn(release: Release, registry: string, crane: string): Promise<string> {
  const [archive = ""] = npmArchives(release);
  const tag = `${registry}/istio-teleport:${release.version}`;
  await run(crane, ["append", "--insecure", "--new_layer", archive, "--new_tag", tag]);
  const digest = (await run(crane, ["digest", "--insecure", tag])).trim();
  return `${registry}/istio-teleport@${digest}`;
}

/** Puts files where people download a release's. */
async function offer(served: string, version: string, files: readonly string[]): Promise<void> {
  const folder = downloads({ served }, version);
  await mkdir(folder, { recursive: true });
  for (const file of files) await copyFile(file, join(folder, basename(file)));
}

/** A Git repository with a branch gh-pages that has this index. Returns its URL. */
async function pagesWith(temp: string, index: string): Promise<string> {
  const folder = await madeFolder(temp, "seed");
  await copyFile(index, join(folder, "index.yaml"));
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], { cwd: folder });
  await git("init", "--quiet", "--initial-branch", "gh-pages");
  await git("add", "index.yaml");
  await git("commit", "--quiet", "--message", `Chart ${PREVIOUS}`);
  await git("clone", "--quiet", "--bare", folder, join(temp, "pages.git"));
  return `file://${join(temp, "pages.git")}`;
}

/** Paths of a folder's files whose names match. */
async function filesOf(folder: string, name: RegExp): Promise<string[]> {
  return (await readdir(folder)).filter((file) => name.test(file)).map((file) => join(folder, file));
}

/** Runs Helm as somebody who has just added the chart repository: it keeps what it pulled by digest, and would take that for what a server has now. */
export async function helm(stage: Stage, ...args: string[]): Promise<Ended> {
  const own = await newFolder(stage, "helm");
  const env = { HELM_CONFIG_HOME: own, HELM_CACHE_HOME: own, HELM_DATA_HOME: own };
  const added = await tryRun("helm", ["repo", "add", "istio-teleport", stage.charts], { env });
  return added.code === 0 ? tryRun("helm", args, { cwd: stage.scratch, env }) : added;
}

/** Path of the chart that the chart repository serves. */
export function servedChart(stage: Stage): string {
  return join(downloads(stage, stage.release.version), basename(chartArchive(stage.release)));
}
