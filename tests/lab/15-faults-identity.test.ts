import { mkdirSync, rmSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { killContainer } from "./testkit/cluster/containers.ts";
import { startNodeDaemon, stopNodeDaemon } from "./testkit/cluster/node-daemons.ts";
import { onePod } from "./testkit/cluster/pods.ts";
import { shell } from "./testkit/cluster/shell.ts";
import { type Fault, FaultBench, type Life, type Meanwhile } from "./testkit/faults/fault.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { REPOSITORY, USER_DIR } from "./testkit/installation/installation.ts";

/** Faults of what gives workloads their identity: tbot, its socket, Teleport. docs/operate/faults.md has a section for each. */

/** Doctor calls a certificate late one and a half intervals and 30 s after its issuance: well before its end. */
const LIFE: Life = { ttl: 90, renewal: 14 };
const SOCKET_DIRECTORY = "/run/spire/sockets";
const TELEPORT = "teleport";

async function killTbot(): Promise<void> {
  const { metadata } = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
  await killContainer("teleport-system", metadata.name, "tbot");
}

const restartTbot = () => shell("kubectl -n teleport-system rollout restart daemonset/tbot");

/** A new pod of a workload that the load does not need: what new pods meet. */
const replaceOtherClient = () =>
  shell("kubectl -n test-app delete pod -l app.kubernetes.io/name=other-client --grace-period=1");

/** Whether a pod presents no certificate: it waits for its first. */
async function aPodWaits({ wire }: Meanwhile): Promise<boolean> {
  return [...wire.latest.values()].includes(undefined);
}

const secondsSince = (from: Date) => (Date.now() - from.getTime()) / 1000;

/** Whether Teleport has refused a join with these words since the break. */
const joinRefused = (words: string) => async (now: Meanwhile) =>
  auditEvents(now.brokenAt).some(({ event, error }) => event === "bot.join" && error?.includes(words));

/** Whether requests have failed for a while, and not only while something was restarted. */
const requestsFail = async (now: Meanwhile) => now.failed().length >= 60;

/** The chart with another text in one of its files, as the next release may have it by mistake. */
async function upgradeToEditedChart(file: string, from: RegExp, to: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lab-chart-"));
  try {
    await cp(join(REPOSITORY, "chart"), folder, { recursive: true });
    const text = await readFile(join(folder, file), "utf8");
    if (!from.test(text)) throw new Error(`${file} has no ${from}`);
    await writeFile(join(folder, file), text.replace(from, to));
    await shell(`helm upgrade istio-teleport '${folder}' -n teleport-system --reuse-values`, { cwd: USER_DIR });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Those whose effect is that certificates are not renewed, or wrong ones are. */
const OF_SHORT_LIFE: readonly Fault[] = [
  {
    name: "Teleport is down for more than a renewal interval",
    break: () => stopNodeDaemon(TELEPORT),
    while: async ({ brokenAt }) => secondsSince(brokenAt) > LIFE.renewal,
    repair: () => startNodeDaemon(TELEPORT),
    longest: 30,
  },
  {
    name: "Teleport is down for more than a certificate's life",
    break: () => stopNodeDaemon(TELEPORT),
    while: requestsFail,
    repair: () => startNodeDaemon(TELEPORT),
    longest: 160,
  },
  {
    // tbot opens its watch again 10 s after each break, so every 12 s.
    name: "tbot's connection to Teleport breaks more often than every renewal interval",
    break: () => startNodeDaemon(TELEPORT, (flags) => [...flags, "--break-watches-every=2s"]),
    while: requestsFail,
    repair: () => startNodeDaemon(TELEPORT),
    longest: 160,
  },
  {
    name: "tbot's connection to Teleport breaks less often than every renewal interval",
    break: () => startNodeDaemon(TELEPORT, (flags) => [...flags, "--break-watches-every=15s"]),
    while: async ({ wire, brokenAt }) => wire.allIssuedSince(brokenAt),
    repair: () => startNodeDaemon(TELEPORT),
  },
  {
    name: "Teleport's clock is 5 minutes ahead",
    break: () => startNodeDaemon(TELEPORT, (flags) => [...flags, "--clock-offset=5m"]),
    while: requestsFail,
    repair: () => startNodeDaemon(TELEPORT),
  },
  { name: "tbot is killed", break: killTbot },
];

const OF_ANY_LIFE: readonly Fault[] = [
  {
    name: "tbot is rolled out",
    break: async () => {
      await restartTbot();
    },
  },
  {
    name: "the socket is removed",
    break: async () => {
      rmSync(join(SOCKET_DIRECTORY, "socket"));
      await replaceOtherClient();
    },
    while: aPodWaits,
    repair: async () => {
      await restartTbot();
    },
  },
  {
    name: "the socket directory is removed and made again, and tbot restarted",
    break: async () => {
      rmSync(SOCKET_DIRECTORY, { recursive: true });
      mkdirSync(SOCKET_DIRECTORY);
      await restartTbot();
    },
    repair: (now) =>
      now.withoutLoad(async () => {
        await shell("kubectl -n test-app rollout restart deployment");
        await shell(
          "for app in server allowed-client other-client; do kubectl -n test-app rollout status deployment/$app --timeout=120s; done",
        );
      }),
  },
  {
    name: "the join token is removed, and tbot restarted",
    break: async () => {
      await shell("tctl rm token/istio-tbot-k8s-join");
      await restartTbot();
    },
    while: joinRefused("token expired or not found"),
    repair: async () => {
      await shell("npx -p istio-teleport gen-token -f values.yaml | tctl create -f", { cwd: USER_DIR });
      await restartTbot();
    },
  },
  {
    name: "an upgrade gives tbot's token another audience",
    break: () =>
      upgradeToEditedChart("charts/tbot/templates/daemonset.yaml", /audience: .*/, "audience: other.example"),
    while: joinRefused("audience"),
    repair: async () => {
      await shell("helm rollback istio-teleport -n teleport-system");
    },
  },
  {
    name: "Teleport's clock is 5 minutes behind, and tbot restarted",
    break: async () => {
      await startNodeDaemon(TELEPORT, (flags) => [...flags, "--clock-offset=-5m"]);
      await killTbot();
    },
    while: joinRefused("not valid yet"),
    repair: () => startNodeDaemon(TELEPORT),
  },
];

let bench: FaultBench;
beforeAll(async () => {
  bench = await FaultBench.open("identity", LIFE);
});
afterAll(() => bench?.close());

describe(`with certificates of ${LIFE.ttl} s, renewed every ${LIFE.renewal} s, under load`, () => {
  it.each(OF_SHORT_LIFE)("$name: as docs/operate/faults.md says", { timeout: 400_000 }, async (fault) => {
    await bench.try(fault);
  });
});

describe("with certificates of an hour, under load", () => {
  beforeAll(() => bench.setLife());
  it.each(OF_ANY_LIFE)("$name: as docs/operate/faults.md says", { timeout: 400_000 }, async (fault) => {
    await bench.try(fault);
  });
});
