import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { signCommand } from "../publish.ts";
import { type Ended, run, tryRun } from "../run.ts";
import { SUMS_FILE } from "../sums.ts";
import { releaseWorkflow } from "./certificate-authority.ts";
import { newFolder } from "./folders.ts";
import { serveChanged } from "./local-servers.ts";
import { helm, ociCharts, PREVIOUS, type Stage, servedChart } from "./stage.ts";
import { flipByte, otherHeader, whileChanged, withStrangersChart } from "./tamper.ts";
import { downloaded, must, newUser, npm, pull, pullOci, verifySignature, verifySums } from "./use.ts";

/** Something that an attacker tries: a row of docs/proof/release.md. */
export interface Attempt {
  readonly what: string;
  /** The command that refuses it or does not, as its user types it. */
  readonly by: string;
  /** Tampers, runs the command, and puts everything back. */
  readonly make: (stage: Stage) => Promise<Ended>;
}

const FROM_REPOSITORY = "`helm pull --verify`";
const FROM_REGISTRY = "`helm pull oci://… --verify`";
const BY_COSIGN = "`cosign verify`";

/** What is refused. */
export const REFUSALS: readonly Attempt[] = [
  {
    what: "chart in the repository: one other byte in the archive",
    by: FROM_REPOSITORY,
    make: (stage) => whileChanged(servedChart(stage), otherHeader, () => pull(stage)),
  },
  {
    what: "chart in the repository: another one, signed with another key, with an index that leads to it",
    by: FROM_REPOSITORY,
    make: (stage) => withStrangersChart(stage, () => pull(stage)),
  },
  {
    what: "provenance: one other byte",
    by: FROM_REPOSITORY,
    make: (stage) => whileChanged(`${servedChart(stage)}.prov`, flipByte, () => pull(stage)),
  },
  {
    what: "provenance: missing",
    by: FROM_REPOSITORY,
    make: (stage) => whileChanged(`${servedChart(stage)}.prov`, undefined, () => pull(stage)),
  },
  {
    what: "chart in the OCI registry: one other byte in its layer",
    by: FROM_REGISTRY,
    make: (stage) => withOtherBlob(stage, (registry) => pullOci(stage, `${registry}/charts`)),
  },
  {
    what: "chart in the OCI registry: a manifest other than the digest that you ask for",
    by: "`helm pull oci://…@sha256:…`",
    make: async (stage) => {
      const target = await newFolder(stage, "pulled");
      return withOtherManifest(stage, stage.reference, (reference) =>
        helm(stage, "pull", `oci://${reference}`, "--plain-http", "--destination", target),
      );
    },
  },
  {
    what: "chart in the OCI registry: another one under our tag, signed with another PGP key",
    by: FROM_REGISTRY,
    make: (stage) => withOurTagMoved(stage, () => pullOci(stage)),
  },
  {
    what: "chart in the OCI registry: another one under our tag",
    by: BY_COSIGN,
    make: (stage) => withOurTagMoved(stage, (tag) => verifySignature(stage, tag)),
  },
  {
    what: "chart in the OCI registry: the release before under the tag of this one",
    by: BY_COSIGN,
    make: async (stage) => {
      const charts = `${ociCharts(stage)}/istio-teleport`;
      await run(stage.crane, ["tag", "--insecure", `${charts}:${PREVIOUS}`, stage.release.version]);
      try {
        return await verifySignature(stage, `${charts}:${stage.release.version}`);
      } finally {
        await run(stage.crane, ["tag", "--insecure", stage.reference, stage.release.version]);
      }
    },
  },
  {
    what: "image: another one under our tag",
    by: BY_COSIGN,
    make: (stage) => withStrangersImage(stage, (image) => verifySignature(stage, image)),
  },
  {
    what: "image: another one under our tag, signed by another workflow",
    by: BY_COSIGN,
    make: (stage) => signedBy(stage, "https://github.com/somebody/else/.github/workflows/release.yml@refs/tags/v1.0.0"),
  },
  {
    what: "image: another one under our tag, signed by our workflow on a branch",
    by: BY_COSIGN,
    make: (stage) => signedBy(stage, releaseWorkflow(stage.release.version).replace("/tags/", "/heads/")),
  },
  {
    what: "image: one other byte in its layer",
    by: "`crane pull`",
    make: async (stage) => {
      const file = join(await newFolder(stage, "pulled"), "image.tar");
      return withOtherBlob(stage, (registry) =>
        tryRun(stage.crane, ["pull", "--insecure", stage.image.replace(stage.registry, registry), file]),
      );
    },
  },
  {
    what: "SBOM: one other byte",
    by: "`sha256sum --check`",
    make: async (stage) => {
      const folder = await downloaded(stage);
      await changeFile(join(folder, sbomOf(stage)), flipByte);
      return verifySums(stage, folder);
    },
  },
  {
    what: "SBOM: one other byte, and its sum in SHA256SUMS to match",
    by: "`cosign verify-blob`",
    make: async (stage) => {
      const folder = await downloaded(stage);
      const [sums, sbom] = [join(folder, SUMS_FILE), join(folder, sbomOf(stage))];
      const before = await sumOf(sbom);
      await changeFile(sbom, flipByte);
      const after = await sumOf(sbom);
      await changeFile(sums, (text) => Buffer.from(text.toString().replace(before, after)));
      await must(tryRun("sha256sum", ["--check", SUMS_FILE], { cwd: folder }));
      return verifySums(stage, folder);
    },
  },
  {
    what: "npm package: one other byte in the archive",
    by: "`npx istio-teleport`",
    make: async (stage) => {
      const user = await newUser(stage);
      return withOtherPackage(stage, { isAdmitted: false }, () =>
        npm(user, "npx", "--yes", "istio-teleport", "version"),
      );
    },
  },
  {
    what: "npm package: one other byte in the archive, and a registry that names its hash",
    by: "`npm ci` with a lock file from before",
    make: async (stage) => {
      const user = await userWithLock(stage);
      return withOtherPackage(stage, { isAdmitted: true }, () => npm(user, "npm", "ci"));
    },
  },
];

