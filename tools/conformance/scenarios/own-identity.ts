import { counted } from "../../base/count.ts";
import { type Finding, problem, unknown } from "../../doctor/checks/check.ts";
import { type CertifiedPod, shortFingerprint } from "../../doctor/facts/certificates.ts";
import { SERVICES, type ServiceName } from "../stage/callers.ts";
import { type Call, callUntil, described } from "../stage/calls.ts";
import { certificatesInUse, heldBy } from "../stage/certificates.ts";
import { stagePods } from "../stage/pods.ts";
import { type SeenCaller, seenCaller } from "../stage/seen-caller.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";
import { IDENTITY_HINT, ownId, wrongWith } from "./wrong-certificate.ts";

/** Who calls the server. */
const CLIENT = "allowed-client";

/**
 * What a proxy holds is Teleport's and its own; what the server saw on the wire is exactly that certificate. The first that
 * is shown, so that no connection is older than the first look at the certificates.
 */
export const ownIdentity: Scenario = {
  id: "own-identity",
  title: "Each certificate on the wire is Teleport's and names its own namespace and service account",
  async show(stage) {
    const { certificates, answer, seen } = await look(stage);
    const client = certificates.get(CLIENT);
    const findings = [
      ...SERVICES.flatMap((name) => wrongWith(name, own(stage, name), certificates.get(name))),
      ...(seen === undefined ? [notSeen(answer)] : wrongOnTheWire(stage, seen)),
    ];
    const serial = client?.leaf.serialNumber.toLowerCase() ?? "none";
    const onWire =
      seen === undefined ? "nothing read on the wire" : `on the wire ${seen.uri} with the serial number ${serial}`;
    return {
      examined: `${counted(certificates.size, "certificate")} of ${SERVICES.length} proxies${signedBy([...certificates.values()])}; ${onWire}`,
      findings,
    };
  },
};

/**
 * The roots, by their fingerprints: that one is Teleport's is concluded from its name, which another authority may have, and
 * only Teleport itself can say it (`tctl auth export --type=tls-spiffe`).
 */
function signedBy(all: readonly CertifiedPod[]): string {
  const roots = new Set(all.flatMap(({ root }) => (root === undefined ? [] : shortFingerprint(root))));
  return roots.size === 0 ? "" : `, signed by the root ${[...roots].join(" and ")}`;
}

interface Look {
  certificates: Map<string, CertifiedPod>;
  answer: Call;
  /** Absent where the server did not answer, or without the header. */
  seen?: SeenCaller;
}

/** Once more where the server saw one that nobody held: the certificate may have been replaced in between. */
async function look(stage: Stage): Promise<Look> {
  const first = await lookOnce(stage);
  return first.seen === undefined || isHeld(stage, first.seen) ? first : lookOnce(stage);
}

async function lookOnce(stage: Stage): Promise<Look> {
  const pods = (await stagePods(stage)).filter(({ metadata }) => isService(metadata.name));
  const certified = await certificatesInUse(stage, pods);
  const { last: answer } = await callUntil(stage, CLIENT, "http://server/headers", 200);
  const seen = answer.kind === "answered" && answer.status === 200 ? seenCaller(answer.body) : undefined;
  return {
    certificates: new Map(certified.map((each) => [each.pod.metadata.name, each])),
    answer,
    ...(seen !== undefined && { seen }),
  };
}

function isService(name: string): name is ServiceName {
  return SERVICES.some((each) => each === name);
}

function isHeld({ held }: Stage, { hash }: SeenCaller): boolean {
  return held.has(heldBy(CLIENT, hash));
}

function own({ mesh, namespace }: Stage, account: ServiceName): string {
  return ownId(mesh, namespace, account);
}

function notSeen(answer: Call): Finding {
  return answer.kind === "answered" && answer.status === 200
    ? unknown(
        "server",
        "its answer has no X-Forwarded-Client-Cert",
        "Give --server-image an image that answers /headers with the headers as JSON, as go-httpbin does.",
      )
    : unknown("server", described(answer), "See allowed-200: the server has to answer before it can say whom it saw.");
}

function wrongOnTheWire(stage: Stage, seen: SeenCaller): Finding[] {
  const findings: Finding[] = [];
  const wanted = { uri: own(stage, CLIENT), by: own(stage, "server") };
  if (seen.uri !== wanted.uri) {
    findings.push(
      problem("server", `it saw the caller ${seen.uri || "nobody"} in place of ${wanted.uri}`, IDENTITY_HINT),
    );
  }
  if (seen.by !== wanted.by) {
    findings.push(problem("server", `it answered as ${seen.by || "nobody"} in place of ${wanted.by}`, IDENTITY_HINT));
  }
  if (!isHeld(stage, seen)) {
    findings.push(
      problem(
        "server",
        `it saw another certificate (SHA-256 ${seen.hash || "unknown"}) than any that allowed-client's proxy has held`,
        "Look for what ends TLS between both, such as an EnvoyFilter or another proxy.",
      ),
    );
  }
  return findings;
}
