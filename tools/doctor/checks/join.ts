import { counted } from "../../base/count.ts";
import { ExitError } from "../../base/exit-error.ts";
import { groupBy } from "../../base/group-by.ts";
import { isBefore, type Version, versionIn, versionText } from "../../base/versions.ts";
import { whyKeysRotate } from "../../gen-token/warnings.ts";
import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import type { JoinToken } from "../../teleport/join/join-token.ts";
import { parseJwks } from "../../teleport/join/jwks.ts";
import type { StoredToken } from "../../teleport/join/stored-token.ts";
import { type TokenDifference, tokenDifferences } from "../../teleport/join/token-difference.ts";
import { teleportNames } from "../../teleport/names.ts";
import { checkTbotConfig } from "../../teleport/tbot-config.ts";
import { CouldNotLook, type Ended, joinTokenSource, known, runningTbots, tbotDaemonSet } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nodeOf } from "../facts/meshed-pods.ts";
import type { TbotPod } from "../snapshot.ts";
import { type Check, type CheckInfo, type Finding, looked, type Outcome, problem, unknown, warning } from "./check.ts";
import { LOCKED } from "./refusal.ts";
import { asksOtherCluster, teleportResources } from "./teleport-resources.ts";

const tbotConfig: Check = {
  id: "tbot-config",
  step: "join",
  title: "tbot.yaml holds only what tbot knows, and turns attestation on",
  run(facts) {
    const text = known(facts.tbotConfig);
    const subject = "tbot.yaml";
    if (text === undefined) {
      tbotDaemonSet(facts);
      const hint = "Install the chart again: `helm upgrade --install istio-teleport …`.";
      return {
        examined: "no tbot.yaml",
        findings: [problem(subject, "its ConfigMap is missing or has no tbot.yaml", hint)],
      };
    }
    const findings: Finding[] = [];
    try {
      checkTbotConfig(text);
    } catch (error) {
      if (!(error instanceof ExitError)) throw error;
      const hint = "Correct it and restart tbot, or have the chart render it again; tbot itself ignores unknown keys.";
      findings.push(problem(subject, error.message.replace(/\.$/, ""), hint));
    }
    return { examined: "tbot.yaml of the running DaemonSet", findings };
  },
};

/** Native sidecars are attested, and issuer chains served over SDS, from here on (teleport pull requests 69353, 68914). */
const OLDEST: Version = { major: 18, minor: 11 };

const tbotVersion: Check = {
  id: "tbot-version",
  step: "join",
  title: "tbot attests native sidecars and serves whole chains (18.11 or later)",
  run(facts) {
    const versions = tbotVersions(facts);
    if (isUntold(facts, versions)) return { skipped: NO_VERSION };
    const findings = [...versions].flatMap(([text, where]): Finding[] => {
      const version = versionIn(text);
      if (version === undefined) {
        const hint =
          "Grant get on pods/proxy, for tbot's metric teleport_build_info, or name a release in tbot.image.tag.";
        return [unknown(where, `neither its metrics nor its image tell the version (${text})`, hint)];
      }
      return isBefore(version, OLDEST)
        ? [problem(where, `it is ${text}`, `Set tbot.image.tag to ${versionText(OLDEST)}.0 or later.`)]
        : [];
    });
    return { examined: `tbot ${[...versions.keys()].join(", ")}`, findings };
  },
};

const NO_VERSION = "no tbot runs, and its image's tag names no release";

function isUntold({ tbotPods }: Facts, versions: ReadonlyMap<string, string>): boolean {
  return tbotPods.length === 0 && ![...versions.keys()].some(versionIn);
}

/** Version, or the image where its version is not known → where it runs. */
function tbotVersions(facts: Facts): Map<string, string> {
  const image = tbotDaemonSet(facts).spec.template.spec.containers.find(({ name }) => name === "tbot")?.image ?? "";
  const ofImage = /:v?(\d+\.\d+\.\d+[^@]*)/.exec(image)?.[1] ?? image;
  const running = facts.tbotPods.map(
    ({ name, version }) => [(version.ok ? version.value : undefined) ?? ofImage, `pod ${name}`] as const,
  );
  return new Map(running.length === 0 ? [[ofImage, "the DaemonSet of tbot"]] : running);
}

/** Also before an installation. */
export const TELEPORT_VERSION: CheckInfo = {
  id: "teleport-version",
  step: "join",
  title: "tbot's major version is the Teleport cluster's, or one less",
};

/**
 * What is wrong with a version of tbot beside a Teleport cluster's: a cluster supports clients of its own major version
 * and of the one before (https://goteleport.com/docs/upgrading/overview/).
 *
 * @param where the pod or the value that names the version
 * @throws CouldNotLook when the cluster's version is none
 */
