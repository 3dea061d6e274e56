import { copyFile, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { lastWords } from "../../../tools/programs/last-words.ts";
import { withDigests } from "../images.ts";
import { publishNpm } from "../publish.ts";
import { type Ended, run, tryRun } from "../run.ts";
import { documentedVerification } from "./documented.ts";
import { newFolder } from "./folders.ts";
import { downloads, helm, ociCharts, PREVIOUS, publisher, type Stage, servedChart } from "./stage.ts";

/** Something that somebody who gets a release does. */
interface Use {
  readonly title: string;
  /** @throws whatever says that it does not work */
  readonly prove: (stage: Stage) => Promise<void>;
}

const MINIMAL = "chart/ci/minimal-values.yaml";

/** What people do with a release, each in folders that are new. */
export const USES: readonly Use[] = [
  {
    title: "helm pull --verify, from the chart repository",
    prove: async (stage) => void (await must(pull(stage))),
  },
  {
    title: "helm pull --verify, from the OCI registry",
    prove: async (stage) => void (await must(pullOci(stage))),
  },
  {
    title: "the index has this release and the one before, each with its own URL",
    prove: async ({ pages, release, charts }) => {
      const pushed = await run("git", ["show", "origin/gh-pages:index.yaml"], { cwd: pages.folder });
      const { entries } = parse(pushed) as { entries: Record<string, { version: string; urls: string[] }[]> };
      const found = (entries["istio-teleport"] ?? []).map(({ version, urls }) => `${version} ${urls.join()}`);
      const wanted = [release.version, PREVIOUS].map(
        (version) => `${version} ${charts}/download/v${version}/istio-teleport-${version}.tgz`,
      );
      if (found.join("\n") !== wanted.join("\n")) throw new Error(`it has ${found.join(", ")}`);
    },
  },
  {
    title: "the chart renders the same from the repository, the registry and the checkout",
    prove: async (stage) => {
      const from = (...source: string[]) =>
        must(helm(stage, "template", "istio-teleport", ...source, "--values", join(stage.release.root, MINIMAL)));
      // Without a version: the newest.
      const rendered = await Promise.all([
        from("istio-teleport/istio-teleport"),
        from(`oci://${ociCharts(stage)}/istio-teleport`, "--plain-http"),
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
    prove: async (stage) => {
      const { release, reference, crane } = stage;
      const image = `${ociCharts(stage)}/istio-teleport:${release.version}`;
      const [pinned] = await withDigests([{ value: "chart", image }], crane, { isInsecure: true });
      if (!reference.endsWith(`@${pinned?.digest}`)) throw new Error(`it is ${pinned?.digest}, not of ${reference}`);
    },
  },
  {
    title: "docs/operate/upgrade.md's commands, as written: sums, chart repository, OCI registry, image",
    prove: async (stage) => {
      await must(verifySums(stage, await downloaded(stage)));
      const { chart } = documentedVerification();
      await must(typed(stage, await downloaded(stage), chart));
      await must(verifySignature(stage, stage.reference));
      await must(verifySignature(stage, stage.image));
    },
  },
  {
    title: "npx runs both packages of the npm registry in an empty folder, and builds nothing",
    prove: async (stage) => {
      const { release } = stage;
      const npx = async (...args: string[]) => (await must(npm(await newUser(stage), "npx", ...args))).stdout;
      const said = await npx("--yes", "istio-teleport", "version");
      if (said.trim() !== release.version) throw new Error(`istio-teleport says version ${said.trim()}`);
      const token = await npx("--yes", "gen-token", "--type", "in_cluster");
      if (!token.includes("kind: token")) throw new Error("gen-token prints no token");
    },
  },
  {
    title: "a release that stopped halfway can go on: what npm has is left out",
    prove: async (stage) => {
      const user = await newUser(stage);
      await publishNpm(stage.release, publisher(join(user, ".npmrc")));
    },
  },
];

/**
 * Pulls the chart from the chart repository as its users do.
 *
 * @param gets the archive that comes; default: that of the release
 */
export function pull(stage: Stage, gets?: string): Promise<Ended> {
  return pullFrom(stage, ["istio-teleport/istio-teleport"], gets);
}

/** Pulls the chart from an OCI registry. */
export function pullOci(stage: Stage, registry = ociCharts(stage)): Promise<Ended> {
  return pullFrom(stage, [`oci://${registry}/istio-teleport`, "--plain-http"]);
}

/** Fails, too, if another archive comes than was meant. */
async function pullFrom(stage: Stage, from: readonly string[], gets = basename(servedChart(stage))): Promise<Ended> {
  const target = await newFolder(stage, "pulled");
  const { version, signingKey } = stage.release;
  const verify = ["--verify", "--keyring", signingKey.publicKeyring];
  const ended = await helm(stage, "pull", ...from, "--version", version, "--destination", target, ...verify);
  const got = await readdir(target);
  if (ended.code === 0 && !got.includes(gets)) return { ...ended, code: 1, stderr: `what came is ${got.join(", ")}` };
  return ended;
}

/** All that people download of a release, in one folder. */
export async function downloaded(stage: Stage): Promise<string> {
  const folder = await newFolder(stage, "downloaded");
  const from = downloads(stage, stage.release.version);
  for (const file of await readdir(from)) await copyFile(join(from, file), join(folder, file));
  return folder;
}

/** Runs the documented `cosign verify`, with another reference and the rehearsal's certificate authority. */
export async function verifySignature(stage: Stage, reference: string): Promise<Ended> {
  const { registry } = documentedVerification();
  return typed(stage, stage.scratch, registry.replace(/"ghcr\.io\S+"/, reference));
}

/** Runs the documented commands for what people downloaded into a folder. */
export async function verifySums(stage: Stage, folder: string): Promise<Ended> {
  const { sums } = documentedVerification();
  return typed(stage, folder, sums);
}

/** Runs documented lines, as somebody who has added the chart repository types them. */
async function typed(stage: Stage, cwd: string, lines: string): Promise<Ended> {
  const own = await newFolder(stage, "helm");
  const env = { HELM_CONFIG_HOME: own, HELM_CACHE_HOME: own, HELM_DATA_HOME: own, VERSION: stage.release.version };
  const added = `helm repo add istio-teleport ${stage.charts} > /dev/null`;
  // Which authority to trust, behind what the document says.
  const trusting = lines.replaceAll(/^cosign (verify\S*)/gm, `${stage.cosign} $1 ${stage.authority.trust.join(" ")}`);
  return tryRun("sh", ["-euc", `${added}\n${trusting}`], { cwd, env: { ...env, LC_ALL: "C" } });
}

/** A folder of somebody who takes packages from the local npm registry and has never had one. */
export async function newUser(stage: Stage): Promise<string> {
  const folder = await newFolder(stage, "user");
  await writeFile(join(folder, ".npmrc"), stage.npmrc);
  return folder;
}

/** Runs npm or npx there. */
export function npm(cwd: string, program: "npm" | "npx", ...args: string[]): Promise<Ended> {
  // In the environment, since `npm run` has set there what whoever rehearses has, and .npmrc does not outdo it.
  const env = { npm_config_cache: `${cwd}-cache`, npm_config_loglevel: "notice", npm_config_audit: "false" };
  return tryRun(program, args, { cwd, env });
}

/** @throws Error with its last words when a program failed */
export async function must(ended: Promise<Ended>): Promise<Ended> {
  const result = await ended;
  if (result.code !== 0) throw new Error(lastWords(result.stderr === "" ? result.stdout : result.stderr));
  return result;
}
