import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY, requireInstalled, USER_DIR } from "./lib/installation.ts";
import { Issuers, type PresentedIdentity } from "./lib/issuers.ts";
import { address, onePod } from "./lib/pods.ts";
import { shell, until } from "./lib/shell.ts";

const TTL_SECONDS = 120;
const RENEWAL_SECONDS = 30;
const RATE = 60;
/** Past the first certificate's expiry and five rotations; `LAB_LOAD_SECONDS` makes a soak of it. */
const LOAD_SECONDS = Number(process.env.LAB_LOAD_SECONDS ?? 210);
const PORT = 8080;
const SETS = `--set tbot.credentialTTL=${TTL_SECONDS}s --set tbot.renewalInterval=${RENEWAL_SECONDS}s`;

/** vegeta's report, as far as it is read here. Source: github.com/tsenart/vegeta, lib/metrics.go. */
interface LoadReport {
  readonly requests: number;
  readonly status_codes: Record<string, number>;
  readonly errors: readonly string[];
}

async function setLife(sets: string): Promise<void> {
  await shell(`npx -p istio-teleport istio-teleport render teleport -f values.yaml ${sets} | tctl create -f`, {
    cwd: USER_DIR,
  });
  await shell(`helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml ${sets}`, {
    cwd: USER_DIR,
  });
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

/** Each connection between the two sidecars ends after ten requests, so that every certificate has to pass handshakes. */
const SHORT_CONNECTIONS = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: short-connections, namespace: test-app}
spec:
  host: server.test-app.svc.cluster.local
  trafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: 10}}}
`;

beforeAll(async () => {
  await requireInstalled();
  await shell("kubectl apply -f -", { input: SHORT_CONNECTIONS });
  await setLife(SETS);
});

afterAll(async () => {
  await shell("kubectl -n test-app delete destinationrule short-connections");
  await setLife("");
});

describe(`certificates of ${TTL_SECONDS} s, renewed every ${RENEWAL_SECONDS} s, under ${RATE} requests a second`, () => {
  it(
    "rotate at least five times at both ends, past the first one's expiry, and no request fails",
    async () => {
      const issuers = await Issuers.read();
      const ends = {
        server: address(await onePod("test-app", "app.kubernetes.io/name=server")),
        client: address(await onePod("test-app", "app.kubernetes.io/name=allowed-client")),
      };
      const seen: Record<"server" | "client", Map<string, PresentedIdentity>> = {
        server: new Map(),
        client: new Map(),
      };
      const read = async (end: "server" | "client") => {
        const presented = await issuers.presented(ends[end], PORT);
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
      const load = shell(
        `kubectl -n test-app exec deploy/allowed-client -c allowed-client -- sh -c 'echo "GET http://server/headers" | vegeta attack -rate=${RATE} -duration=${LOAD_SECONDS}s | vegeta report -type=json'`,
      );
      let running = true;
      const ended = load.finally(() => {
        running = false;
      });
      while (running) {
        await Promise.all([read("server"), read("client")]);
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3000))]);
      }
      const report = JSON.parse(await load) as LoadReport;
      process.stderr.write(
        `rotation: ${report.requests} requests, ${JSON.stringify(report.status_codes)}, serials server ${seen.server.size}, client ${seen.client.size}\n`,
      );

      expect(report.requests).toBeGreaterThanOrEqual(RATE * LOAD_SECONDS - 1);
      expect(report.status_codes).toEqual({ "200": report.requests });
      expect(report.errors).toEqual([]);
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
