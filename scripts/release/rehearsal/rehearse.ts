import { appendFile, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { ExitError } from "../../tools/base/exit-error.ts";
import { packageVersion } from "../../tools/base/package-files.ts";
import { lastWords } from "../../tools/programs/last-words.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { say } from "../../tools/terminal/say.ts";
import { buildRelease } from "./build.ts";
import { chartArchive } from "./chart-package.ts";
import { withDigests } from "./images.ts";
import { serveFolder, serveRegistry } from "./local-servers.ts";
import { npmArchives } from "./npm-package.ts";
import { clonePages, type Pages, pushIndex } from "./pages.ts";
import { builtProgram } from "./programs.ts";
import { publishChart } from "./publish.ts";
import { FOLDERS, type Release } from "./release.ts";
import { type Ended, run, tryRun } from "./run.ts";
import { type SigningKey, signingKey } from "./signing-key.ts";
import { assets } from "./sums.ts";

/** What a rehearsal has published, and where. */
interface Stage {
  readonly release: Release;
  /** A folder for what the checks write. */
  readonly scratch: string;
  /** The served chart repository, whose files a check may change and must put back. */
  readonly repository: string;
  /** Clone of the Git branch of the chart repository. */
  readonly pages: Pages;
  /** Address of the OCI registry with the charts' path. */
  readonly registry: string;
  /** The published chart, by digest. */
  readonly reference: string;
  readonly crane: string;
  /** Runs `cosign verify` with the rehearsal's public key. */
  readonly verify: (reference: string) => Promise<Ended>;
  /** Runs Helm as somebody who has just added the chart repository, and nothing else. */
  readonly helm: (...args: string[]) => Promise<Ended>;
}

/** Something that somebody who gets a release does, or that an attacker tries. */
interface Check {
  readonly title: string;
  /** @throws whatever says that it is not so */
  readonly prove: (stage: Stage) => Promise<void>;
}

const MINIMAL = "chart/ci/minimal-values.yaml";

/**
 * Makes a release, publishes it to servers on this machine, uses it as its users would, and tampers with it.
 *
 * @throws ExitError (refused) when a check failed
 */
export async function rehearse(root: string): Promise<void> {
  const crane = await builtProgram("crane");
  const cosign = await builtProgram("cosign");
  const failures = await withTempDir(async (temp) => {
    const folder = join(temp, "release");
    const scratch = join(temp, "scratch");
    const repository = join(folder, FOLDERS.chart);
    await mkdir(repository, { recursive: true });
    await mkdir(scratch);
    const charts = await serveFolder(repository);
    const registry = await serveRegistry(crane);
    try {
      const key = await signingKey(await madeFolder(temp, "keys"), { throwAway: true });
      const pages = await clonePages(await seededPages(temp), join(temp, "pages"));
      const release: Release = {
        version: packageVersion(),
        root,
        folder,
        archives: charts.url,
        previousIndex: pages.index,
        signingKey: key,
      };
      await buildRelease(release);
      await run(cosign, ["generate-key-pair", "--output-key-prefix", join(temp, "cosign")], { env: NO_PASSWORD });
      const offline = ["--use-signing-config=false", "--tlog-upload=false"];
      const target = { registry: `${registry.address}/charts`, isPlain: true };
      process.env.COSIGN_PASSWORD = "";
      const reference = await publishChart(release, {
        ...target,
        cosign,
        signWith: ["--key", join(temp, "cosign.key"), ...offline],
      });
      const home = await madeFolder(temp, "helm");
      const helm = helmOf(home, charts.url, scratch);
      const verify = (of: string) =>
        tryRun(cosign, ["verify", "--key", join(temp, "cosign.pub"), "--insecure-ignore-tlog", of]);
      await pushIndex(pages, join(repository, "index.yaml"), release.version);
      return await failuresOf({
        pages,
        release,
        scratch,
        repository,
        registry: target.registry,
        reference,
        crane,
        verify,
        helm,
      });
    } finally {
      await registry.stop();
      await charts.stop();
    }
  });
  if (failures > 0) throw new ExitError(`${failures} of ${CHECKS.length} checks of the rehearsal failed.`);
}

/** Helm of somebody who never pulled anything: it keeps what it pulled by digest, and would take that for what a server has now. */
function helmOf(home: string, repositoryUrl: string, cwd: string): Stage["helm"] {
  let runs = 0;
  return async (...args) => {
    const own = await madeFolder(home, String(++runs));
    const env = { HELM_CONFIG_HOME: own, HELM_CACHE_HOME: own, HELM_DATA_HOME: own };
    await run("helm", ["repo", "add", "istio-teleport", repositoryUrl], { env });
    return tryRun("helm", args, { cwd, env });
  };
}

const NO_PASSWORD = { COSIGN_PASSWORD: "" };

async function madeFolder(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** Where the release before this one is, in the index that the rehearsal starts from. */
const OLD_URL = "https://charts.example.com/istio-teleport-0.0.1.tgz";

/** A Git repository with a branch gh-pages that has an index of one old release. */
async function seededPages(temp: string): Promise<string> {
  const bare = join(temp, "pages.git");
  const folder = await madeFolder(temp, "seed");
  const old = { apiVersion: "v2", name: "istio-teleport", version: "0.0.1", urls: [OLD_URL] };
  await writeFile(join(folder, "index.yaml"), stringify({ apiVersion: "v1", entries: { "istio-teleport": [old] } }));
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], { cwd: folder });
  await git("init", "--quiet", "--initial-branch", "gh-pages");
  await git("add", "index.yaml");
  await git("commit", "--quiet", "--message", "Chart 0.0.1");
  await git("clone", "--quiet", "--bare", folder, bare);
  return `file://${bare}`;
}