export function unsupportedTbot(tbot: string, where: string, teleport: string): Finding[] {
  const cluster = versionIn(teleport);
  if (cluster === undefined) throw new CouldNotLook(`${JSON.stringify(teleport)} is no version of Teleport`);
  const major = versionIn(tbot)?.major;
  if (major === undefined || major === cluster.major || major === cluster.major - 1) return [];
  const evidence = `tbot is ${tbot}, the cluster ${teleport}; Teleport supports clients of its own major and of one before`;
  return [problem(where, evidence, `Set tbot.image.tag to a release of ${cluster.major}.`)];
}

const teleportMajor: Check = {
  ...TELEPORT_VERSION,
  restsOn: "tbot-version",
  run(facts) {
    if (!facts.teleportVersion.ok) {
      return { skipped: `${facts.teleportVersion.reason}; give --teleport-version, as \`tctl status\` prints it` };
    }
    const text = facts.teleportVersion.value;
    const versions = tbotVersions(facts);
    if (isUntold(facts, versions)) return { skipped: NO_VERSION };
    const findings = [...versions].flatMap(([version, where]) => unsupportedTbot(version, where, text));
    return { examined: `Teleport ${text}`, findings };
  },
};

/** Life that Teleport takes and Kubernetes grants, in seconds (Teleport lib/kube/token/validator.go). */
const LONGEST_LIFE = 1800;

const tbotToken: Check = {
  id: "tbot-token",
  step: "join",
  title: "tbot's ServiceAccount token is made for Teleport: audience and life",
  run(facts) {
    const subject = "the DaemonSet of tbot";
    const source = joinTokenSource(facts);
    const hint = "Install the chart again with the values; the token is projected by its DaemonSet.";
    if (source === undefined) {
      const evidence =
        "KUBERNETES_TOKEN_PATH names no projected ServiceAccount token, so tbot joins with its default one";
      return { examined: "the projected token", findings: [problem(subject, evidence, hint)] };
    }
    // As a last resort the mesh's trust domain, which must be the same name.
    const name = facts.provenClusterName() ?? facts.ownRevisions()[0]?.mesh.trustDomain;
    const life = source.expirationSeconds ?? 3600;
    const findings: Finding[] = [];
    if (name === undefined) {
      const evidence = "the Teleport cluster's name, which its audience must be, is not known";
      findings.push(unknown(subject, evidence, "Give the values with -f."));
    } else if (source.audience !== name) {
      const evidence = `its audience is ${JSON.stringify(source.audience ?? "(none)")}, and Teleport wants its cluster name ${JSON.stringify(name)}`;
      findings.push(problem(subject, evidence, hint));
    }
    if (life > LONGEST_LIFE) {
      findings.push(problem(subject, `it lives ${life} s, and Teleport takes at most ${LONGEST_LIFE} s`, hint));
    }
    return { examined: `audience ${source.audience ?? "(none)"}, ${life} s`, findings };
  },
};

/** What the join token should be; parts that only the values say are taken as Teleport stores them. */
function wantedToken(facts: Facts, stored: StoredToken): JoinToken {
  const daemonSet = tbotDaemonSet(facts);
  const account = daemonSet.spec.template.spec.serviceAccountName ?? "default";
  const intended = facts.intended?.global.teleport;
  const names = facts.intended && teleportNames(facts.intended);
  const type = intended?.join.type ?? stored.type;
  return {
    tokenName: stored.name,
    botName: names?.bot ?? stored.botName,
    serviceAccounts: [`${daemonSet.metadata.namespace}:${account}`],
    means:
      type === "static_jwks"
        ? { type, keys: parseJwks(Buffer.from(known(facts.jwks)), "the API server") }
        : type === "oidc"
          ? { type, issuer: intended?.join.issuer ?? stored.issuer }
          : { type: "in_cluster" },
  };
}

const NO_TOKEN =
  "give --tctl, where tctl is logged in to Teleport, or the join token: `tctl get token/NAME --format json | istio-teleport doctor --token-file -`";

/** @param absent what a check says of a token that Teleport does not have */
function compareToken(
  facts: Facts,
  judge: (stored: StoredToken, differences: TokenDifference[]) => Outcome,
  absent: (name: string) => Outcome,
): Outcome {
  const { joinTokens, teleport } = facts;
  // Before tbot.yaml is asked for the token's name: without a token it makes no difference that there is no tbot.yaml.
  if (joinTokens === undefined && teleport === undefined) return { skipped: NO_TOKEN };
  const name = facts.intended ? teleportNames(facts.intended).joinToken : facts.tbotSettings().tokenName;
  const compared = (stored: StoredToken) => judge(stored, tokenDifferences(stored, wantedToken(facts, stored)));
  if (teleport !== undefined) {
    if (asksOtherCluster(facts) !== undefined) {
      return { skipped: "tctl is logged in to another cluster (see teleport-resources)" };
    }
    if (name === undefined) return { skipped: "neither the values (-f) nor tbot.yaml name the join token" };
    const stored = known(teleport.joinTokens).find((token) => token.name === name);
    return stored === undefined ? absent(name) : compared(stored);
  }
  const stored = joinTokens?.find((token) => token.name === name) ?? joinTokens?.[0];
  return stored === undefined ? { skipped: NO_TOKEN } : compared(stored);
}

