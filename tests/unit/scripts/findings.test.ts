import { describe, expect, it } from "vitest";
import { compareFindings } from "../../../scripts/security-scan/findings.ts";

const HOST_PID = { check: "CKV_K8S_17", says: "no host PID", object: "DaemonSet.teleport-system.tbot" };
const ACCEPTED = { check: "CKV_K8S_17", objects: ["DaemonSet\\..*\\.tbot"], reason: "attestation" };

describe("findings of a scanner", () => {
  it("are fine where each is accepted with a reason", () => {
    expect(compareFindings([HOST_PID], [ACCEPTED])).toEqual([]);
  });

  it("are named where nobody accepted them for this object", () => {
    const other = { ...HOST_PID, object: "Deployment.x.tbot" };
    expect(compareFindings([HOST_PID, other, other], [ACCEPTED])).toEqual([
      "Deployment.x.tbot: CKV_K8S_17 (no host PID): mend it, or accept it with a reason",
    ]);
  });

  it("may not be accepted for more than is found, for part of a name, or without a reason", () => {
    expect(compareFindings([], [ACCEPTED])).toEqual([
      "CKV_K8S_17 is accepted for DaemonSet\\..*\\.tbot, where it is no longer found: remove that",
    ]);
    expect(compareFindings([HOST_PID], [{ ...ACCEPTED, objects: ["DaemonSet"] }])).toHaveLength(2);
    expect(compareFindings([HOST_PID], [{ ...ACCEPTED, reason: " " }])).toEqual([
      "CKV_K8S_17 is accepted without a reason",
    ]);
  });
});
