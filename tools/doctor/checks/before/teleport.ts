import { page } from "../../../base/documentation.ts";
import { versionIn } from "../../../base/versions.ts";
import type { JoinToken } from "../../../teleport/join/join-token.ts";
import type { StoredToken } from "../../../teleport/join/stored-token.ts";
import { isOfAnotherCluster } from "../../../teleport/join/token-difference.ts";
import type { BeforeFacts } from "../../facts/before.ts";
import { known } from "../../facts/facts.ts";
import { type Check, type Finding, problem } from "../check.ts";
import { TELEPORT_VERSION, unsupportedTbot } from "../join.ts";
import { foreignResources, otherCluster, TELEPORT_RESOURCES } from "../teleport-resources.ts";

const teleportCluster: Check<BeforeFacts> = {
  id: "teleport-cluster",
  step: "before",
  title: "tctl is logged in to the Teleport cluster that the values name",
  run({ intended, teleport }) {
    const status = known(teleport);
    const elsewhere = otherCluster(status, intended.global.teleport.clusterName);
    return { examined: `cluster ${status.clusterName}`, findings: elsewhere === undefined ? [] : [elsewhere] };
  },
};

const tbotAgainstTeleport: Check<BeforeFacts> = {
  ...TELEPORT_VERSION,
  step: "before",
  run({ intended, teleport }) {
    const { enabled, image } = intended.tbot;
    const { version } = known(teleport);
    if (!enabled || image.digest !== "") return { skipped: "no tag names tbot's version" };
    if (versionIn(version) === undefined) {
      return { skipped: `\`tctl status\` names no version that is known (${version || "none at all"})` };
    }
    return { examined: `Teleport ${version}`, findings: unsupportedTbot(image.tag, "tbot.image.tag", version) };
  },
};

const teleportResources: Check<BeforeFacts> = {
  id: TELEPORT_RESOURCES,
  step: "before",
  title: "The names of role, bot, workload identity and join token are free or ours in Teleport",
  run(facts) {
    const resources = known(facts.teleportResources);
    const token = known(facts.token);
    const stored = known(facts.storedTokens).find(({ name }) => name === token.tokenName);
    const names = [...resources.map(({ kind, name }) => `${kind} ${name}`), `token ${token.tokenName}`];
    return { examined: names.join(", "), findings: [...foreignResources(resources), ...tokenFindings(token, stored)] };
  },
};

function tokenFindings(token: JoinToken, stored: StoredToken | undefined): Finding[] {
  if (stored === undefined) return [];
  const subject = `the join token ${JSON.stringify(token.tokenName)}`;
  const hint = `Name this cluster with global.teleport.cluster (${page("docs/operate/several-clusters.md")}) or its token with global.teleport.join.tokenName, or remove it with \`tctl rm token/${token.tokenName}\``;
  if (stored.joinMethod !== "kubernetes" || stored.botName !== token.botName) {
    return [problem(subject, "Teleport has one of another kind under this name", `${hint}.`)];
  }
  // Sharing a token would take the other cluster's tbots their way to join.
  if (token.means.type === "static_jwks" && isOfAnotherCluster(stored, token.means.keys)) {
    const evidence = "it holds keys of another cluster and none of this one's";
    return [problem(subject, evidence, `${hint} when that cluster is gone.`)];
  }
  return [];
}

export const TELEPORT_BEFORE: readonly Check<BeforeFacts>[] = [teleportCluster, tbotAgainstTeleport, teleportResources];
