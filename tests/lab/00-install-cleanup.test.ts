import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolPath } from "../../lab/build/toolbox.ts";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { shellBlock, shellBlocks } from "../../scripts/shell-blocks/blocks.ts";
import { everything } from "./testkit/cluster/everything.ts";
import { type Outcome, shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { type ChartRepositories, serveRepositories } from "./testkit/installation/chart-repository.ts";
import type { Descendant } from "./testkit/installation/descendants.ts";
import { addLabValues, ISTIO_LAB_VALUES, requireEmpty, USER_DIR } from "./testkit/installation/installation.ts";
import { type End, StartedCommand } from "./testkit/installation/started-command.ts";
import { SOAK } from "./testkit/run/soak.ts";

/**
 * `install` on an empty cluster, interrupted in each of its five steps and run again, then `cleanup`. Runs before
 * 01-installation.test.ts, which refuses a cluster that is not empty.
 */

/** A folder of its own, so that values.yaml and token files of the user's are not touched. */
const FOLDER = join(USER_DIR, "install-cleanup");
/** What `npx -p istio-teleport istio-teleport` runs there, without npx, which would get the signals. */
const BIN = join(USER_DIR, "node_modules", ".bin");
const TOOL = `HELM_CONFIG_HOME=${FOLDER} HELM_CACHE_HOME=${FOLDER} exec ${BIN}/istio-teleport`;
/** Seconds that --timeout gives a Helm that is to finish; and one whose killed predecessor is waited for. */
const [PATIENT, SHORT] = [60, 5];

let repositories: ChartRepositories;
let before: string[];

/** Istio's charts and images are the lab's. */
const istio = () => `--istio-repo ${repositories.istioRepo} --istiod-values '${ISTIO_LAB_VALUES}'`;
const install = (more = "", timeout = PATIENT) =>
  `${TOOL} install -f values.yaml ${istio()} --timeout ${timeout}s --yes ${more}`;
const cleanup = (more = "") => `${TOOL} cleanup -f values.yaml --timeout ${PATIENT}s ${more}`;
const run = (line: string): Promise<Outcome> => tryShell(line, { cwd: FOLDER });
/** Runs a page's block; what the lab's user adds to the commands are the lab's charts and version, and nobody is asked. */
const documented = (block: string): Promise<Outcome> =>
  run(
    `export HELM_CONFIG_HOME=${FOLDER} HELM_CACHE_HOME=${FOLDER}\nset -e\n${block
      .replaceAll(" install -f values.yaml --dry-run", (line) => `${line} ${istio()}`)
      .replaceAll(/ install -f values.yaml$/gm, (line) => `${line} ${istio()} --yes`)
      .replaceAll(" doctor -f values.yaml", "$& --teleport-version 18.11.0")}`,
  );
const releases = () => shell("helm list -A -o json");

beforeAll(async () => {
  await requireEmpty();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const address = `${TELEPORT_HOST}:${TELEPORT_PORT}`;
  const init = shellBlock("docs/start/quick-start.md#init");
  const { code, stderr } = await documented(
    init.replace("example.teleport.sh:443", address).replace("example.teleport.sh", TELEPORT_CLUSTER_NAME),
  );
  expect(code, stderr).toBe(0);
  addLabValues(join(FOLDER, "values.yaml"));
  repositories = await serveRepositories();
  before = await everything();
});

afterAll(async () => {
  await repositories?.close();
  rmSync(FOLDER, { recursive: true, force: true });
});

/** Begins a command, waits until it is in the act, and ends it or a program of its. */
async function interrupted(line: string, strike: (command: StartedCommand) => Promise<void>): Promise<End> {
  const command = new StartedCommand(line, FOLDER);
  try {
    const early = command.ended.then(({ stderr }) => {
      throw new Error(`it ended before it was interrupted: ${stderr}`);
    });
    await Promise.race([strike(command), early]);
    return await command.ended;
  } finally {
    command.kill();
  }
}

/** Waits until the cluster has an object, without the time between two questions. */
function appears(kind: string, selector: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ["get", kind, "-A", selector, "-o", "name", "--watch"];
    const watch = execFile("kubectl", args, { timeout: 120_000 }, (error) => {
      reject(error ?? new Error(`no ${kind} ${selector} appeared`));
    });
    watch.stdout?.once("data", () => {
      resolve();
      watch.kill();
    });
  });
}

