import { parse } from "yaml";
import { isRecord, recordAt, textAt, textsAt } from "../base/json-value.ts";
import { jsonFrom, type Shape, unexpectedOutput } from "../programs/json-from.ts";
import { lastWords } from "../programs/last-words.ts";
import { failed, mustRun, type Runner } from "../programs/run.ts";
import type { Values } from "../values/types.ts";
import { type TeleportDocument, teleportDocuments } from "./documents.ts";
import { type StoredToken, tokensAmong } from "./join/stored-token.ts";

/** A role, bot or workload identity as the values ask for it, compared with what Teleport stores under its name. */
export interface TeleportResource {
  kind: TeleportDocument["kind"];
  name: string;
  /** The wanted document. */
  yaml: string;
  /** `changed`: istio-teleport created it from other values. `other`: something that istio-teleport did not create. */
  state: "absent" | "same" | "changed" | "other";
  /** What is stored otherwise than the document has it, for people: `spec.roles is ["a"], not ["b"]`; none while absent. */
  differences: string[];
}

/** What `tctl status` says of the cluster that tctl is logged in to. */
export interface TeleportStatus {
  clusterName: string;
  /** "18.11.1"; empty when the text names none. */
  version: string;
}

type Resources = Record<string, unknown> | Record<string, unknown>[];

/** What `tctl get` prints: a list, or of some kinds and versions one object. */
const RESOURCES: Shape<Resources> = {
  named: "a list of resources",
  fits: (value): value is Resources => [value].flat().every(isRecord),
};

/** Also what Go prints for a list without a single entry. */
const MAYBE_RESOURCES: Shape<Resources | null> = {
  named: RESOURCES.named,
  fits: (value): value is Resources | null => value === null || RESOURCES.fits(value),
};

/**
 * The cluster that tctl talks to.
 *
 * @throws ExitError (unavailable) when tctl is missing or not logged in
 */
export async function teleportStatus(runner: Runner): Promise<TeleportStatus> {
  const purpose = "read Teleport's status";
  const text = await mustRun(runner, { program: "tctl", args: ["status"] }, { purpose });
  const clusterName = /^Cluster:?\s+(\S+)/m.exec(text)?.[1];
  if (clusterName === undefined) throw unexpectedOutput(text, "tctl", purpose, "the name of a cluster");
  return {
    clusterName,
    version: /^Version:?\s+v?(\S+)/m.exec(text)?.[1] ?? "",
  };
}

/**
 * Role, bot and workload identity, compared with what Teleport stores.
 *
 * @throws ExitError (unavailable) when tctl cannot read them
 */
export async function teleportResources(
  runner: Runner,
  values: Pick<Values, "global" | "tbot">,
): Promise<TeleportResource[]> {
  return await Promise.all(
    teleportDocuments(values).map(async ({ kind, text: yaml }) => {
      const wanted = parse(yaml) as Record<string, unknown>;
      const name = textAt(recordAt(wanted, "metadata"), "name");
      const stored = await storedResource(runner, kind, name);
      const differences = stored === undefined ? [] : differencesOf(stored, wanted);
      return { kind, name, yaml, state: stateOf(kind, stored, wanted, differences), differences };
    }),
  );
}

/**
 * All join tokens that Teleport stores.
 *
 * @throws ExitError (unavailable) when tctl cannot read them
 */
export async function teleportTokens(runner: Runner): Promise<StoredToken[]> {
  const purpose = "read Teleport's join tokens";
  const printed = await mustRun(runner, { program: "tctl", args: ["get", "tokens", "--format=json"] }, { purpose });
  return tokensAmong([jsonFrom(printed, "tctl", purpose, MAYBE_RESOURCES) ?? []].flat());
}

