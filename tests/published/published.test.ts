import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../lab/cluster/addresses.ts";
import { dependencyArchives } from "../../scripts/release/rehearsal/npm-dependencies.ts";
import { ociCharts, PREVIOUS, publishHere, type Stage } from "../../scripts/release/rehearsal/stage.ts";
import { shellBlock, shellBlocks } from "../../scripts/shell-blocks/blocks.ts";
import { shell } from "../lab/testkit/cluster/shell.ts";
import { FLAGS as TEST_FLAGS } from "../lab/testkit/conformance/conformance.ts";
import { complaintsOf, doctorReport } from "../lab/testkit/doctor/doctor.ts";
import { serveIstioCharts } from "../lab/testkit/installation/chart-repository.ts";
import {
  addLabValues,
  ISTIO_LAB_VALUES,
  REPOSITORY,
  requireEmpty,
  runStep,
  USER_DIR,
} from "../lab/testkit/installation/installation.ts";
import { writePreviousChart } from "../lab/testkit/installation/previous-chart.ts";
import { changedUnderLoad, podStates, settled } from "../lab/testkit/installation/under-load.ts";
import { exposeFailures, restoreTraffic } from "../lab/testkit/traffic/load.ts";

/**
 * From an empty folder to a mesh, from what a release publishes: an npm registry, a chart repository and an OCI registry
 * on loopback, inside the lab, which nothing leaves. Runs by `npm run release -- --rehearse --lab` on an empty cluster.
 */

const temp = mkdtempSync(join(tmpdir(), "published-"));
// Of somebody who never had a package. `npm run` has set the cache of whoever tests, which .npmrc does not outdo.
process.env.npm_config_cache = join(temp, "npm-cache");
process.env.npm_config_loglevel = "notice";
// npx asks whether to install what it does not find, and gives up where nobody answers.
process.env.npm_config_yes = "true";
const INSTALLATION = join(REPOSITORY, "docs/start/installation.md");
/** As docs/start/installation.md has it, with the registry's address; the lab's has no certificate. */
const OCI_INSTALL = "helm upgrade --install istio-teleport oci://ghcr.io/istio-teleport/charts/istio-teleport";
const VALUES = "-n teleport-system -f values.yaml";

let stage: Stage;
let istio: Awaited<ReturnType<typeof serveIstioCharts>>;

beforeAll(async () => {
  await requireEmpty();
  rmSync(USER_DIR, { recursive: true, force: true });
  mkdirSync(USER_DIR, { recursive: true });
  const previousChart = await previousChartHere();
  stage = await publishHere(REPOSITORY, temp, { dependencies: await dependencyArchives(REPOSITORY), previousChart });
  istio = await serveIstioCharts();
});

afterAll(async () => {
  await istio?.close();
  await stage?.stop();
  rmSync(temp, { recursive: true });
});

/** The chart of an earlier commit, found by what it makes of values like the user's. */
async function previousChartHere(): Promise<string> {
  const values = join(USER_DIR, "values.yaml");
  const proxyAddr = `${TELEPORT_HOST}:${TELEPORT_PORT}`;
  writeFileSync(values, stringify({ global: { teleport: { clusterName: TELEPORT_CLUSTER_NAME, proxyAddr } } }));
  addLabValues(values);
  const chart = await writePreviousChart(temp);
  rmSync(values);
  return chart;
}

/** A folder of somebody who has never run npm or Helm here: its only file says where packages come from. */
function emptyFolder(name: string): { folder: string; type: (line: string) => Promise<string> } {
  const folder = join(temp, name);
  mkdirSync(folder, { recursive: true });
  return { folder, type: typist(folder) };
}

function typist(folder: string): (line: string) => Promise<string> {
  writeFileSync(join(folder, ".npmrc"), stage.npmrc);
  const own = `export HELM_CONFIG_HOME=${folder}-helm HELM_CACHE_HOME=${folder}-helm HELM_DATA_HOME=${folder}-helm`;
  return (line) => shell(`${own}\nset -eu\n${line}`, { cwd: folder });
}

/** A documented command with the lab's addresses and images, by documented flags only. */
function here(line: string): string {
  const yes = line.includes("--dry-run") ? "" : " --yes";
  return (
    line
      .replace("--cluster-name example.teleport.sh", `--cluster-name ${TELEPORT_CLUSTER_NAME}`)
      .replace("example.teleport.sh:443", `${TELEPORT_HOST}:${TELEPORT_PORT}`)
      // There is no proxy in the lab to ask.
      .replace("doctor -f values.yaml", "doctor -f values.yaml --teleport-version 18.11.0")
      .replace(
        "install -f values.yaml",
        `install -f values.yaml --istio-repo ${istio.url} --istiod-values '${ISTIO_LAB_VALUES}'${yes}`,
      )
  );
}

