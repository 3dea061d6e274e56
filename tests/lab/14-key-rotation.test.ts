import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { address, livePods, onePod } from "./testkit/cluster/pods.ts";
import { type Outcome, shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctorReport } from "./testkit/doctor/doctor.ts";
import { failedLooks, lookNow, PERIOD, watchEachMinute, watchEvents } from "./testkit/doctor/watch.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { Issuers, rootName, teleportRoots } from "./testkit/identity/issuers.ts";
import {
  kidOfJoinToken,
  makeNewKey,
  publishedKids,
  removeNewKey,
  type SigningKey,
  useSigningKeys,
} from "./testkit/identity/signing-keys.ts";
import { requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { upgrade } from "./testkit/installation/releases.ts";
import { exposeFailures, type LoadResult, restoreTraffic, startLoad } from "./testkit/traffic/load.ts";

/** Requests per second. */
const RATE = 40;
const PORT = 8080;
/** How long the load continues after a change: a request that fails then is the change's. */
const AFTER_MS = 2000;
const OLD: SigningKey = "service-account";
const NEW: SigningKey = "service-account-new";

/** Runs a block of a page. One thing differs: the lab has no proxy to ask for its version. */
function tryStep(block: string): Promise<Outcome> {
  const script = block.replaceAll("istio-teleport doctor ", "istio-teleport doctor --teleport-version 18.11.0 ");
  return tryShell(`set -eu\n${script}`, { cwd: USER_DIR });
}

async function step(block: string): Promise<void> {
  const { code, stdout, stderr } = await tryStep(block);
  if (code !== 0) throw new Error(`${block}: exit code ${code}\n${stdout}\n${stderr}`);
}

/** Makes a change while the test app is called, and says what it cost. */
async function underLoad(what: string, change: () => Promise<void>): Promise<LoadResult> {
  const load = await startLoad(RATE);
  try {
    await change();
    await sleep(AFTER_MS);
  } catch (error) {
    // Whatever failed, no load continues behind the test.
    await load.stop();
    throw error;
  }
  const result = await load.stop();
  process.stderr.write(`${what}: ${result.requests} requests, ${result.failed.length} failed\n`);
  return result;
}

const joins = (since: Date) => auditEvents(since).filter(({ event }) => event === "bot.join");
const failedJoins = (since: Date) => joins(since).filter(({ success }) => success !== true);

beforeAll(async () => {
  await requireInstalled();
  await exposeFailures();
});
afterAll(() => restoreTraffic());

describe("the cluster's signing key", () => {
  beforeAll(makeNewKey);
  afterAll(async () => {
    await upgrade([]);
    await useSigningKeys(OLD, [OLD]);
    await step(shellBlock("docs/operate/key-rotation.md#add"));
    removeNewKey();
  });

  const tokenComplaints = async () => complaintsOf(await doctorReport("--only token-keys,join-token"));

  /** istiod, too, holds a token with which it asks the API server. */
  const restartIstiod = () =>
    shell(
      "kubectl -n istio-system rollout restart deployment/istiod && kubectl -n istio-system rollout status deployment/istiod --timeout=120s",
    );

  it("is rotated as docs/operate/key-rotation.md says: no join fails, no request, and the CronJob finds the new key", {
    timeout: 300_000,
  }, async () => {
    const since = new Date();
    const [old = "", ...others] = await publishedKids();
    expect(others).toEqual([]);
    await watchEachMinute();
    const healthy = await lookNow();
    expect(healthy, healthy.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("no problem") });
    expect(await shell(shellBlock("docs/operate/checks-in-the-cluster.md#results"))).toContain("MeshHealthy");
    const ids = await publishedKids();
    const byHand = await tryStep(
      shellBlock("docs/operate/checks-in-the-cluster.md#by-hand")
        .replaceAll("ID,ID", ids.join())
        .replace(" watch ", " watch --teleport-version 18.11.0 "),
    );
    expect(byHand, byHand.stderr).toMatchObject({ code: 0 });
    expect(await watchEvents()).toContainEqual(expect.objectContaining({ type: "Normal", reason: "MeshHealthy" }));
    let changed = 0;
    const { failed } = await underLoad("signing key", async () => {
      await useSigningKeys(OLD, [OLD, NEW]);
      changed = Date.now();
      const added = (await publishedKids()).filter((kid) => kid !== old);
      expect(added).toHaveLength(1);
      const drift = await tryStep(shellBlock("docs/operate/key-rotation.md#check"));
      expect(drift).toMatchObject({ code: 3, stdout: expect.stringContaining(`missing key "${added[0]}"`) });
      expect(await tokenComplaints()).toEqual([
        expect.stringMatching(`^warning token-keys: missing key "${added[0]}"`),
      ]);

      await step(shellBlock("docs/operate/key-rotation.md#add"));
      expect(await tokenComplaints()).toEqual([]);

      await useSigningKeys(NEW, [OLD, NEW]);
      const joined = joins(since).length;
      await step(shellBlock("docs/operate/key-rotation.md#restart"));
      await until("tbot joins anew", 60, async () => joins(since).length > joined);
      expect(await kidOfJoinToken()).toBe(added[0]);
      await restartIstiod();

      await useSigningKeys(NEW, [NEW]);
      expect(await tokenComplaints()).toEqual([expect.stringMatching(`^warning token-keys: extra +key "${old}"`)]);
      await step(shellBlock("docs/operate/key-rotation.md#remove"));
      expect(await tokenComplaints()).toEqual([]);
      expect(await publishedKids()).toEqual(added);
    });
    expect(failed).toEqual([]);
    expect(failedJoins(since)).toEqual([]);

    const [current] = await publishedKids();
    const missing = `missing key "${current}"`;
    const found = await until("an Event names the new key", (2 * PERIOD) / 1000, async () =>
      (await watchEvents()).find(({ message }) => message.includes(missing)),
    );
    expect(found).toMatchObject({ type: "Warning", reason: "MeshProblem" });
    expect(found.message).toMatch(/Failed: .*token-keys/);
    // The Event comes first: the pod ends after it, and then the Job.
    await until("its Job has failed", 60, async () => (await failedLooks()) > 0);
    const after = Date.parse(found.firstTimestamp) - changed;
    process.stderr.write(`the CronJob found the new key ${Math.round(after / 1000)} s after it was published\n`);
    // At the next minute at the latest it begins to look; how long a look takes is the machine's.
    expect(after).toBeLessThan(2 * PERIOD);
    await upgrade([]);
  });

  it("used before Teleport knows it: tbot cannot join, doctor says why, and the token heals it; no request fails", {
    timeout: 240_000,
  }, async () => {
    const since = new Date();
    const { failed } = await underLoad("signing key in the wrong order", async () => {
      // The lab's own key is the new one now: the API server publishes and signs with it at once.
      await useSigningKeys(OLD, [NEW, OLD]);
      const restarted = tryStep(shellBlock("docs/operate/key-rotation.md#restart"));
      await until("a join fails", 60, async () => failedJoins(since).length > 0);
      expect(failedJoins(since)[0]?.error).toContain("validating jwt signature");
      await until("doctor says why", 60, async () => {
        const complaints = complaintsOf(await doctorReport("--only token-keys,tbot-nodes"));
        expect(complaints).toContainEqual(expect.stringMatching("^warning token-keys: missing key"));
        expect(complaints).toContainEqual(expect.stringMatching("^problem tbot-nodes: "));
        return true;
      });
      const fixed = Date.now();
      await step(shellBlock("docs/operate/key-rotation.md#add"));
      expect((await restarted).code).toBe(0);
      process.stderr.write(`tbot joined ${Math.round((Date.now() - fixed) / 1000)} s after the token was fixed\n`);
      expect(await tokenComplaints()).toEqual([]);

      await restartIstiod();
      await useSigningKeys(OLD, [OLD]);
      await step(shellBlock("docs/operate/key-rotation.md#remove"));
    });
    expect(failed).toEqual([]);
    expect(await kidOfJoinToken()).toBe((await publishedKids())[0]);
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });
});

