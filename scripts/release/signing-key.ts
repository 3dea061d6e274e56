import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../../tools/base/exit-error.ts";
import { run } from "./run.ts";

/** A PGP key in files, as `helm package --sign` and `helm verify` read them. */
export interface SigningKey {
  /** A part of its user ID that names it. */
  readonly name: string;
  /** In upper-case hex, as Artifact Hub shows it. */
  readonly fingerprint: string;
  readonly secretKeyring: string;
  /** Binary, for `helm verify --keyring`. */
  readonly publicKeyring: string;
  /** For people: with the release as istio-teleport-signing-key.asc. */
  readonly armoured: string;
}

const THROW_AWAY = "istio-teleport dry run";

/**
 * The key that signs the chart: the one of RELEASE_PGP_KEY (ASCII-armoured, without a passphrase), or a new one that
 * nobody keeps.
 *
 * @param folder gets GnuPG's files; it holds a secret, so whoever made it removes it
 * @throws ExitError (refused) when a real release has no key, or the variable holds no secret key
 */
export async function signingKey(folder: string, { throwAway }: { throwAway: boolean }): Promise<SigningKey> {
  const home = join(folder, "gnupg");
  await mkdir(home, { mode: 0o700 });
  await chmod(home, 0o700);
  const gpg = (args: readonly string[], stdin?: string) =>
    run("gpg", ["--homedir", home, "--batch", "--no-tty", ...args], stdin === undefined ? {} : { stdin });
  const given = process.env.RELEASE_PGP_KEY;
  if (throwAway) {
    await gpg(["--passphrase", "", "--quick-generate-key", THROW_AWAY, "rsa3072", "sign", "1d"]);
  } else if (given === undefined || !given.includes("PRIVATE KEY")) {
    throw new ExitError(
      "RELEASE_PGP_KEY holds no PGP secret key; set it to the armoured key that signs charts, or use --dry-run.",
    );
  } else {
    await gpg(["--import"], given);
  }
  const listed = await gpg(["--list-secret-keys", "--with-colons"]);
  const secretKeyring = join(folder, "secret.gpg");
  const publicKeyring = join(folder, "public.gpg");
  await gpg(["--output", secretKeyring, "--export-secret-keys"]);
  await gpg(["--output", publicKeyring, "--export"]);
  const armoured = await gpg(["--armor", "--export"]);
  await writeFile(join(folder, "public.asc"), armoured);
  return {
    name: field(listed, "uid", 9),
    fingerprint: field(listed, "fpr", 9),
    secretKeyring,
    publicKeyring,
    armoured,
  };
}

/** A field of the first record of a kind in GnuPG's colon listing. */
function field(listing: string, record: string, index: number): string {
  const line = listing.split("\n").find((candidate) => candidate.startsWith(`${record}:`));
  const value = line?.split(":")[index];
  if (value === undefined || value === "") throw new ExitError("GnuPG lists no secret key; check RELEASE_PGP_KEY.");
  return value;
}
