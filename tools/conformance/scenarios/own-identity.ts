import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import { count, type Finding, problem } from "../../doctor/checks/check.ts";
import { type CertifiedPod, spiffeIdIn } from "../../doctor/facts/certificates.ts";
import { CouldNotLook } from "../../doctor/facts/facts.ts";
import { call, described } from "../stage/calls.ts";
import { certificatesInUse } from "../stage/certificates.ts";
import { MESHED } from "../stage/objects.ts";
import { type SeenCaller, seenCaller } from "../stage/seen-caller.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";

const IDENTITY_HINT = "Run `istio-teleport doctor`: proxy-issuer and proxy-identity tell which hand-off is broken.";

/** What a proxy holds is Teleport's and its own; what the server saw on the wire is exactly that certificate. */
export const ownIdentity: Scenario = {
  id: "own-identity",
  title: "Each certificate on the wire is Teleport's and names its own namespace and service account",
  async show(stage) {
    const { certificates, seen } = await look(stage);
    const findings = [
      ...MESHED.flatMap((name) => wrongWith(stage, name, certificates.get(name))),
      ...wrongOnTheWire(stage, seen, certificates.get("allowed-client")),
    ];
    const serial = certificates.get("allowed-client")?.leaf.serialNumber.toLowerCase() ?? "none";
    const examined = `${count(certificates.size, "certificate")} of ${MESHED.length} proxies; on the wire ${seen.uri} with the serial number ${serial}`;
    return { examined, findings };
  },
};

interface Look {
  certificates: Map<string, CertifiedPod>;
  seen: SeenCaller;
}

/** Once more where both differ: the certificate may have been replaced in between. */
async function look(stage: Stage): Promise<Look> {
  const first = await lookOnce(stage);
  return isSame(first.seen, first.certificates.get("allowed-client")) ? first : lookOnce(stage);
}

async function lookOnce(stage: Stage): Promise<Look> {
  const certificates = await certificatesInUse(stage);
  const answer = await call(stage, "allowed-client", "http://server/headers");
  if (answer.kind !== "answered" || answer.status !== 200) {
    throw new CouldNotLook(`the server has to answer first (see allowed-200): ${described(answer)}`);
  }
  const seen = seenCaller(answer.body);
  if (seen === undefined) {
    throw new CouldNotLook(
      "the server's answer has no X-Forwarded-Client-Cert; its image must answer /headers with the headers as JSON, as go-httpbin does",
    );
  }
  return { certificates, seen };
}

function isSame({ hash }: SeenCaller, certified: CertifiedPod | undefined): boolean {
  return certified !== undefined && hash === certified.leaf.fingerprint256.replaceAll(":", "").toLowerCase();
}

function own({ mesh, namespace }: Stage, account: string): string {
  return spiffeId(principalOf(mesh.trustDomain, namespace, account));
}

function wrongWith(stage: Stage, name: string, certified: CertifiedPod | undefined): Finding[] {
  if (certified === undefined) return [problem(name, "its proxy has no certificate", IDENTITY_HINT)];
  const { issuer, leaf } = certified;
  const [id, wanted] = [spiffeIdIn(leaf), own(stage, name)];
  return [
    ...(issuer === "teleport" ? [] : [problem(name, `its certificate is ${ISSUERS[issuer]}`, IDENTITY_HINT)]),
    ...(id === wanted
      ? []
      : [problem(name, `its certificate names ${id || "nobody"} in place of ${wanted}`, IDENTITY_HINT)]),
  ];
}

const ISSUERS = { istiod: "istiod's", unknown: "neither Teleport's nor istiod's" };

function wrongOnTheWire(stage: Stage, seen: SeenCaller, certified: CertifiedPod | undefined): Finding[] {
  const findings: Finding[] = [];
  const wanted = { uri: own(stage, "allowed-client"), by: own(stage, "server") };
  if (seen.uri !== wanted.uri) {
    findings.push(
      problem("server", `it saw the caller ${seen.uri || "nobody"} in place of ${wanted.uri}`, IDENTITY_HINT),
    );
  }
  if (seen.by !== wanted.by) {
    findings.push(problem("server", `it answered as ${seen.by || "nobody"} in place of ${wanted.by}`, IDENTITY_HINT));
  }
  if (certified !== undefined && !isSame(seen, certified)) {
    findings.push(
      problem(
        "server",
        `it saw another certificate (SHA-256 ${seen.hash || "unknown"}) than the one that allowed-client's proxy holds`,
        "Look for what ends TLS between both, such as an EnvoyFilter or another proxy.",
      ),
    );
  }
  return findings;
}