describe("the CLI of the npm registry, in an empty folder", () => {
  it("the quick start's steps 2 to 4 make a mesh, in which the doctor finds no problem", async () => {
    const { folder, type } = emptyFolder("quick-start");
    expect((await type("npx istio-teleport version")).trim()).toBe(stage.release.version);
    const run = (block: string) => type(here(block));
    await run(shellBlock("docs/start/quick-start.md#init"));
    addLabValues(join(folder, "values.yaml"));
    for (const { script } of shellBlocks("docs/start/quick-start.md#before")) await run(script);
    await run(shellBlock("docs/start/quick-start.md#install"));
    const said = await run(shellBlock("docs/start/quick-start.md#doctor"));
    process.stderr.write(`${said}\n`);
    expect(said).toMatch(/no problem/i);
  });

  it("istio-teleport test shows every promise", async () => {
    const { type } = emptyFolder("quick-start");
    const said = await type(`npx istio-teleport test ${TEST_FLAGS}`);
    process.stderr.write(`${said}\n`);
    expect(said).toContain("allowed-200");
  });

  it("cleanup takes everything back", async () => {
    const { type } = emptyFolder("quick-start");
    const cleanup = shellBlock("docs/start/quick-start.md#cleanup");
    await type(`${cleanup} --yes --with-istio --run-tctl`);
    await requireEmpty();
  });
});

describe("by hand, with Helm", () => {
  it("the chart repository's chart has our signature, as docs/operate/upgrade.md verifies it", async () => {
    const { type } = emptyFolder("verified");
    await type(`curl -sSfO ${stage.charts}/download/v${stage.release.version}/istio-teleport-signing-key.asc`);
    await type(
      `helm repo add istio-teleport ${stage.charts}\nVERSION=${stage.release.version}\n${shellBlock("docs/operate/upgrade.md#pull")}`,
    );
    expect(await type("ls")).toContain(`istio-teleport-${stage.release.version}.tgz`);
  });

  it("docs/start/installation.md as written, from the chart repository", async () => {
    typist(USER_DIR);
    for (const step of shellBlocks("docs/start/installation.md#steps")) {
      const said = await runStep(step.script, { istioRepo: istio.url, chartRepo: stage.charts });
      if (step.script.includes("http_code")) expect(said.trim().split("\n").slice(-2)).toEqual(["200", "403"]);
    }
    expect(await installedChart()).toBe(`istio-teleport-${stage.release.version}`);
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });

  it("the chart from the OCI registry makes the same objects", async () => {
    const fromHttp = await shell("helm get manifest istio-teleport -n teleport-system");
    await shell("helm uninstall istio-teleport -n teleport-system --wait");
    expect(readFileSync(INSTALLATION, "utf8")).toContain(`${OCI_INSTALL} ${VALUES}`);
    await shell(`${ociInstall()} ${VALUES} --wait --timeout 120s`, { cwd: USER_DIR });
    expect(await installedChart()).toBe(`istio-teleport-${stage.release.version}`);
    expect(await shell("helm get manifest istio-teleport -n teleport-system")).toBe(fromHttp);
    const verify = shellBlocks("docs/start/installation.md#steps").find(({ script }) => script.includes("http_code"));
    expect((await shell(verify?.script ?? "false")).trim().split("\n").slice(-2)).toEqual(["200", "403"]);
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });
});

describe("the release before", () => {
  it("is upgraded from both registries and rolled back, while no request fails", { timeout: 400_000 }, async () => {
    const type = typist(USER_DIR);
    await type(`helm repo add istio-teleport ${stage.charts}`);
    const repository = (version: string) =>
      type(
        `helm upgrade istio-teleport istio-teleport/istio-teleport --version ${version} ${VALUES} --verify --keyring ${stage.release.signingKey.publicKeyring}`,
      );
    await repository(PREVIOUS);
    await settled();
    expect(await installedChart()).toBe(`istio-teleport-${PREVIOUS}`);
    const first = await podStates();
    expect(first.every((pod) => pod.endsWith("ready=true"))).toBe(true);
    await exposeFailures();
    try {
      const { failed, pods } = await changedUnderLoad([
        ["upgrade from the chart repository", async () => void (await repository(stage.release.version))],
        ["rollback", async () => void (await shell("helm rollback istio-teleport -n teleport-system"))],
        [
          "upgrade from the OCI registry",
          async () => void (await shell(`${ociInstall()} ${VALUES}`, { cwd: USER_DIR })),
        ],
      ]);
      expect(failed).toEqual([]);
      expect(pods).toEqual(first);
    } finally {
      await restoreTraffic();
    }
    expect(await installedChart()).toBe(`istio-teleport-${stage.release.version}`);
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });
});

function ociInstall(): string {
  return `${OCI_INSTALL.replace("ghcr.io/istio-teleport/charts", ociCharts(stage))} --plain-http`;
}

/** Name and version of the chart that is installed. */
async function installedChart(): Promise<string | undefined> {
  const [release] = JSON.parse(await shell("helm list -n teleport-system --filter '^istio-teleport$' -o json")) as {
    chart: string;
  }[];
  return release?.chart;
}