/** Runs the checks, says how each went, and counts those that failed. */
async function failuresOf(stage: Stage): Promise<number> {
  let failures = 0;
  for (const { title, prove } of CHECKS) {
    try {
      await prove(stage);
      say(`ok      ${title}`);
    } catch (error) {
      failures++;
      say(`FAILED  ${title}: ${(error as Error).message}`);
    }
  }
  return failures;
}

const CHECKS: readonly Check[] = [
  {
    title: "helm pull --verify, from the chart repository",
    prove: async (stage) => void (await must(pull(stage, "istio-teleport/istio-teleport"))),
  },
  {
    title: "helm pull --verify, from the OCI registry",
    prove: async (stage) => void (await must(pull(stage, `oci://${stage.registry}/istio-teleport`, "--plain-http"))),
  },
  {
    title: "the index that was pushed has this release and the one before, each with its own URL",
    prove: async ({ pages, release }) => {
      const pushed = await run("git", ["show", "origin/gh-pages:index.yaml"], { cwd: pages.folder });
      const { entries } = parse(pushed) as { entries: Record<string, { version: string; urls: string[] }[]> };
      const found = (entries["istio-teleport"] ?? []).map(({ version, urls }) => `${version} ${urls.join()}`);
      const wanted = [
        `${release.version} ${release.archives}/istio-teleport-${release.version}.tgz`,
        `0.0.1 ${OLD_URL}`,
      ];
      if (found.join("\n") !== wanted.join("\n")) throw new Error(`it has ${found.join(", ")}`);
    },
  },
  {
    title: "the chart renders the same from the repository, the registry and the checkout",
    prove: async (stage) => {
      const from = (...source: string[]) =>
        must(stage.helm("template", "istio-teleport", ...source, "--values", join(stage.release.root, MINIMAL)));
      const version = ["--version", stage.release.version];
      const rendered = await Promise.all([
        from("istio-teleport/istio-teleport", ...version),
        from(`oci://${stage.registry}/istio-teleport`, ...version, "--plain-http"),
        from(join(stage.release.root, "chart")),
      ]);
      if (!rendered[0].stdout.includes("kind: DaemonSet")) throw new Error("no DaemonSet is rendered");
      // Helm says on stdout, too, what it pulled from a registry.
      const manifests = rendered.map(({ stdout }) => stdout.replaceAll(/^(Pulled|Digest): .*\n/gm, "").trim());
      if (new Set(manifests).size > 1) throw new Error("they differ");
    },
  },
  {
    title: "the digest that a registry names for a tag, as chart/images.json is refreshed",
    prove: async ({ registry, release, reference, crane }) => {
      const image = `${registry}/istio-teleport:${release.version}`;
      const [pinned] = await withDigests([{ value: "chart", image }], crane, { isInsecure: true });
      if (!reference.endsWith(`@${pinned?.digest}`)) throw new Error(`it is ${pinned?.digest}, not of ${reference}`);
    },
  },
  {
    title: "cosign verify, of the chart in the registry",
    prove: async (stage) => void (await must(stage.verify(stage.reference))),
  },
  {
    title: "sha256sum --check, of everything that people download",
    prove: async (stage) => void (await must(checkSums(await downloaded(stage)))),
  },
  {
    title: "npx runs both packages in an empty folder, and builds nothing",
    prove: async ({ scratch, release }) => {
      const empty = await madeFolder(scratch, "npx");
      await run("npm", ["init", "--yes"], { cwd: empty });
      await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...npmArchives(release)], {
        cwd: empty,
      });
      const said = await run("npx", ["--no", "istio-teleport", "version"], { cwd: empty });
      if (said.trim() !== release.version) throw new Error(`istio-teleport says version ${said.trim()}`);
      const token = await run("npx", ["--no", "--", "gen-token", "--type", "in_cluster"], { cwd: empty });
      if (!token.includes("kind: token")) throw new Error("gen-token prints no token");
    },
  },
  {
    title: "refused: a package that is not the one of the lock file",
    prove: async ({ scratch, release }) => {
      const [archive = ""] = npmArchives(release);
      const folder = join(scratch, "npx");
      await whileChanged(archive, otherHeader, async () => {
        // npm keeps archives by their hash, too.
        const cache = join(scratch, "npm-cache");
        await mustFail(
          tryRun("npm", ["ci", "--no-audit", "--ignore-scripts", "--cache", cache, "--loglevel", "error"], {
            cwd: folder,
          }),
          /EINTEGRITY/,
        );
      });
    },
  },
  {
    title: "refused: a chart archive with one other byte",
    prove: async (stage) => {
      await whileChanged(join(stage.repository, basename(chartArchive(stage.release))), otherHeader, async () => {
        await mustFail(pull(stage, "istio-teleport/istio-teleport"), /sha256 sum does not match|digest/i);
      });
    },
  },
  {
    title: "refused: a chart that somebody else signed, with an index that leads to it",
    prove: async (stage) => {
      await withStrangersChart(stage, async () => {
        await mustFail(pull(stage, "istio-teleport/istio-teleport"), /signature|unknown entity|verif/i);
      });
    },
  },
  {
    title: "refused: an index that leads to an archive without provenance",
    prove: async (stage) => {
      const provenance = `${join(stage.repository, basename(chartArchive(stage.release)))}.prov`;
      await whileChanged(provenance, undefined, async () => {
        await mustFail(pull(stage, "istio-teleport/istio-teleport"), /provenance|404/i);
      });
    },
  },
  {
    title: "refused: a chart in the registry under the same tag that we did not sign",
    prove: async (stage) => {
      const tag = `${stage.registry}/istio-teleport:${stage.release.version}`;
      await withStrangersChart(stage, async (archive) => {
        await must(stage.helm("push", archive, `oci://${stage.registry}`, "--plain-http"));
        await mustFail(stage.verify(tag), /no (matching )?signatures|no signatures found/i);
        await mustFail(
          pull(stage, `oci://${stage.registry}/istio-teleport`, "--plain-http"),
          /signature|unknown entity|verif/i,
        );
      });
      // What was signed is still there, by its digest.
      await must(stage.verify(stage.reference));
      await run(stage.crane, ["tag", "--insecure", stage.reference, stage.release.version]);
      await must(stage.verify(tag));
    },
  },
  {
    title: "refused: an SBOM with one other byte",
    prove: async (stage) => {
      const folder = await downloaded(stage);
      const [sbom = ""] = (await readdir(folder)).filter((name) => name.endsWith(".cdx.json"));
      await whileChanged(join(folder, sbom), flipByte, async () => {
        await mustFail(checkSums(folder), new RegExp(`${sbom.replaceAll(".", "\\.")}: FAILED`));
      });
    },
  },
];