/** A release, and an object that only comes with it: once that is there, Helm is in the act of installing. */
interface Installing {
  release: string;
  kind: string;
  selector: string;
}
const named = (name: string) => `--field-selector=metadata.name=${name}`;
const BASE: Installing = {
  release: "istio-base",
  kind: "serviceaccount",
  selector: named("istio-reader-service-account"),
};
const ISTIOD: Installing = { release: "istiod", kind: "deployment", selector: named("istiod") };
const CHART: Installing = { release: "istio-teleport", kind: "daemonset", selector: named("tbot") };

/** kill -9 of Helm in the act; istio-teleport sees it. */
function killHelm({ release, kind, selector }: Installing) {
  return async (command: StartedCommand) => {
    await appears(kind, selector);
    process.kill((await command.runs(`helm upgrade --install ${release} `)).pid, "SIGKILL");
  };
}

/** kill -9 of istio-teleport while Helm upgrades a release that was just recovered; Helm continues alone. */
function killItself(release: string) {
  return async (command: StartedCommand) => {
    await appears("secret", `--selector=owner=helm,name=${release},status=pending-upgrade`);
    command.kill();
  };
}

/** An object of Istio's that is not ours. */
const POLICY = "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: mine, namespace: mine}}";

const KILLED = { code: null, signal: "SIGKILL" };

/** A PATH folder in which a program is this script. */
function programs(folder: string, name: string, script: string): string {
  const path = join(FOLDER, folder);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `PATH='${path}':"$PATH"; `;
}

/** A tctl that sends the first of several documents and then takes its time. */
function slowTctl(): string {
  const real = toolPath(labPaths(), "tctl");
  return programs(
    "slow",
    "tctl",
    `[ "$1" = create ] || exec '${real}' "$@"\nsed '/^---$/,$d' | '${real}' "$@" && exec sleep 60`,
  );
}

/** Somebody's release that has nothing to do with Istio. */
async function installForeign(name: string, namespace: string): Promise<void> {
  const chart = join(FOLDER, "foreign");
  mkdirSync(join(chart, "templates"), { recursive: true });
  writeFileSync(join(chart, "Chart.yaml"), "{apiVersion: v2, name: foreign, version: 1.0.0}\n");
  writeFileSync(
    join(chart, "templates", "object.yaml"),
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign}}\n",
  );
  await shell(`helm install ${name} '${chart}' -n ${namespace} --create-namespace`);
}

describe("install, in an empty cluster,", () => {
  it("--dry-run changes nothing and prints the commands", async () => {
    const [check, dryRun] = shellBlocks("docs/start/quick-start.md#before");
    const checked = await documented(check?.script ?? "");
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
    const { code, stdout } = await documented(dryRun?.script ?? "");
    expect(code).toBe(0);
    for (const command of ["helm upgrade --install istio-base ", "helm upgrade --install istiod ", "tctl create -f"])
      expect(stdout).toContain(command);
    expect(stdout).toContain("helm upgrade --install istio-teleport ");
    expect(await everything()).toEqual(before);
  });

  it("is refused for another Teleport cluster and for a foreign release, before anything is changed", async () => {
    await installForeign("istiod", "istio-system");
    const foreign = await everything();
    const refused = await run(install("--set global.teleport.clusterName=other.example"));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`tctl: it is logged in to the cluster "${TELEPORT_CLUSTER_NAME}"`);
    expect(refused.stderr).toContain(
      "the release istiod in the namespace istio-system: it is of the chart foreign, not istiod",
    );
    expect(refused.stderr).toMatch(/2 of \d+ pre-flight checks failed \(above\); nothing was changed/);
    const left = await run(cleanup("--with-istio --run-tctl --yes"));
    expect(left.stderr).toContain("Left: Istio's releases: istiod is of the chart foreign, not istiod.");
    expect(await everything()).toEqual(foreign);
    await shell("helm uninstall istiod -n istio-system && kubectl delete namespace istio-system");
    expect(await everything()).toEqual(before);
  });
});

