import { beforeAll, describe, expect, it } from "vitest";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { address, onePod } from "./testkit/cluster/pods.ts";
import { shell } from "./testkit/cluster/shell.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";

const SERVER_PORT = 8080;

/** The status code that a client of the test app gets from the server. */
function statusCode(client: string): Promise<string> {
  return shell(
    `kubectl -n test-app exec deploy/${client} -c ${client} -- curl -s -o /dev/null -w '%{http_code}' http://server/headers`,
  );
}

beforeAll(requireInstalled);

// What `istio-teleport test` shows in a namespace of its own, 04 has it show: plaintext, and whom the server sees.
describe("the test app", () => {
  it("answers the allowed client with 200", async () => {
    expect(await statusCode("allowed-client")).toBe("200");
  });

  it("answers the other client with 403", async () => {
    expect(await statusCode("other-client")).toBe("403");
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