async function storedResource(
  runner: Runner,
  kind: string,
  name: string,
): Promise<Record<string, unknown> | undefined> {
  const reference = `${kind}/${name}`;
  const command = { program: "tctl", args: ["get", reference, "--format=json"] };
  const purpose = `read ${reference} of Teleport`;
  const { code, stdout, stderr } = await runner.run(command, { purpose });
  if (code === 0) return [jsonFrom(stdout, "tctl", purpose, RESOURCES)].flat().at(0);
  if (saysAbsent(lastWords(stderr))) return undefined;
  throw failed(command, purpose, stderr);
}

/**
 * Teleport says it in either way, depending on the kind (lib/services/local, trace.NotFound). Of a missing program a shell
 * says "tsh: command not found", "sh: 1: tsh: not found", and Go "executable file not found in $PATH".
 */
function saysAbsent(words: string): boolean {
  return /not found|doesn't exist|does not exist/i.test(words) && !/(command|file|: \S+:) not found/.test(words);
}

function stateOf(
  kind: TeleportDocument["kind"],
  stored: Record<string, unknown> | undefined,
  wanted: Record<string, unknown>,
  differences: readonly string[],
): TeleportResource["state"] {
  if (stored === undefined) return "absent";
  if (kind === "role" && grantsMore(recordAt(recordAt(stored, "spec"), "allow"))) return "other";
  if (differences.length === 0) return "same";
  return IS_OURS[kind](recordAt(stored, "spec"), recordAt(wanted, "spec")) ? "changed" : "other";
}

/** Whether istio-teleport created a resource, perhaps from other values: it grants nothing that ours would not. */
const IS_OURS: Record<
  TeleportDocument["kind"],
  (stored: Record<string, unknown>, wanted: Record<string, unknown>) => boolean
> = {
  role: (stored) => {
    const { rules } = recordAt(stored, "allow");
    if (!Array.isArray(rules) || rules.length === 0) return false;
    return (rules as unknown[]).every(
      (rule) => isRecord(rule) && textsAt(rule, "resources").join() === "workload_identity",
    );
  },
  bot: (stored, wanted) => textsAt(stored, "roles").every((role) => textsAt(wanted, "roles").includes(role)),
  workload_identity: (stored, wanted) =>
    textAt(recordAt(stored, "spiffe"), "id") === textAt(recordAt(wanted, "spiffe"), "id"),
};

/**
 * Whether a role lets its holder do what rules do not say: reach servers, applications or databases by their labels, or
 * act for others. `kubernetes_resources`, which some versions fill in by themselves, grants nothing without labels.
 */
function grantsMore(allow: Record<string, unknown>): boolean {
  return Object.entries(allow).some(([key, value]) => {
    const grants =
      key !== "workload_identity_labels" &&
      (/_labels(_expression)?$/.test(key) || ["impersonate", "spiffe", "request", "review_requests"].includes(key));
    return grants && (isRecord(value) || Array.isArray(value) ? Object.keys(value).length > 0 : Boolean(value));
  });
}

/** Characters of a value in a sentence, at most. */
const MOST_OF_VALUE = 100;

/** Where `stored` lacks what `wanted` says: Teleport adds defaults to a map, never to a list. */
function differencesOf(stored: unknown, wanted: unknown, path = ""): string[] {
  if (isRecord(wanted) && isRecord(stored)) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      differencesOf(stored[key], value, path === "" ? key : `${path}.${key}`),
    );
  }
  return holds(stored, wanted) ? [] : [`${path} is ${inSentence(stored)}, not ${inSentence(wanted)}`];
}

function holds(stored: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const list = [stored].flat();
    return list.length === wanted.length && wanted.every((item, index) => holds(list[index], item));
  }
  if (!isRecord(wanted)) return stored === wanted;
  return isRecord(stored) && Object.entries(wanted).every(([key, value]) => holds(stored[key], value));
}

function inSentence(value: unknown): string {
  const text = value === undefined ? "not set" : JSON.stringify(value);
  return text.length > MOST_OF_VALUE ? `${text.slice(0, MOST_OF_VALUE)}…` : text;
}
