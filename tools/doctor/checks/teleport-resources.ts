import type { TeleportResource, TeleportStatus } from "../../teleport/resources.ts";
import { known } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { type Check, type Finding, problem } from "./check.ts";

/** Also before an installation. */
export const TELEPORT_RESOURCES = "teleport-resources";

/** Where tctl is logged in to another cluster than the one that is meant. */
export function otherCluster({ clusterName }: TeleportStatus, wanted: string): Finding | undefined {
  if (clusterName === wanted) return undefined;
  return problem(
    "tctl",
    `it is logged in to the cluster ${JSON.stringify(clusterName)}, and global.teleport.clusterName is ${JSON.stringify(wanted)}`,
    "Log in to the other cluster, or correct the value.",
  );
}

/** What has the name of ours, and which istio-teleport did not create. */
export function foreignResources(resources: readonly TeleportResource[]): Finding[] {
  return resources
    .filter(({ state }) => state === "other")
    .map(({ kind, name }) => {
      const hint = `Name ours differently below global.teleport, or remove it with \`tctl rm ${kind}/${name}\`.`;
      return problem(subjectOf({ kind, name }), "it grants other things than ours would", hint);
    });
}

/** Whether tctl, where it was asked, tells of another cluster than the mesh's. */
export function asksOtherCluster(facts: Facts): Finding | undefined {
  const wanted = facts.provenClusterName();
  const { status } = facts.teleport ?? {};
  return status?.ok && wanted !== undefined ? otherCluster(status.value, wanted) : undefined;
}

export const teleportResources: Check = {
  id: TELEPORT_RESOURCES,
  step: "join",
  title: "Teleport stores the role, the bot and the workload identity that the values make",
  run(facts) {
    if (facts.teleport === undefined) return { skipped: "give --tctl, where tctl is logged in to Teleport" };
    const { clusterName } = known(facts.teleport.status);
    const elsewhere = asksOtherCluster(facts);
    if (elsewhere !== undefined) return { examined: `cluster ${clusterName}`, findings: [elsewhere] };
    if (facts.teleport.resources === undefined) return { skipped: "give the values with -f, which say what they are" };
    const resources = known(facts.teleport.resources);
    const examined = resources.map(({ kind, name }) => `${kind} ${name}`).join(", ");
    return { examined, findings: [...foreignResources(resources), ...resources.flatMap(differing)] };
  },
};

const RENDER = "Run `istio-teleport render teleport -f values.yaml | tctl create -f`.";

const WITHOUT: Readonly<Record<TeleportResource["kind"], string>> = {
  role: "so that tbot may issue nothing",
  bot: "so that tbot cannot join",
  workload_identity: "so that no workload gets a certificate",
};

function differing({ kind, name, state, differences }: TeleportResource): Finding[] {
  const subject = subjectOf({ kind, name });
  if (state === "absent") return [problem(subject, `Teleport has none of this name, ${WITHOUT[kind]}`, RENDER)];
  if (state !== "changed") return [];
  return [problem(subject, `it is not what the values make: ${differences.join("; ")}`, RENDER)];
}

function subjectOf({ kind, name }: Pick<TeleportResource, "kind" | "name">): string {
  return `${kind} ${JSON.stringify(name)}`;
}