const GEN_TOKEN = "Run `istio-teleport gen-token -f values.yaml | tctl create -f`.";

const joinToken: Check = {
  id: "join-token",
  step: "join",
  title: "The join token that Teleport stores is the one that tbot uses, and lets it in",
  run: (facts) =>
    compareToken(
      facts,
      (stored, differences) => {
        const { tokenName } = facts.tbotSettings();
        const findings = differences
          .filter(({ isKey }) => !isKey)
          .map(({ kind, subject, consequence }) => {
            // What only lets others in, or ends later, does not stop tbot now.
            const stops = kind !== "extra" || (subject === "metadata.expires" && isPast(stored, facts));
            return (stops ? problem : warning)(`token ${stored.name}`, `${subject}: ${consequence}`, GEN_TOKEN);
          });
        if (tokenName !== undefined && tokenName !== stored.name) {
          const evidence = `tbot.yaml names the token ${JSON.stringify(tokenName)}`;
          findings.push(
            problem(`token ${stored.name}`, evidence, "Give the token that tbot uses, or correct the values."),
          );
        }
        return { examined: `token ${stored.name}`, findings };
      },
      (name) => ({
        examined: `token ${name}`,
        findings: [problem(`token ${name}`, "Teleport has none of this name, so that tbot cannot join", GEN_TOKEN)],
      }),
    ),
};

function isPast({ expires }: StoredToken, { takenAt }: Facts): boolean {
  return takenAt.ok && Date.parse(expires) <= takenAt.value;
}

const tokenKeys: Check = {
  id: "token-keys",
  step: "join",
  title: "The join token holds the keys with which the cluster signs",
  run: (facts) =>
    compareToken(
      facts,
      (stored, differences) => {
        if (stored.type !== "static_jwks")
          return { skipped: `the join token has type ${stored.type}, which holds no keys` };
        const keys = differences.filter(({ isKey }) => isKey);
        const published = parseJwks(Buffer.from(known(facts.jwks)), "the API server").length;
        const absent = keys.filter(({ kind }) => kind !== "extra");
        const findings = keys.map(({ kind, subject, consequence }) => {
          // One of several keys may be published for verification only, as the first step of a rotation does it.
          const stops = kind === "changed" || absent.length === published;
          const judged = kind !== "extra" && stops ? problem : warning;
          return judged(`token ${stored.name}`, `${kind} ${subject}: ${consequence}`, GEN_TOKEN);
        });
        const why = whyKeysRotate({ issuer: facts.issuer ?? "", server: "" });
        if (why !== undefined) {
          const hint = `Set global.teleport.join.type: oidc and issuer: ${facts.issuer}, and make the token anew.`;
          findings.push(
            warning(`token ${stored.name}`, `${why}, so static keys stop tbot's joins sooner or later`, hint),
          );
        }
        return { examined: `${counted(published, "key")} of the API server`, findings };
      },
      (name) => ({ skipped: `Teleport has no token ${name} (see join-token)` }),
    ),
};

/** What to do about a tbot that ended, by its last words (Teleport lib/tbot/internal/identity, lib/tbot/services). */
const FIXES_OF_ENDS: readonly [words: RegExp, hint: string][] = [
  LOCKED,
  [
    /x509:/,
    "tbot's image does not trust the certificate of Teleport's proxy: check global.teleport.proxyAddr and who answers there.",
  ],
  [
    /dial tcp|connection refused|connection reset|i\/o timeout|TLS handshake timeout/,
    "tbot does not reach Teleport's proxy: check global.teleport.proxyAddr, and DNS and firewalls from this node.",
  ],
  [/joining with token/, "Teleport refuses the join: see token-keys, join-token, tbot-token and clocks."],
  [
    /timeout waiting for identity to be ready/,
    "Run `istio-teleport render teleport -f values.yaml | tctl create -f`: the role is missing or the bot does not have it; or Teleport's Auth Service took more than 10 s.",
  ],
];

/** How tbot's container ended, as a clause; empty where it has not. */
function endOf(end: Ended | undefined, lastWords: TbotPod["lastWords"]): string {
  if (end === undefined || lastWords === undefined) return "";
  const how = end.exitCode === undefined ? end.reason : `${end.reason}, exit code ${end.exitCode}`;
  if (!lastWords.ok) return `; its container ended (${how}), its log could not be read: ${lastWords.reason}`;
  return `; its container ended (${how})${lastWords.value === "" ? "" : `: ${lastWords.value}`}`;
}