describe("Teleport's SPIFFE CA", () => {
  /** Which of two roots each sidecar uses, and which it trusts, by doctor; each as "old", "new" or "old new". */
  async function roots(old: string): Promise<string[]> {
    const named = (root: string | null) => (root === old ? "old" : "new");
    const { proxies } = await doctorReport("--only trust-roots");
    expect(proxies.length).toBe((await livePods("test-app")).length);
    const all = proxies.map(
      ({ usesRoot, trustsRoots }) =>
        `uses ${named(usesRoot)}, trusts ${trustsRoots.map(named).toSorted().reverse().join(" ")}`,
    );
    return [...new Set(all)];
  }

  /** Which root signed what both ends of the calls present in a handshake. */
  async function onTheWire(old: string): Promise<string[]> {
    const issuers = await Issuers.read();
    return Promise.all(
      ["server", "allowed-client"].map(async (name) => {
        const pod = await onePod("test-app", `app.kubernetes.io/name=${name}`);
        const presented = await issuers.presented(address(pod), PORT);
        return presented?.root === old ? "old" : `${presented?.issuer === "teleport" ? "new" : presented?.issuer}`;
      }),
    );
  }

  /** Takes one documented step under load, until every sidecar is as expected; no request may fail. */
  async function phase(old: string, name: string, change: () => Promise<unknown>, signs: string, trusted: string) {
    const { failed } = await underLoad(`SPIFFE CA, ${name}`, async () => {
      const started = Date.now();
      await change();
      await until(`all sidecars use the ${signs} root and trust ${trusted}`, 60, async () => {
        expect(await roots(old)).toEqual([`uses ${signs}, trusts ${trusted}`]);
        return true;
      });
      process.stderr.write(`SPIFFE CA, ${name}: all sidecars after ${Math.round((Date.now() - started) / 1000)} s\n`);
      expect(await onTheWire(old)).toEqual([signs, signs]);
    });
    expect(failed).toEqual([]);
  }

  async function onlyRoot(): Promise<string> {
    const [root, ...others] = await teleportRoots();
    if (root === undefined || others.length > 0) throw new Error(`${others.length + 1} roots`);
    return rootName(root);
  }

  const rotate = (name: string) => shell(`tctl auth rotate --manual --type=spiffe --phase=${name}`);

  it("can go back from update_clients: no request fails", { timeout: 240_000 }, async () => {
    const old = await onlyRoot();
    await rotate("init");
    await until("all trust both", 60, async () => (await roots(old)).join() === "uses old, trusts old new");
    await phase(old, "update_clients", () => rotate("update_clients"), "new", "old new");
    await phase(old, "rollback", () => rotate("rollback"), "old", "old new");
    await phase(old, "standby after rollback", () => rotate("standby"), "old", "old");
    expect(await onlyRoot()).toBe(old);
  });

  it("is rotated as docs/operate/key-rotation.md says: in no phase fails a request", { timeout: 300_000 }, async () => {
    const old = await onlyRoot();
    await phase(old, "init", () => step(shellBlock("docs/operate/key-rotation.md#init")), "old", "old new");
    await phase(
      old,
      "update_clients",
      () => step(shellBlock("docs/operate/key-rotation.md#update-clients")),
      "new",
      "old new",
    );
    await phase(
      old,
      "update_servers",
      () => step(shellBlock("docs/operate/key-rotation.md#update-servers")),
      "new",
      "old new",
    );
    await phase(old, "standby", () => step(shellBlock("docs/operate/key-rotation.md#standby")), "new", "new");
    expect(await onlyRoot()).not.toBe(old);
  });

  it("replaced at once, without a time in which both are trusted: heals by itself", { timeout: 120_000 }, async () => {
    const old = await onlyRoot();
    // How many requests fail is printed only: one tbot pushes to both ends within moments, which no other cluster promises.
    await underLoad("SPIFFE CA, at once", async () => {
      await shell("tctl auth rotate --type=spiffe --grace-period=0");
      await until("all sidecars use and trust the new root", 60, async () => {
        expect(await roots(old)).toEqual(["uses new, trusts new"]);
        return true;
      });
      expect(await onTheWire(old)).toEqual(["new", "new"]);
    });
    const { failed } = await underLoad("SPIFFE CA, afterwards", async () => {});
    expect(failed).toEqual([]);
  });
});
