import { beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/addresses.ts";
import { requireInstalled } from "./lib/installation.ts";
import { Issuers } from "./lib/issuers.ts";
import { address, onePod } from "./lib/pods.ts";
import { shell, tryShell } from "./lib/shell.ts";

const SERVER_PORT = 8080;

/** The status code that a client of the test app gets from the server. */
function statusCode(client: string): Promise<string> {
  return shell(
    `kubectl -n test-app exec deploy/${client} -c ${client} -- curl -s -o /dev/null -w '%{http_code}' http://server/headers`,
  );
}

beforeAll(requireInstalled);

describe("the test app", () => {
  it("answers the allowed client with 200", async () => {
    expect(await statusCode("allowed-client")).toBe("200");
  });

  it("answers the other client with 403", async () => {
    expect(await statusCode("other-client")).toBe("403");
  });

  it("refuses plaintext", async () => {
    const server = address(await onePod("test-app", "app.kubernetes.io/name=server"));
    // From outside the mesh, straight to the pod: no sidecar makes it mutual TLS.
    const attempt = await tryShell(
      `curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://${server}:${SERVER_PORT}/headers`,
    );
    expect(attempt.code).not.toBe(0);
    expect(attempt.stdout).toBe("000");
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
