import { EXIT, ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";
import type { Runner } from "../programs/run.ts";
import { type JoinToken, joinMeans, tokenDocument } from "../teleport/join/join-token.ts";
import { algorithmOf } from "../teleport/join/jwks.ts";
import { writeNewFile } from "../terminal/write-file.ts";
import type { GenTokenFlags } from "./flags.ts";
import { type KeySource, readKeys } from "./keys.ts";
import { isVerified, readSettings } from "./settings.ts";
import { warnings } from "./warnings.ts";

/**
 * Makes the join token and prints it (or writes the file) as the last step, so that stdout holds the whole document or
 * nothing; everything for people goes to stderr. With --check it compares instead, and prints the differences.
 *
 * @throws ExitError as the parts do: a wrong flag, value or JWKS, a cluster that does not answer, a file that exists,
 *   a token that differs
 */
export async function genToken(runner: Runner, flags: GenTokenFlags): Promise<void> {
  const settings = await readSettings(runner, flags);
  const source = settings.type === "static_jwks" ? await readKeys({ ...flags, runner }) : undefined;
  const means = joinMeans(settings.type, { keys: source?.keys ?? [], issuer: settings.issuer });
  // Made for --check, too: what is compared has passed the strict schema.
  const document = tokenDocument({ ...settings, means }, flags.format);
  if (source !== undefined) say(described(source));
  for (const warning of warnings(settings, source?.cluster)) say(`Warning: ${warning}`);
  if (flags.check !== undefined) return await check(flags.check, { ...settings, means });
  if (isVerified(flags)) {
    // Only here, and loaded only now: what checks signatures.
    const { verify } = await import("./verify.ts");
    say(await verify({ ...flags, runner }, settings, document));
  }
  if (flags.output === undefined) await print(document);
  else await writeNewFile(flags.output, document, { force: flags.force === true });
  say(next(flags));
}

async function check(file: string, wanted: JoinToken): Promise<void> {
  const { checkToken } = await import("./check.ts");
  const { differences, sentence } = await checkToken(file, wanted);
  if (differences === "") return say(sentence);
  await print(differences);
  throw new ExitError(sentence, EXIT.different);
}

function described({ keys, cluster }: KeySource): string {
  const list = keys.map((key) => `${algorithmOf(key)} ${JSON.stringify(key.kid)}`).join(", ");
  const from = cluster === undefined ? "" : ` of context ${JSON.stringify(cluster.context)} (${cluster.server})`;
  return `${keys.length} ${keys.length === 1 ? "key" : "keys"}${from}: ${list}.`;
}

function next(flags: GenTokenFlags): string {
  const command = flags.format === "operator" ? "kubectl apply -n <the operator's namespace> -f" : "tctl create -f";
  return flags.output === undefined
    ? `Next: give this document to \`${command}\`.`
    : `Wrote ${flags.output}. Next: \`${command} ${flags.output}\`.`;
}

/** Settles when the text has left the process; a failed write ends the process (tools/terminal/run-command.ts). */
async function print(document: string): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.write(document, (error) => {
      if (!error) resolve();
    });
  });
}

function say(sentence: string): void {
  process.stderr.write(`gen-token: ${printable(sentence)}\n`);
}
