import { ExitError } from "../base/exit-error.ts";
import type { ValuesInputs } from "../programs/helm.ts";
import type { Runner } from "../programs/run.ts";
import { teleportNames } from "../teleport/names.ts";
import { isStdout } from "../terminal/write-file.ts";
import { DEFAULTS } from "../values/defaults.ts";
import type { Values } from "../values/types.ts";
import type { GenTokenFlags } from "./flags.ts";

/** What gen-token is to make, from flags and values. */
export interface Settings {
  tokenName: string;
  botName: string;
  /** Each as NAMESPACE:NAME. */
  serviceAccounts: readonly string[];
  type: "static_jwks" | "oidc" | "in_cluster";
  /** Empty unless the type is oidc. */
  issuer: string;
  /** Teleport's; empty when nothing says it, which only a verification needs. */
  clusterName: string;
  /** Where tbot runs: its namespace. */
  tbotNamespace: string;
  /** What --verify-as names. */
  verifyAs?: PodName;
}

/** Names a pod of the cluster. */
export interface PodName {
  namespace: string;
  name: string;
}

/**
 * What -f and --set give; undefined without both.
 *
 * @throws ExitError (refused) for two inputs from stdin and for a file that Helm would take silently though it is wrong
 */
export async function readInputs(runner: Runner, flags: GenTokenFlags): Promise<ValuesInputs | undefined> {
  const jwks = [flags.jwksFile, ...flags.extraJwks];
  if (flags.values.includes("-") && jwks.includes("-")) {
    throw new ExitError("-f - and a JWKS from - both read stdin, which can be read only once; put one into a file.");
  }
  if (flags.check === "-" && [...flags.values, ...jwks].includes("-")) {
    throw new ExitError("--check - reads stdin, which can be read only once; put the other input into a file.");
  }
  if (flags.values.length === 0 && flags.set.length === 0 && flags.valuesKey === undefined) return undefined;
  const { readValuesInputs } = await import("../values/inputs.ts");
  return await readValuesInputs(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
}

/**
 * Flags over values over the chart's defaults. A flag that could have no effect is refused, since whoever gave it
 * expects one.
 *
 * @param inputs as `readInputs` returns them
 * @throws ExitError (refused)
 */
export async function readSettings(
  runner: Runner,
  flags: GenTokenFlags,
  inputs: ValuesInputs | undefined,
): Promise<Settings> {
  const { global, tbot } = inputs === undefined ? DEFAULTS : await givenValues(runner, inputs);
  const { teleport } = global;
  const names = teleportNames({ global });
  const type = flags.type ?? teleport.join.type;
  refuseFlagsWithoutEffect(flags, type);
  const issuer = type === "oidc" ? (flags.issuer ?? teleport.join.issuer) : "";
  if (type === "oidc" && issuer === "") {
    throw new ExitError(
      "The type oidc needs the issuer of the cluster's ServiceAccount tokens; give --issuer with what `kubectl get --raw /.well-known/openid-configuration` prints as `issuer`.",
    );
  }
  const verifyAs = flags.verifyAs === undefined ? undefined : podName(flags.verifyAs);
  const clusterName = flags.clusterName ?? teleport.clusterName;
  if (flags.clusterName !== undefined && !/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/.test(flags.clusterName)) {
    throw new ExitError(
      `--cluster-name is ${JSON.stringify(flags.clusterName)}; give the name that \`tctl status\` prints: lower-case letters, digits, dots, _ and -.`,
    );
  }
  if (isVerified(flags) && clusterName === "") {
    throw new ExitError(
      "A verification needs the Teleport cluster's name, which is the token's audience; give --cluster-name, or -f with global.teleport.clusterName.",
    );
  }
  return {
    tokenName: flags.tokenName ?? names.joinToken,
    botName: flags.botName ?? names.bot,
    serviceAccounts:
      flags.serviceAccount.length > 0 ? flags.serviceAccount : [`${tbot.namespace.name}:${tbot.serviceAccount.name}`],
    type,
    issuer,
    clusterName,
    tbotNamespace: tbot.namespace.name,
    ...(verifyAs && { verifyAs }),
  };
}

/** Loaded only where values are given: reading them takes Helm and YAML, and the other forms need neither. */
async function givenValues(runner: Runner, inputs: ValuesInputs): Promise<Values> {
  const { mergedValues } = await import("../values/load.ts");
  return await mergedValues(runner, inputs);
}

/** Whether a real token is to be checked before anything is printed. */
export function isVerified(flags: GenTokenFlags): boolean {
  return flags.verify === true || flags.verifyAs !== undefined;
}

function podName(text: string): PodName {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined) {
    throw new ExitError(`--verify-as is ${JSON.stringify(text)}; write it as NAMESPACE/POD.`);
  }
  return { namespace, name };
}

function refuseFlagsWithoutEffect(flags: GenTokenFlags, type: Settings["type"]): void {
  const cluster =
    flags.context !== undefined ? "--context" : flags.kubeconfig !== undefined ? "--kubeconfig" : undefined;
  if (type !== "oidc" && flags.issuer !== undefined) {
    throw new ExitError(`--issuer belongs to the type oidc, and the type is ${type}; leave it out or add --type oidc.`);
  }
  refuseBesideCheck(flags);
  if (flags.force === true && isStdout(flags.output)) {
    throw new ExitError("--force lets --output replace a file; leave it out or add --output FILE.");
  }
  if (type === "static_jwks") {
    if (flags.jwksFile !== undefined && cluster !== undefined && !isVerified(flags)) {
      throw new ExitError(`--jwks-file and ${cluster} both say where the keys come from; give one of them.`);
    }
    return;
  }
  const idle =
    cluster ??
    (flags.jwksFile !== undefined ? "--jwks-file" : undefined) ??
    (flags.extraJwks.length > 0 ? "--extra-jwks" : undefined) ??
    (flags.checkKeyIds !== undefined ? "--check-key-ids" : undefined) ??
    (flags.verifyAs !== undefined ? "--verify-as" : undefined) ??
    (flags.verify ? "--verify" : undefined);
  if (idle !== undefined) {
    throw new ExitError(
      `${idle} concerns the keys in the token, and a token of type ${type} has none; leave it out or add --type static_jwks.`,
    );
  }
}

/** With --check nothing is printed or written that these flags could be about. */
function refuseBesideCheck(flags: GenTokenFlags): void {
  if (flags.check === undefined && flags.checkKeyIds === undefined) return;
  const check = flags.check === undefined ? "--check-key-ids" : "--check";
  const idle =
    (flags.check !== undefined && flags.checkKeyIds !== undefined ? "--check-key-ids" : undefined) ??
    (flags.output !== undefined ? "--output" : undefined) ??
    (flags.format !== "yaml" ? "--format" : undefined) ??
    (flags.verifyAs !== undefined ? "--verify-as" : undefined) ??
    (flags.verify ? "--verify" : undefined);
  if (idle !== undefined) {
    throw new ExitError(
      `${check} compares a token and creates none, so ${idle} has nothing to act on; leave one of them out.`,
    );
  }
}