/** What is not refused, and by which command that is known. */
export const TAKEN: readonly Attempt[] = [
  {
    what: "chart in the repository: one other byte in the archive",
    by: "`helm pull` without `--verify`",
    make: async (stage) => {
      const target = await newFolder(stage, "pulled");
      const version = ["--version", stage.release.version];
      return whileChanged(servedChart(stage), otherHeader, () =>
        helm(stage, "pull", "istio-teleport/istio-teleport", ...version, "--destination", target),
      );
    },
  },
  {
    what: "npm package: one other byte in the archive, and a registry that names its hash",
    by: "`npx istio-teleport`",
    make: async (stage) => {
      const user = await newUser(stage);
      return withOtherPackage(stage, { isAdmitted: true }, () =>
        npm(user, "npx", "--yes", "istio-teleport", "version"),
      );
    },
  },
  {
    what: "index: another digest",
    by: FROM_REPOSITORY,
    make: (stage) => withIndex(stage, (index) => index.replaceAll(/digest: \w+/g, `digest: ${"f".repeat(64)}`)),
  },
  {
    what: "index: the version leads to the release before, which we signed",
    by: FROM_REPOSITORY,
    make: (stage) =>
      withIndex(
        stage,
        (index) => index.replace(pathOf(stage.release.version), pathOf(PREVIOUS)),
        `istio-teleport-${PREVIOUS}.tgz`,
      ),
  },
];

/**
 * Pulls, as its users do, what a changed index leads to.
 *
 * @param gets the archive that comes; default: that of the release
 */
function withIndex(stage: Stage, change: (index: string) => string, gets?: string): Promise<Ended> {
  const changed = (index: Buffer) => Buffer.from(change(index.toString()));
  return whileChanged(join(stage.served, "index.yaml"), changed, () => pull(stage, gets));
}

function pathOf(version: string): string {
  return `/download/v${version}/istio-teleport-${version}.tgz`;
}

/** Uses a registry that has another byte in each layer. */
function withOtherBlob<T>(stage: Stage, use: (registry: string) => Promise<T>): Promise<T> {
  // By gzip's mark: what is not a layer is text.
  const change = (path: string, body: Buffer) =>
    path.includes("/blobs/") && body[0] === 0x1f ? otherHeader(body) : body;
  return through(stage, change, use);
}

