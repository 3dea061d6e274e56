import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../lab/addresses.ts";
import { labPaths } from "../../lab/paths.ts";
import { toolPath } from "../../lab/toolbox.ts";
import { type ChartRepositories, serveRepositories } from "./lib/chart-repository.ts";
import { everything } from "./lib/everything.ts";
import { addLabValues, ISTIO_LAB_VALUES, requireEmpty, USER_DIR } from "./lib/installation.ts";
import { type Outcome, shell, tryShell, until } from "./lib/shell.ts";
import { type End, StartedCommand } from "./lib/started-command.ts";

/**
 * `install` on an empty cluster, interrupted in each of its five steps and run again, then `cleanup`. Runs before
 * 01-installation.test.ts, which refuses a cluster that is not empty.
 */

/** A folder of its own, so that values.yaml and token files of the user's are not touched. */
const FOLDER = join(USER_DIR, "install-cleanup");
/** What `npx -p istio-teleport istio-teleport` runs there, without npx, which would get the signals. */
const TOOL = `HELM_CONFIG_HOME=${FOLDER} HELM_CACHE_HOME=${FOLDER} exec ${join(USER_DIR, "node_modules", ".bin", "istio-teleport")}`;
/** Seconds that --timeout gives a Helm that is to finish; and one whose killed predecessor is waited for. */
const [PATIENT, SHORT] = [60, 5];

let repositories: ChartRepositories;
let before: string[];

const install = (more = "", timeout = PATIENT) =>
  `${TOOL} install -f values.yaml --istio-repo ${repositories.istioRepo} --istiod-values '${ISTIO_LAB_VALUES}' --timeout ${timeout} ${more}`;
const cleanup = (more = "") => `${TOOL} cleanup -f values.yaml --timeout ${PATIENT} ${more}`;
const run = (line: string): Promise<Outcome> => tryShell(line, { cwd: FOLDER });
const releases = () => shell("helm list -A -o json");

beforeAll(async () => {
  await requireEmpty();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const address = `${TELEPORT_HOST}:${TELEPORT_PORT}`;
  await shell(`${TOOL} init --cluster-name ${TELEPORT_CLUSTER_NAME} --proxy-addr ${address}`, { cwd: FOLDER });
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
    await strike(command);
    return await command.ended;
  } finally {
    command.kill();
  }
}

/** Waits until the cluster has an object, without the time between two questions. */
function appears(kind: string, selector: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const watch = execFile("kubectl", ["get", kind, "-A", selector, "-o", "name", "--watch"], (error) => {
      reject(error ?? new Error(`no ${kind} ${selector} appeared`));
    });
    watch.stdout?.once("data", () => {
      resolve();
      watch.kill();
    });
  });
}

/** A release, and one of its objects: once that is there, Helm is in the act of installing. */
interface Installing {
  release: string;
  kind: string;
  name: string;
}
const BASE: Installing = { release: "istio-base", kind: "serviceaccount", name: "istio-reader-service-account" };
const ISTIOD: Installing = { release: "istiod", kind: "deployment", name: "istiod" };
const CHART: Installing = { release: "istio-teleport", kind: "daemonset", name: "tbot" };

async function inTheAct(command: StartedCommand, { release, kind, name }: Installing): Promise<void> {
  await command.says(`install ${release} …`);
  await appears(kind, `--field-selector=metadata.name=${name}`);
}

/** kill -9 of Helm in the act; istio-teleport sees it. */
function killHelm(installing: Installing) {
  return async (command: StartedCommand) => {
    await inTheAct(command, installing);
    process.kill((await command.runs(`helm upgrade --install ${installing.release} `)).pid, "SIGKILL");
  };
}

/** kill -9 of istio-teleport in the act; Helm goes on alone. */
function killItself(installing: Installing) {
  return async (command: StartedCommand) => {
    await inTheAct(command, installing);
    command.kill();
  };
}

/** A tctl that sends the first of several documents and then takes its time. */
function slowTctl(): string {
  const folder = join(FOLDER, "slow");
  mkdirSync(folder, { recursive: true });
  const real = toolPath(labPaths(), "tctl");
  const script = `#!/bin/sh
[ "$1" = create ] || exec '${real}' "$@"
sed '/^---$/,$d' | '${real}' "$@" && exec sleep 60
`;
  writeFileSync(join(folder, "tctl"), script);
  chmodSync(join(folder, "tctl"), 0o755);
  return `PATH='${folder}':"$PATH"; `;
}

const KILLED = { code: null, signal: "SIGKILL" };

describe("install", () => {
  it("--dry-run changes nothing and prints the commands", async () => {
    const { code, stdout } = await run(install("--dry-run"));
    expect(code).toBe(0);
    for (const command of ["helm upgrade --install istio-base ", "helm upgrade --install istiod ", "tctl create -f"])
      expect(stdout).toContain(command);
    expect(stdout).toContain("helm upgrade --install istio-teleport ");
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
    const end = await interrupted(install("", SHORT), killItself(BASE));
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("waiting until it ends, at the latest until");
    expect(end.stderr).toContain("recover the release istio-base, which is pending-install");
  });

  it("step 2: kill -9 of Helm", async () => {
    const end = await interrupted(install(), killHelm(ISTIOD));
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(/1\/5 Istio's CRDs: base \S+ is there/);
  });

  it("step 2: kill -9 of istio-teleport", async () => {
    const end = await interrupted(install("", SHORT), killItself(ISTIOD));
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
    const end = await interrupted(install("", SHORT), killItself(CHART));
    expect(end).toMatchObject(KILLED);
    expect(end.stderr).toContain("recover the release istio-teleport, which is pending-install");
  });

  it("step 5: kill -9 of istio-teleport", async () => {
    const end = await interrupted(install(), async (command) => {
      await command.says("5/5 doctor:");
      command.kill();
    });
    expect(end).toMatchObject(KILLED);
  });

  it("ends in a healthy doctor, and once more changes nothing", async () => {
    const first = await run(install());
    expect(first.code, first.stderr + first.stdout).toBe(0);
    expect(first.stdout).toContain("no problem");
    const [revisions, objects] = [await releases(), await everything()];
    const second = await run(install());
    expect(second.code, second.stderr + second.stdout).toBe(0);
    expect(second.stderr).toMatch(/4\/5 the chart istio-teleport: istio-teleport \S+ is there, tbot is ready on 1 of 1/);
    expect(await releases()).toBe(revisions);
    expect(await everything()).toEqual(objects);
  });
});