/** Pulls the chart as its users do, into a folder of its own. */
async function pull(stage: Stage, from: string, ...flags: string[]): Promise<Ended> {
  const target = join(stage.scratch, "pulled");
  await rm(target, { recursive: true, force: true });
  await mkdir(target);
  const { version, signingKey: key } = stage.release;
  const verify = ["--verify", "--keyring", key.publicKeyring];
  const ended = await stage.helm("pull", from, "--version", version, "--destination", target, ...verify, ...flags);
  if (ended.code === 0 && !(await readdir(target)).includes(basename(chartArchive(stage.release)))) {
    return { ...ended, code: 1, stderr: "nothing was pulled" };
  }
  return ended;
}

/** All that people download in one folder, as a GitHub release has it. */
async function downloaded({ release, scratch }: Stage): Promise<string> {
  const folder = join(scratch, "downloaded");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const file of [...(await assets(release)), join(release.folder, "SHA256SUMS")]) {
    await copyFile(file, join(folder, basename(file)));
  }
  return folder;
}

function checkSums(folder: string): Promise<Ended> {
  return tryRun("sha256sum", ["--check", "SHA256SUMS"], { cwd: folder, env: { LC_ALL: "C" } });
}

/** Serves another chart of the same name and version, signed with another key and in the index, while `use` runs. */
async function withStrangersChart(stage: Stage, use: (archive: string) => Promise<void>): Promise<void> {
  const { scratch, repository, release } = stage;
  const folder = join(scratch, "stranger");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const key: SigningKey = await signingKey(folder, { throwAway: true });
  const charts = await madeFolder(folder, "charts");
  const chart = join(folder, "istio-teleport");
  await cp(join(release.root, "chart"), chart, { recursive: true });
  await appendFile(join(chart, "values.yaml"), "# Not ours.\n");
  await run("helm", [
    "package",
    chart,
    "--destination",
    charts,
    "--sign",
    "--key",
    key.name,
    "--keyring",
    key.secretKeyring,
  ]);
  await run("helm", ["repo", "index", charts, "--url", release.archives]);
  const names = await readdir(charts);
  const ours = await Promise.all(names.map((name) => readFile(join(repository, name))));
  try {
    for (const name of names) await copyFile(join(charts, name), join(repository, name));
    await use(join(charts, basename(chartArchive(release))));
  } finally {
    for (const [index, name] of names.entries()) await writeFile(join(repository, name), ours[index] ?? "");
  }
}