/** Uses a registry that serves another manifest than a digest names. */
function withOtherManifest<T>(stage: Stage, reference: string, use: (reference: string) => Promise<T>): Promise<T> {
  const digest = reference.replace(/.*@/, "");
  const other = (body: Buffer) => Buffer.from(body.toString().replace('"size":', '"size": '));
  const change = (path: string, body: Buffer) => (path.endsWith(`/manifests/${digest}`) ? other(body) : body);
  return through(stage, change, (registry) => use(reference.replace(stage.registry, registry)));
}

/** Uses the registry through somebody who changes what it answers. */
async function through<T>(
  stage: Stage,
  change: (path: string, body: Buffer) => Buffer,
  use: (registry: string) => Promise<T>,
): Promise<T> {
  const proxy = await serveChanged(stage.registry, change);
  try {
    return await use(new URL(proxy.url).host);
  } finally {
    await proxy.stop();
  }
}

/** Moves our tag to a stranger's chart meanwhile. */
function withOurTagMoved<T>(stage: Stage, use: (tag: string) => Promise<T>): Promise<T> {
  return withStrangersChart(stage, async (archive) => {
    await must(helm(stage, "push", archive, `oci://${ociCharts(stage)}`, "--plain-http"));
    try {
      return await use(`${ociCharts(stage)}/istio-teleport:${stage.release.version}`);
    } finally {
      await run(stage.crane, ["tag", "--insecure", stage.reference, stage.release.version]);
    }
  });
}

/** Moves our tag to a stranger's image meanwhile. */
async function withStrangersImage<T>(stage: Stage, use: (tag: string) => Promise<T>): Promise<T> {
  const { crane, image, release } = stage;
  const tag = image.replace(/@.*/, `:${release.version}`);
  await must(verifySignature(stage, tag));
  const folder = await newFolder(stage, "layer");
  // Another image each time: signatures stay in the registry.
  await writeFile(join(folder, "file"), folder);
  await run("tar", ["-czf", "layer.tgz", "file"], { cwd: folder });
  await run(crane, ["append", "--insecure", "--new_layer", join(folder, "layer.tgz"), "--new_tag", tag]);
  try {
    return await use(tag);
  } finally {
    await run(crane, ["tag", "--insecure", image, release.version]);
  }
}

/** Verifies a stranger's image under our tag, which somebody signed with a certificate of this identity. */
function signedBy(stage: Stage, identity: string): Promise<Ended> {
  return withStrangersImage(stage, async (tag) => {
    const digest = (await run(stage.crane, ["digest", "--insecure", tag])).trim();
    const signer = { cosign: stage.cosign, signWith: stage.authority.signAs(identity) };
    const [cosign = "", ...sign] = signCommand(stage.image.replace(/@.*/, `@${digest}`), signer);
    await run(cosign, sign);
    return verifySignature(stage, tag);
  });
}

function sbomOf({ release }: Stage): string {
  return `istio-teleport-${release.version}.cdx.json`;
}

async function sumOf(file: string): Promise<string> {
  return (await run("sha256sum", [file])).split(" ")[0] ?? "";
}

async function changeFile(file: string, change: (content: Buffer) => Buffer): Promise<void> {
  await writeFile(file, change(await readFile(file)));
}

/** A user who has installed the CLI once before, with what is left in a checkout: package.json and the lock file. */
async function userWithLock(stage: Stage): Promise<string> {
  const [first, user] = [await newUser(stage), await newUser(stage)];
  await writeFile(join(first, "package.json"), "{}");
  await must(npm(first, "npm", "install", `istio-teleport@${stage.release.version}`));
  for (const file of ["package.json", "package-lock.json"]) {
    await writeFile(join(user, file), await readFile(join(first, file)));
  }
  return user;
}

/** Has npm's registry serve another archive of the CLI meanwhile. */
async function withOtherPackage<T>(
  { npm: registry, release }: Stage,
  { isAdmitted }: { readonly isAdmitted: boolean },
  use: () => Promise<T>,
): Promise<T> {
  const ours = registry.archive("istio-teleport", release.version);
  registry.replace("istio-teleport", release.version, otherHeader(ours), { isAdmitted });
  try {
    return await use();
  } finally {
    registry.replace("istio-teleport", release.version, ours, { isAdmitted: true });
  }
}