describe("install, interrupted and run again", () => {
  it("step 1: kill -9 of Helm", async () => {
    const end = await interrupted(install(), killHelm(BASE));
    expect(end.code).toBe(2);
    expect(end.stderr).toContain("helm was ended by SIGKILL; run the same command again");
    expect(await releases()).toContain("pending-install");
  });

  it("step 1: kill -9 of istio-teleport", async () => {
    const end = await interrupted(install("", SHORT), killItself("istio-base"));
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("recover the release istio-base, which is pending-install");
  });

  it("step 2: kill -9 of Helm", async () => {
    const end = await interrupted(install(), killHelm(ISTIOD));
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(/1\/5 Istio's CRDs: base \S+ is there/);
  });

  it("step 2: kill -9 of istio-teleport", async () => {
    const end = await interrupted(install("", SHORT), killItself("istiod"));
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("recover the release istiod, which is pending-install");
  });

  it("step 3: kill -9 of tctl", async () => {
    const end = await interrupted(slowTctl() + install(), async (command) => {
      process.kill((await command.runs("sleep 60")).pid, "SIGKILL");
    });
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(/2\/5 istiod: istiod \S+ is there/);
    expect(end.stderr).toContain("tctl was ended by SIGKILL; run the same command again");
  });

  it("step 3: kill -9 of istio-teleport", async () => {
    const end = await interrupted(slowTctl() + install(), async (command) => {
      await command.runs("sleep 60");
      command.kill();
    });
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("3/5 Teleport: bot/istio-tbot is absent, workload_identity/istio-workloads is absent");
  });

  it("step 4: kill -9 of Helm", async () => {
    const end = await interrupted(install(), killHelm(CHART));
    expect(end.code).toBe(2);
    expect(end.stderr).toContain("3/5 Teleport: workload_identity/istio-workloads is absent, token/");
  });

  it("step 4: kill -9 of istio-teleport", async () => {
    const end = await interrupted(install("", SHORT), killItself("istio-teleport"));
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("recover the release istio-teleport, which is pending-install");
  });

  it("step 5: kill -9 of istio-teleport", async () => {
    let proxy: Descendant | undefined;
    const end = await interrupted(install(), async (command) => {
      const found = await command.runs(" proxy --unix-socket=");
      // Else it may be through with its questions, and the proxy gone, before the next look.
      command.freeze();
      const socket = /--unix-socket=(\S+)/.exec(found.command)?.[1] as string;
      await until("the doctor's kubectl proxy listens", 20, async () => existsSync(socket));
      command.kill();
      proxy = found;
    });
    expect(end).toMatchObject(KILLED);
    await until("the proxy, which has the user's rights, ends too", 10, async () => !existsSync(`/proc/${proxy?.pid}`));
  });

  it("ends in a healthy doctor, and once more changes nothing", async () => {
    const first = await documented(shellBlock("docs/start/quick-start.md#install"));
    expect(first.code, first.stderr + first.stdout).toBe(0);
    expect(first.stdout).toContain("no problem");
    const checked = await documented(shellBlock("docs/start/quick-start.md#doctor"));
    expect(checked.code, checked.stderr + checked.stdout).toBe(0);
    const [revisions, objects] = [await releases(), await everything()];
    const second = await documented(shellBlock("docs/start/installation.md#one-command"));
    expect(second.code, second.stderr + second.stdout).toBe(0);
    expect(second.stderr).toMatch(
      /4\/5 the chart istio-teleport: istio-teleport \S+ is there, tbot is ready on 1 of 1/,
    );
    expect(await releases()).toBe(revisions);
    expect(await everything()).toEqual(objects);
  });
});

describe("an upgrade", () => {
  const upgrade = (label: string, timeout = PATIENT) => {
    writeFileSync(join(FOLDER, "labels.yaml"), `podLabels: {lab: ${label}}\n`);
    return install("--istiod-values labels.yaml", timeout);
  };
  it("is recovered after kill -9 of Helm, and continues after Ctrl-C", async () => {
    const killed = await interrupted(
      upgrade("first"),
      killHelm({ release: "istiod", kind: "pod", selector: "--selector=lab=first" }),
    );
    expect(killed.stderr).toContain("helm was ended by SIGKILL");
    expect(await releases()).toContain("pending-upgrade");
    const stopped = await interrupted(upgrade("second", SHORT), async (command) => {
      await appears("pod", "--selector=lab=second");
      command.interrupt();
    });
    expect(stopped.stderr).toContain("recover the release istiod, which is pending-upgrade");
    expect(stopped.stderr).toContain("Interrupted (SIGINT) while helm ran; rerun the same command to resume.");
    expect(stopped.code).toBe(2);
    const done = await run(upgrade("second"));
    expect(done.stderr).toContain("the release is failed");
    expect(done.code, done.stderr + done.stdout).toBe(0);
    expect(await shell("kubectl get pods -A -l lab -o name | wc -l")).toBe("1\n");
  });

  it("to another trust domain is refused, before anything is changed", async () => {
    const objects = await everything();
    const refused = await run(install("--set global.teleport.clusterName=other.example"));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`a mesh with the trust domain ${TELEPORT_CLUSTER_NAME} runs already`);
    expect(await everything()).toEqual(objects);
  });
});

