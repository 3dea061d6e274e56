import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell } from "./testkit/cluster/shell.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";

const SERVER_PORT = 8080;

/** curl's exit codes for a connection that was made and then ended by the peer: no answer (52), or a reset (56). */
const CONNECTION_ENDED = [52, 56];

/** The status code that a client of the test app gets from the server. */
function statusCode(client: string): Promise<string> {
  return shell(
    `kubectl -n test-app exec deploy/${client} -c ${client} -- curl -s -o /dev/null -w '%{http_code}' http://server/headers`,
  );
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace("unmeshed", { meshed: false });
});

afterAll(() => deleteNamespace("unmeshed"));

describe("the test app", () => {
  it("answers the allowed client with 200", async () => {
    expect(await statusCode("allowed-client")).toBe("200");
  });

  it("answers the other client with 403", async () => {
    expect(await statusCode("other-client")).toBe("403");
  });

  it("refuses plaintext, at a port that answers TLS", async () => {
    const server = address(await onePod("test-app", "app.kubernetes.io/name=server"));
    // No sidecar makes it mutual TLS.
    await shell(
      "kubectl -n unmeshed run plaintext --image=lab.local/client:lab --image-pull-policy=Never --labels=app=plaintext --annotations=sidecar.istio.io/inject=false --command -- sleep infinity",
    );
    await untilReady("unmeshed", "app=plaintext", 90);
    const attempt = await tryShell(
      `kubectl -n unmeshed exec plaintext -- curl -s -o /dev/null -w '%{http_code}' --max-time 20 http://${server}:${SERVER_PORT}/headers`,
    );
    expect(CONNECTION_ENDED).toContain(attempt.code);
    expect(attempt.stdout).toBe("000");
    const issuers = await Issuers.read();
    expect(await issuers.presented(server, SERVER_PORT)).toMatchObject({ issuer: "teleport", valid: true });
  });

  it("the server sees who calls: the SPIFFE ID in X-Forwarded-Client-Cert", async () => {
    const answer = await shell(
      "kubectl -n test-app exec deploy/allowed-client -c allowed-client -- curl -s http://server/headers",
    );
    expect(answer).toContain(`URI=spiffe://${TELEPORT_CLUSTER_NAME}/ns/test-app/sa/allowed-client`);
    expect(answer).toContain(`By=spiffe://${TELEPORT_CLUSTER_NAME}/ns/test-app/sa/server`);
  });
});

describe("certificates on the wire", () => {
  for (const name of ["server", "allowed-client", "other-client"]) {
    it(`${name} presents an SVID of the Teleport double's CA`, async () => {
      const issuers = await Issuers.read();
      const pod = await onePod("test-app", `app.kubernetes.io/name=${name}`);
      expect(await issuers.presented(address(pod), SERVER_PORT)).toMatchObject({
        issuer: "teleport",
        spiffeId: `spiffe://${TELEPORT_CLUSTER_NAME}/ns/test-app/sa/${name}`,
        valid: true,
      });
    });
  }
});
