import { EXIT, ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";
import { setFlag } from "../programs/assignments.ts";
import type { ValuesInputs } from "../programs/helm.ts";
import type { Runner } from "../programs/run.ts";
import { type JoinToken, joinMeans, tokenDocument } from "../teleport/join/join-token.ts";
import { algorithmOf } from "../teleport/join/jwks.ts";
import { isStdout, writeOutput } from "../terminal/write-file.ts";
import type { Comparison } from "./check.ts";
import type { GenTokenFlags } from "./flags.ts";
import { type KeySource, readKeys } from "./keys.ts";
import { isVerified, readInputs, readSettings, type Settings } from "./settings.ts";
import { warnings } from "./warnings.ts";

/**
 * Makes the join token and prints it (or writes the file) as the last step, so that stdout holds the whole document or
 * nothing; everything for people goes to stderr. With --check it compares instead, and prints the differences.
 *
 * @throws ExitError as the parts do: a wrong flag, value or JWKS, a cluster that does not answer, a file that exists,
 *   a token that differs
 */
export async function genToken(runner: Runner, flags: GenTokenFlags): Promise<void> {
  const { settings, source } = await settingsAndKeys(runner, flags);
  const means = joinMeans(settings.type, { keys: source?.keys ?? [], issuer: settings.issuer });
  // Made for --check, too: what is compared has passed the strict schema.
  const document = tokenDocument({ ...settings, means }, flags.format);
  if (source !== undefined) say(described(source));
  for (const warning of [...(source?.leftOut ?? []), ...warnings(settings, source?.cluster)])
    say(`Warning: ${warning}`);
  const checked = await comparison(flags, { ...settings, means });
  if (checked !== undefined) return await tell(checked);
  if (isVerified(flags)) {
    // Only here, and loaded only now: what checks signatures.
    const { verify } = await import("./verify.ts");
    say(await verify({ ...flags, runner }, settings, document));
  }
  await writeOutput(flags.output, document, { force: flags.force === true });
  say(next(flags));
}

/** Keys only for a token that holds them. Where values are given, kubectl is asked beside Helm, which takes as long. */
async function settingsAndKeys(
  runner: Runner,
  flags: GenTokenFlags,
): Promise<{ settings: Settings; source: KeySource | undefined }> {
  const inputs = await readInputs(runner, flags);
  const unwanted = new AbortController();
  const beside: Runner = {
    ...runner,
    run: (command, options) => runner.run(command, { ...options, signal: unwanted.signal }),
  };
  const early = needsClusterKeys(flags, inputs) ? readKeys({ ...flags, runner: beside }) : undefined;
  // A wrong value is told first, kubectl's failure only below.
  early?.catch(() => {});
  try {
    const settings = await readSettings(runner, flags, inputs);
    if (settings.type !== "static_jwks") return { settings, source: undefined };
    return { settings, source: await (early ?? readKeys({ ...flags, runner })) };
  } finally {
    unwanted.abort();
  }
}

/**
 * Whether it is plain before the values are merged that the token will hold the cluster's keys: kubectl may make somebody
 * log in, which must not be for nothing.
 */
function needsClusterKeys(flags: GenTokenFlags, inputs: ValuesInputs | undefined): boolean {
  if (inputs === undefined || flags.jwksFile !== undefined || flags.extraJwks.includes("-")) return false;
  if (flags.type !== undefined) return flags.type === "static_jwks";
  return ![...inputs.files.map(({ text }) => text), ...inputs.sets.map(setFlag)].some((text) =>
    /oidc|in_cluster/.test(text),
  );
}

/** What --check or --check-key-ids compares with the cluster; undefined without them. Loaded only where it is needed. */
async function comparison(flags: GenTokenFlags, wanted: JoinToken): Promise<Comparison | undefined> {
  const { check, checkKeyIds } = flags;
  if (check !== undefined) return (await import("./check.ts")).checkToken(check, wanted);
  if (checkKeyIds !== undefined) return (await import("./check-key-ids.ts")).checkKeyIds(checkKeyIds, wanted);
  return undefined;
}

async function tell({ differences, sentence }: Comparison): Promise<void> {
  if (differences === "") return say(sentence);
  await writeOutput(undefined, differences, { force: false });
  throw new ExitError(sentence, EXIT.different);
}

function described({ keys, cluster }: KeySource): string {
  const list = keys.map((key) => `${algorithmOf(key)} ${JSON.stringify(key.kid)}`).join(", ");
  const from = cluster === undefined ? "" : ` of ${cluster.described}`;
  return `${keys.length} ${keys.length === 1 ? "key" : "keys"}${from}: ${list}.`;
}

function next(flags: GenTokenFlags): string {
  if (flags.format === "terraform") {
    return isStdout(flags.output)
      ? "Next: save this document as a .tf file and run `terraform apply`."
      : `Wrote ${flags.output}. Next: \`terraform apply\` in its directory.`;
  }
  const operator = flags.format === "operator";
  const command = operator ? "kubectl apply -n <the operator's namespace> -f" : "tctl create -f";
  // kubectl reads stdin only when told with "-"; -f of tctl means --force, and without a file it reads stdin.
  return isStdout(flags.output)
    ? `Next: pipe this document to \`${command}${operator ? " -" : ""}\`.`
    : `Wrote ${flags.output}. Next: \`${command} ${flags.output}\`.`;
}

function say(sentence: string): void {
  process.stderr.write(`gen-token: ${printable(sentence)}\n`);
}