describe("cleanup", () => {
  const ALL = "--with-istio --run-tctl";
  const TOKEN = join(FOLDER, "token.yaml");

  it("changes nothing without --yes, and prints the commands", async () => {
    await shell(`${BIN}/gen-token -f values.yaml --output token.yaml`, { cwd: FOLDER });
    const objects = await everything();
    const plain = await documented(shellBlock("docs/start/quick-start.md#cleanup"));
    expect(plain, plain.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("helm uninstall ") });
    const { code, stdout, stderr } = await run(cleanup(ALL));
    expect(code, stderr).toBe(0);
    for (const command of ["helm uninstall istio-teleport ", "tctl rm token/istio-tbot-k8s-join", "rm ./token.yaml"])
      expect(stdout).toContain(command);
    expect(stderr).toContain("Nothing was changed. Add --yes to run these commands.");
    expect(await everything()).toEqual(objects);
    expect(existsSync(TOKEN)).toBe(true);
  });

  it("leaves what it did not make, and names it", async () => {
    await installForeign("mine", "mine");
    await shell("kubectl label namespace mine app.kubernetes.io/part-of=istio-teleport");
    await shell("kubectl -n test-app create configmap mine");
    await shell("kubectl apply -f -", { input: POLICY });
    await shell("sed s/istio-tbot-k8s-join/mine/ token.yaml | tctl create -f", { cwd: FOLDER });
    const { code, stderr } = await run(cleanup(`${ALL} --yes`));
    expect(code, stderr).toBe(0);
    expect(stderr.split("\n").filter((line) => line.startsWith("Left: "))).toEqual([
      "Left: Istio's CRDs: 1 objects need them, the first is PeerAuthentication mine in mine.",
      "Left: the namespace test-app: it holds ConfigMap mine.",
      "Left: bot/istio-tbot, role/istio-workload-identity-issuer, workload_identity/istio-workloads: the bot joins with token/mine, too.",
    ]);
    expect(await releases()).toMatch(/^\[\{"name":"mine"[^{]*\]\s*$/);
    expect(await shell("kubectl -n mine get configmap,peerauthentication -o name")).toContain("/mine");
    expect(await shell("kubectl get namespace mine test-app -o name")).toBe("namespace/mine\nnamespace/test-app\n");
    expect(existsSync(TOKEN)).toBe(false);
  });

  it("leaves cluster and Teleport as before the installation, and then finds nothing to do", async () => {
    await shell("kubectl -n mine delete peerauthentication mine; kubectl -n test-app delete configmap mine");
    await shell("helm uninstall mine -n mine; kubectl delete namespace mine; tctl rm token/mine");
    const block = shellBlock("docs/start/installation.md#cleanup");
    const { code, stderr } = await documented(block.replaceAll(" -f values.yaml", `$& ${ALL}`));
    expect(code, stderr).toBe(0);
    expect(await everything()).toEqual(before);
    const again = await run(cleanup(`${ALL} --yes`));
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toMatch(/^Cluster: .*\nNothing to clean up\.\n$/);
  });
});

if (SOAK) {
  describe("with Helm 3 and --skip-istio", () => {
    it("both commands do the same", async () => {
      const helm3 = programs("helm3", "helm", `exec '${toolPath(labPaths(), "helm3")}' "$@"`);
      // Without the test app, whose pods take their 30 s to end.
      const ours = (line: string) => run(`${helm3}${line} --set testApp.enabled=false`);
      const skipIstio = `${TOOL} install -f values.yaml --skip-istio --yes`;
      const early = await ours(skipIstio);
      expect(early.code).toBe(1);
      expect(early.stderr).toContain("install Istio first, or leave out --skip-istio");
      const installed = await ours(install());
      expect(installed.stderr).toContain("helm v3.");
      expect(installed.code, installed.stderr + installed.stdout).toBe(0);

      const chartOnly = await ours(cleanup("--yes"));
      expect(chartOnly.code, chartOnly.stderr).toBe(0);
      expect(chartOnly.stdout).toContain("tctl rm token/istio-tbot-k8s-join\n");
      expect(await shell("helm list -A -q")).toBe("istio-base\nistiod\n");
      const again = await ours(skipIstio);
      expect(again.stderr).toContain("1/3 Teleport: role, bot, workload identity and join token are there");
      expect(again.code, again.stderr + again.stdout).toBe(0);

      const all = await ours(cleanup("--with-istio --run-tctl --yes"));
      expect(all.code, all.stderr).toBe(0);
      expect(await everything()).toEqual(before);
    });
  });
}
