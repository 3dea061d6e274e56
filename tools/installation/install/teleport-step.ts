import type { Runner } from "../../programs/run.ts";
import type { JoinToken } from "../../teleport/join/join-token.ts";
import { tokenDocument } from "../../teleport/join/join-token.ts";
import { hasOnlyMoreKeys, tokenDifferences, withStoredKeys } from "../../teleport/join/token-difference.ts";
import { type TeleportResource, teleportResources, teleportTokens } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";
import type { Finding, Step } from "./plan.ts";

/** Role, bot, workload identity and join token, the third step; only what Teleport does not have yet is sent. */
export function teleportStep(runner: Runner, values: Values, token: JoinToken): Step {
  return { title: "Teleport", look: () => lookAtTeleport(runner, values, token) };
}

async function lookAtTeleport(runner: Runner, values: Values, token: JoinToken): Promise<Finding> {
  const [resources, tokens] = [await teleportResources(runner, values), await teleportTokens(runner)];
  const missing = resources.filter(({ state }) => state !== "same");
  const words = missing.map(word);
  const documents = missing.map(({ yaml }) => yaml);
  const stored = tokens.find(({ name }) => name === token.tokenName);
  const differences = stored === undefined ? [] : tokenDifferences(stored, token);
  // More keys than the cluster's own are a rotation under way: taking them away would break it.
  if (stored === undefined || !hasOnlyMoreKeys(differences)) {
    words.push(`token/${token.tokenName} is ${stored === undefined ? "absent" : "changed"}`);
    documents.push(tokenDocument(stored === undefined ? token : withStoredKeys(token, stored), "yaml"));
  }
  if (documents.length === 0) {
    const more = differences.length === 0 ? "" : `; the token holds ${differences.length} more keys than the cluster`;
    return { state: "done", found: `role, bot, workload identity and join token are there${more}` };
  }
  const command = { program: "tctl", args: ["create", "-f"], stdin: documents.join("---\n") };
  return { state: "todo", why: words.join(", "), commands: [{ purpose: "create Teleport's resources", command }] };
}

function word({ kind, name, state }: TeleportResource): string {
  return `${kind}/${name} is ${state}`;
}
