import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { address, onePod } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { FLAGS, type Report } from "./testkit/conformance/conformance.ts";
import { Issuers, type PresentedIdentity } from "./testkit/identity/issuers.ts";
import { REPOSITORY, requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { counters, rise, STATS_ANNOTATION } from "./testkit/traffic/envoy-counters.ts";
import {
  exposeFailures,
  LOAD_HOST,
  type LoadResult,
  REQUESTS_PER_CONNECTION,
  restoreTraffic,
  startLoad,
} from "./testkit/traffic/load.ts";

const TTL_SECONDS = 60;
const RENEWAL_SECONDS = 15;
const RATE = 60;
/** Past the first certificate's expiry and five rotations; `LAB_LOAD_SECONDS` makes a soak of it. */
const LOAD_SECONDS = Number(process.env.LAB_LOAD_SECONDS ?? 110);
const PORT = 8080;
const SETS = `--set tbot.credentialTTL=${TTL_SECONDS}s --set tbot.renewalInterval=${RENEWAL_SECONDS}s`;

async function setLife(sets: string): Promise<void> {
  await shell(`npx -p istio-teleport istio-teleport render teleport -f values.yaml ${sets} | tctl create -f`, {
    cwd: USER_DIR,
  });
  await shell(`helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml ${sets}`, {
    cwd: USER_DIR,
  });
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

/**
 * Where Envoy counts the TLS handshakes of each end: the server's with all who call, the client's with the server.
 * Istio's sidecars keep none of these counters unless told.
 */
const STATS = { server: "listener.0.0.0.0_15006.ssl.", client: `cluster.outbound|80||${LOAD_HOST};.ssl.` };
const RETRIES = `cluster.outbound|80||${LOAD_HOST};.upstream_rq_retry`;
const NO_TLS_FAILURE = { connection_error: 0, fail_verify_error: 0, fail_verify_san: 0, fail_verify_cert_hash: 0 };

/** Makes the sidecars of server and client keep the statistics, or stop to. New pods come of it. */
async function keepStats(keep: boolean): Promise<void> {
  const value = keep ? "(listener[.]0[.]0[.]0[.]0_15006[.]ssl|cluster[.]outbound[|]80[|][|]server[.]test-app).*" : null;
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations: { [STATS_ANNOTATION]: value } } } } });
  for (const name of ["server", "allowed-client"]) {
    await shell(
      `kubectl -n test-app patch deploy ${name} --type merge -p '${patch}' && kubectl -n test-app rollout status deploy/${name} --timeout=120s`,
    );
  }
}

beforeAll(async () => {
  await requireInstalled();
  await setLife(SETS);
  await keepStats(true);
  await exposeFailures();
});

afterAll(async () => {
  await restoreTraffic();
  await keepStats(false);
  await setLife("");
});

describe(`certificates of ${TTL_SECONDS} s, renewed every ${RENEWAL_SECONDS} s, under ${RATE} requests per second`, () => {
  it(
    "rotate at least five times at both ends, past the first one's expiry, and no request fails",
    async () => {
      const issuers = await Issuers.read();
      const ends = {
        server: await onePod("test-app", "app.kubernetes.io/name=server"),
        client: await onePod("test-app", "app.kubernetes.io/name=allowed-client"),
      };
      const seen: Record<"server" | "client", Map<string, PresentedIdentity>> = {
        server: new Map(),
        client: new Map(),
      };
      const read = async (end: "server" | "client") => {
        const presented = await issuers.presented(address(ends[end]), PORT);
        if (presented === undefined) throw new Error(`${end} presents no certificate`);
        expect(presented).toMatchObject({ issuer: "teleport", valid: true });
        seen[end].set(presented.serial, presented);
        return presented;
      };
      for (const end of ["server", "client"] as const) {
        await until(`the ${end} has a certificate of the short life`, 60, async () => {
          const life = ((await read(end)).notAfter.getTime() - Date.now()) / 1000;
          return life <= TTL_SECONDS;
        });
        seen[end].clear();
      }
      const first = { server: await read("server"), client: await read("client") };

      const from = new Date();
      const before = {
        server: await counters("test-app", ends.server, STATS.server),
        client: await counters("test-app", ends.client, STATS.client),
      };
      const load = await startLoad(RATE);
      const shown = tryShell(shellBlock("docs/operate/test.md#renewal").replace(" test ", ` test ${FLAGS} `), {
        cwd: USER_DIR,
      });
      // It is judged below, when no load can continue behind it.
      shown.catch(() => {});
      const end = Date.now() + LOAD_SECONDS * 1000;
      let result: LoadResult;
      try {
        while (Date.now() < end) {
          await Promise.all([read("server"), read("client")]);
          await sleep(Math.min(3000, Math.max(0, end - Date.now())));
        }
      } finally {
        // Whatever the reading found, no load continues behind the test.
        result = await load.stop();
      }
      expect((await shown).stderr).not.toContain("istio-teleport:");
      const { scenarios } = JSON.parse(readFileSync(join(USER_DIR, "test.json"), "utf8")) as Report;
      const renewal = scenarios.find(({ id }) => id === "renewal");
      process.stderr.write(`istio-teleport test --renewal: ${renewal?.evidence}\n`);
      expect(renewal, JSON.stringify(scenarios, null, 2)).toMatchObject({ status: "ok", findings: [] });
      const root = await shell(shellBlock("docs/operate/test.md#root"));
      const digits = root
        .replaceAll(/^.*=|:/g, "")
        .toLowerCase()
        .slice(0, 16);
      expect(scenarios.find(({ id }) => id === "own-identity")?.evidence).toContain(`the root ${digits}`);
      process.stderr.write(
        `rotation: ${result.requests} requests, ${result.failed.length} failed, serials server ${seen.server.size}, client ${seen.client.size}\n`,
      );

      expect(result.requests).toBeGreaterThanOrEqual(RATE * LOAD_SECONDS - 1);
      expect(result.failed).toEqual([]);
      const handshakes = Math.floor(result.requests / REQUESTS_PER_CONNECTION);
      const client = rise(before.client, await counters("test-app", ends.client, STATS.client));
      expect(client).toMatchObject({ ...NO_TLS_FAILURE, fail_verify_no_cert: 0 });
      expect(client.handshake).toBeGreaterThanOrEqual(handshakes);
      // Handshakes without a client's certificate (fail_verify_no_cert) are the test's own readings.
      const server = rise(before.server, await counters("test-app", ends.server, STATS.server));
      expect(server).toMatchObject(NO_TLS_FAILURE);
      expect(server.handshake).toBeGreaterThanOrEqual(handshakes);
      expect(await counters("test-app", ends.client, RETRIES)).toMatchObject({ "": 0 });
      // Five rotations are six certificates.
      expect(seen.server.size).toBeGreaterThanOrEqual(6);
      expect(seen.client.size).toBeGreaterThanOrEqual(6);
      for (const end of ["server", "client"] as const) expect(first[end].notAfter.getTime()).toBeLessThan(Date.now());

      // The server's Envoy wrote down the serial of the certificate that each handshake with the client brought.
      const log = await shell(
        `kubectl -n test-app logs deploy/server -c istio-proxy --since-time=${from.toISOString()}`,
      );
      const serials = new Set([...log.matchAll(/"peer_serial":"([0-9a-f]+)"/g)].map((match) => match[1]));
      expect(serials.size).toBeGreaterThanOrEqual(6);
    },
    (LOAD_SECONDS + 190) * 1000,
  );
});