/** Changes a file while `use` runs, or removes it where there is no change. */
async function whileChanged(
  file: string,
  change: ((content: Buffer) => Buffer) | undefined,
  use: () => Promise<void>,
): Promise<void> {
  const content = await readFile(file);
  try {
    if (change === undefined) await rm(file);
    else await writeFile(file, change(content));
    await use();
  } finally {
    await writeFile(file, content);
  }
}

/** The same archive by another system, as the tenth byte of gzip's header says: it unpacks to the same, so only a hash can tell. */
function otherHeader(archive: Buffer): Buffer {
  const changed = Buffer.from(archive);
  changed[9] = (changed[9] ?? 0) ^ 1;
  return changed;
}

/** The same with one other byte in the middle. */
function flipByte(content: Buffer): Buffer {
  const changed = Buffer.from(content);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}

/** @throws Error with its last words when a program failed */
async function must(ended: Promise<Ended>): Promise<Ended> {
  const result = await ended;
  if (result.code !== 0) throw new Error(lastWords(result.stderr));
  return result;
}

/** @throws Error unless a program failed, and for the reason that was meant */
async function mustFail(ended: Promise<Ended>, reason: RegExp): Promise<void> {
  const { code, stdout, stderr } = await ended;
  if (code === 0) throw new Error("it was taken");
  if (!reason.test(`${stdout}\n${stderr}`)) throw new Error(`it failed for another reason: ${lastWords(stderr)}`);
}
