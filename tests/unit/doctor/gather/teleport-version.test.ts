import { afterEach, expect, test, vi } from "vitest";
import { readTeleportVersion } from "../../../../tools/doctor/gather/teleport-version.ts";
import type { StoredInTeleport } from "../../../../tools/doctor/snapshot.ts";

afterEach(() => vi.unstubAllGlobals());

const TBOT = { ok: true, value: "proxy_server: teleport.example:443\n" } as const;

test.each([
  ['{"server_version":"18.11.1"}', { ok: true, value: "18.11.1" }],
  [
    "<html>Log in</html>",
    { ok: false, reason: expect.stringContaining('Teleport proxy but with "<html>Log in</html>"') },
  ],
  ["null", { ok: false, reason: expect.stringContaining('Teleport proxy but with "null"') }],
  ["", { ok: false, reason: "teleport.example:443 does not answer as a Teleport proxy but with nothing" }],
])("a proxy that answers %j", async (body, read) => {
  const asked = vi.fn(async () => new Response(body));
  vi.stubGlobal("fetch", asked);
  expect(await readTeleportVersion({}, undefined, TBOT)).toEqual(read);
  expect(asked).toHaveBeenCalledWith("https://teleport.example:443/webapi/ping", expect.anything());
});

test.each([
  ["as given", { teleportVersion: "18.1.0" }, "18.12.0", "18.1.0"],
  ["as tctl says it", {}, "18.12.0", "18.12.0"],
  ["of the proxy, where tctl names none", {}, "", "18.11.1"],
])("is %s", async (_, given, ofTctl, version) => {
  vi.stubGlobal("fetch", async () => new Response('{"server_version":"18.11.1"}'));
  const status = { ok: true, value: { clusterName: "a.example", version: ofTctl } } as const;
  const teleport: StoredInTeleport = { status, joinTokens: { ok: true, value: [] } };
  expect(await readTeleportVersion(given, teleport, TBOT)).toEqual({ ok: true, value: version });
});
