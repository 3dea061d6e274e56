import { counted } from "../../base/count.ts";
import { type Finding, problem } from "../../doctor/checks/check.ts";
import type { CertifiedPod } from "../../doctor/facts/certificates.ts";
import { CouldNotLook } from "../../doctor/facts/facts.ts";
import { say } from "../../terminal/say.ts";
import { certificatesInUse, connectionsToTbot } from "../stage/certificates.ts";
import { stagePods } from "../stage/pods.ts";
import { requests } from "../stage/requests.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";
import { ownId, wrongWith } from "./wrong-certificate.ts";

const SERVER = "http://server/headers";

/** Both ends of the requests. */
const ENDS = ["allowed-client", "server"] as const;

/** The chart takes no renewal interval that is longer than this part of a certificate's life. */
const PART = 1 / 3;

/** Milliseconds for Teleport's answer, and between two lines that say how far it is. */
const SLACK = 30_000;
const TELL_EVERY = 60_000;

/** A certificate is replaced long before it ends, over the stream that is open, and no request notices. */
export const renewal: Scenario = {
  id: "renewal",
  title: "Certificates are replaced in time over the open stream, and no request is lost",
  async show(stage) {
    if (!stage.renewal)
      return { skipped: "it waits for up to a third of a certificate's life; ask for it (--renewal)" };
    const first = await look(stage);
    const longest = Math.max(...first.map(longestInterval));
    say(`    waiting for new certificates, ${Math.round((longest + SLACK) / 1000)} s at most`);
    const start = Date.now();
    const { last, sent, failed } = await whileRequestsRun(stage, first, start + longest + SLACK);
    const seconds = Math.round((Date.now() - start) / 1000);
    const examined = `${counted(sent, "request")} in ${seconds} s, ${failed} lost; ${first.map((end, index) => replaced(end, last[index])).join("; ")}`;
    return {
      examined,
      findings: [
        ...first.flatMap((end, index) => wrongWithRenewal(end, last[index], seconds)),
        // A new one that is somebody else's, or another issuer's, is no renewal.
        ...last.flatMap(({ name, certified }) => wrongWith(name, ownId(stage.mesh, stage.namespace, name), certified)),
        ...(failed === 0 ? [] : [lost(failed, sent)]),
      ],
    };
  },
};

/** What one end holds. */
interface End {
  name: string;
  certified: CertifiedPod;
  /** Connections to tbot's socket that its proxy has opened so far. */
  connections: number;
}

async function look(stage: Stage): Promise<End[]> {
  const pods = await stagePods(stage);
  return Promise.all(
    ENDS.map(async (name) => {
      const pod = pods.find(({ metadata }) => metadata.name === name);
      const [certified] = pod === undefined ? [] : await certificatesInUse(stage, [pod]);
      if (pod === undefined || certified === undefined) {
        throw new CouldNotLook(`the pod ${name} has no certificate (see own-identity)`);
      }
      return { name, certified, connections: await connectionsToTbot(stage, pod) };
    }),
  );
}

/** After which time at the latest a certificate is replaced, in milliseconds. */
function longestInterval({ certified: { issuedAt, expiresAt } }: End): number {
  return (expiresAt - issuedAt) * PART;
}

/** How much later the second one was issued, in milliseconds: by Teleport's clock, whatever this machine's says. */
function interval(first: End, last: End): number {
  return last.certified.issuedAt - first.certified.issuedAt;
}

async function whileRequestsRun(stage: Stage, first: readonly End[], deadline: number) {
  let [last, sent, failed] = [[...first], 0, 0];
  let told = Date.now();
  while (last.some((end, index) => isSame(end, first[index])) && Date.now() < deadline) {
    const [batch, ends] = await Promise.all([requests(stage, "allowed-client", SERVER), look(stage)]);
    [last, sent, failed] = [ends, sent + batch.sent, failed + batch.failed];
    if (Date.now() - told > TELL_EVERY) {
      told = Date.now();
      say(`    ${counted(sent, "request")}, ${failed} lost; ${Math.round((deadline - told) / 1000)} s left`);
    }
  }
  return { last, sent, failed };
}

function serialOf({ certified }: End): string {
  return certified.leaf.serialNumber.toLowerCase();
}

function isSame(end: End, other: End | undefined): boolean {
  return other !== undefined && serialOf(end) === serialOf(other);
}

function replaced(first: End, last: End = first): string {
  if (isSame(first, last)) return `${first.name} kept ${serialOf(first)}`;
  const later = Math.round(interval(first, last) / 1000);
  return `${first.name} went from ${serialOf(first)} to ${serialOf(last)}, issued ${later} s later`;
}

function wrongWithRenewal(first: End, last: End = first, seconds: number): Finding[] {
  if (isSame(first, last)) {
    const hint = "Run `istio-teleport doctor`: renewal and tbot-health tell why no new certificate comes.";
    return [problem(first.name, `no new certificate within ${seconds} s`, hint)];
  }
  const [later, longest] = [interval(first, last), longestInterval(first)].map((each) => Math.round(each / 1000));
  return [
    ...(interval(first, last) <= longestInterval(first) + SLACK
      ? []
      : [
          problem(
            first.name,
            `the new certificate was issued ${later} s after the one before, and a third of its life is ${longest} s`,
            "Lower tbot.renewalInterval: each break of tbot's connection to Teleport starts it anew.",
          ),
        ]),
    ...(last.connections === first.connections
      ? []
      : [
          problem(
            first.name,
            `the new certificate came over a new connection to tbot (${first.connections} opened before, ${last.connections} now)`,
            "Look at why the connection broke: tbot's restarts and its log, then run the test again.",
          ),
        ]),
  ];
}

function lost(failed: number, sent: number): Finding {
  return problem(
    "allowed-client",
    `${failed} of ${counted(sent, "request")} lost`,
    "Look at the access logs of both proxies for response flags, then run the test again.",
  );
}