function fixOf(end: Ended | undefined, lastWords: TbotPod["lastWords"]): string | undefined {
  if (end?.reason === "OOMKilled") return "Raise tbot.resources.limits.memory.";
  const words = lastWords?.ok ? lastWords.value : "";
  return FIXES_OF_ENDS.find(([known]) => known.test(words))?.[1];
}

const tbotNodes: Check = {
  id: "tbot-nodes",
  step: "join",
  title: "A ready tbot is on each node with meshed pods",
  run(facts) {
    const daemonSets = known(facts.tbotDaemonSets);
    const [first, second] = daemonSets;
    if (first === undefined) {
      const hint = "Install the chart: `helm upgrade --install istio-teleport … -n teleport-system -f values.yaml`.";
      return { examined: "no tbot", findings: [problem("the cluster", "there is no DaemonSet of tbot", hint)] };
    }
    const findings: Finding[] = [];
    if (second !== undefined) {
      const where = daemonSets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ");
      const hint = "Uninstall all but one; each removes the other's socket at its start.";
      findings.push(problem("the cluster", `there are ${daemonSets.length} DaemonSets of tbot: ${where}`, hint));
    }
    const nodes = groupBy(facts.meshedPods(), nodeOf);
    const away = nodesAway(facts);
    for (const [node, pods] of nodes) {
      const tbot = facts.tbotOn(node);
      const waiting = `${counted(pods.length, "meshed pod")} there`;
      if (tbot === undefined) {
        const hint = "See why the DaemonSet places no pod on it: taints, tbot.nodeSelector, tbot.affinity, resources.";
        findings.push(problem(`node ${node}`, `no pod of tbot, ${waiting}`, hint));
      } else if (!tbot.ready && away.has(node)) {
        const hint = "Bring the node or its kubelet back; tbot and the meshed pods need no help then.";
        findings.push(problem(`node ${node}`, `the node itself is not Ready, ${waiting}`, hint));
      } else if (!tbot.ready) {
        const lastWords = facts.tbotPods.find(({ name }) => name === tbot.name)?.lastWords;
        const otherwise = `Read \`kubectl -n ${first.metadata.namespace} logs ${tbot.name} --previous\`; a failed first join ends tbot.`;
        const evidence = `tbot's pod ${tbot.name} is not ready, ${waiting}${endOf(tbot.end, lastWords)}`;
        findings.push(problem(`node ${node}`, evidence, fixOf(tbot.end, lastWords) ?? otherwise));
      }
    }
    return looked(nodes.size, "node with meshed pods", findings, `${counted(nodes.size, "node")} with meshed pods`);
  },
};

/** The nodes that the API server counts as not Ready; none where its nodes could not be listed. */
function nodesAway({ nodes }: Facts): Set<string> {
  const away = (nodes.ok ? nodes.value : []).filter(({ status }) => {
    const ready = status.conditions?.find(({ type }) => type === "Ready");
    return ready !== undefined && ready.status !== "True";
  });
  return new Set(away.map(({ metadata }) => metadata.name));
}

const tbotHealth: Check = {
  id: "tbot-health",
  restsOn: "tbot-nodes",
  step: "join",
  title: "tbot's services are healthy, its own identity is renewed",
  run(facts) {
    const { namespace } = tbotDaemonSet(facts).metadata;
    const tbots = runningTbots(facts);
    const findings = tbots.flatMap(({ name, node, ready }): Finding[] => {
      const subject = `node ${node}`;
      if (!ready.ok) {
        const hint = ready.reason.startsWith(PERMISSION_MISSING)
          ? `Grant get on pods/proxy in ${namespace}, or ask port 3001 of tbot's pods by hand: /readyz.`
          : "See whether the API server reaches this node and the pods on it, or ask port 3001 of tbot's pods by hand: /readyz.";
        return [unknown(subject, ready.reason, hint)];
      }
      return Object.entries(ready.value.services).flatMap(([service, { status, reason }]) => {
        if (status === "healthy") return [];
        const hint = `Read \`kubectl -n ${namespace} logs ${name}\`; when the join fails: token-keys, tbot-token, clocks.`;
        return [problem(subject, `its service ${service} is ${status}${reason ? `: ${reason}` : ""}`, hint)];
      });
    });
    return { examined: `${counted(tbots.length, "pod")} of tbot`, findings };
  },
};

export const JOIN_CHECKS: readonly Check[] = [
  tbotNodes,
  tbotConfig,
  tbotVersion,
  teleportMajor,
  tbotToken,
  teleportResources,
  joinToken,
  tokenKeys,
  tbotHealth,
];
