/**
 * `npm run bench:release`: at how many services Helm's record of the chart's release outgrows its Secret, and what
 * `doctor --pre` counts for it. `--save` keeps the result. No cluster is needed: Helm's record is measured where Helm
 * sends it.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { helmOnPath } from "../../scripts/pinned-helm.ts";
import { MAX_RELEASE_BYTES, releaseBytes } from "../../tools/chart/release-size.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { loadGraphValues } from "../../tools/values/load.ts";
import { partText } from "../../tools/values/parts.ts";
import { largeValues } from "./support/large-values.ts";
import { recordedRelease } from "./support/recorded-release.ts";
import { makeResult, point, printAndSave, type Series } from "./support/result.ts";

const CALLERS = 5;
const SIZES = [1, 1000, 3000];
/** How near to the limit is near enough. */
const NEAR = 0.02;

/** What compresses best and what compresses worst; real names are between. */
const NAMES = {
  "names alike": (index: number) => `service-${index}`,
  "random names": (index: number) =>
    createHash("sha256").update(String(index)).digest("hex").replace(/^/, "s").slice(0, 16),
};

interface Size {
  readonly services: number;
  /** Bytes. */
  readonly recorded: number;
  readonly counted: number;
}

type NameOf = (index: number) => string;

async function measure(services: number, nameOf: NameOf): Promise<Size> {
  process.stderr.write(`measuring ${services} services\n`);
  const values = largeValues(services, Math.min(CALLERS, services), { nameOf });
  const { manifests, bytes } = await recordedRelease(values);
  return { services, recorded: bytes, counted: await releaseBytes(manifests, values) };
}

/** The most services whose release fits, about: between one that fits and one that does not, or beyond two that fit. */
async function limit(fits: Size, other: Size, nameOf: NameOf): Promise<Size> {
  const slope = (other.recorded - fits.recorded) / (other.services - fits.services);
  const guess = await measure(Math.floor(fits.services + (MAX_RELEASE_BYTES - fits.recorded) / slope), nameOf);
  const part = guess.recorded / MAX_RELEASE_BYTES;
  if (part <= 1 && part > 1 - NEAR) return guess;
  return limit(part <= 1 ? guess : fits, part <= 1 ? other : guess, nameOf);
}

async function seriesOf(name: string, nameOf: NameOf): Promise<Series[]> {
  const sizes: Size[] = [];
  for (const services of SIZES) sizes.push(await measure(services, nameOf));
  const [, fits, other] = sizes;
  if (fits === undefined || other === undefined) throw new Error("too few sizes");
  sizes.push(await limit(fits, other, nameOf));
  return [
    {
      name: `Helm's record, ${name}`,
      unit: "bytes",
      points: sizes.map((size) => point(size.services, [size.recorded], MAX_RELEASE_BYTES)),
    },
    {
      name: `counted by doctor, ${name}`,
      unit: "bytes",
      points: sizes.map((size) => point(size.services, [size.counted], size.recorded)),
    },
  ];
}

/**
 * What becomes of a graph that outgrows its Secret by a fifth, in two applications: its release is given two, whose records
 * fit, as docs/operate/policies.md says.
 *
 * @throws Error unless both fit and render what the whole renders
 */
async function split(services: number, nameOf: NameOf): Promise<string> {
  process.stderr.write(`splitting ${services} services\n`);
  return withTempDir(async (dir) => {
    const values = largeValues(services, CALLERS, { nameOf, applications: 2 });
    const whole = await recordedRelease(values);
    const file = join(dir, "values.yaml");
    await writeFile(file, JSON.stringify(values));
    const loaded = await loadGraphValues(systemRunner, { files: [file] });
    const one = await recordedRelease(parse(await partText(systemRunner, loaded, { only: ["scale-0"], without: [] })));
    const rest = await recordedRelease(parse(await partText(systemRunner, loaded, { only: [], without: ["scale-0"] })));
    // The last of each output ends otherwise than the others.
    const documents = (text: string) => text.split(/^---\n/m).flatMap((document) => document.trim() || []);
    const parts = [...documents(one.manifests), ...documents(rest.manifests)].toSorted();
    if (!isDeepStrictEqual(parts, documents(whole.manifests).toSorted())) {
      throw new Error("the two releases do not render what one renders");
    }
    const most = Math.max(one.bytes, rest.bytes);
    if (whole.bytes <= MAX_RELEASE_BYTES || most > MAX_RELEASE_BYTES) {
      throw new Error(`the whole takes ${whole.bytes} bytes, its parts ${one.bytes} and ${rest.bytes}`);
    }
    const [all, first, second] = [whole.bytes, one.bytes, rest.bytes].map((bytes) => bytes.toLocaleString("en-US"));
    return `${services.toLocaleString("en-US")} services with random names in two applications take ${all} bytes, which do not fit. Split by \`render values\` they take ${first} and ${second}, and render the same ${parts.length.toLocaleString("en-US")} documents.`;
  });
}

await helmOnPath();
const series: Series[] = [];
for (const [name, nameOf] of Object.entries(NAMES)) series.push(...(await seriesOf(name, nameOf)));
const outgrown = Math.round(1.2 * Number(series.at(-1)?.points.at(-1)?.x));
const splitNote = await split(outgrown, NAMES["random names"]);
await printAndSave(
  makeResult({
    bench: "release-size",
    title: "Helm's record of a release",
    command: "npm run bench:release",
    x: `services, ${CALLERS} callers each`,
    series,
    notes: [
      "For Helm's record, × is the part of the 1,048,576 bytes that Kubernetes takes in a Secret; the last row of each kind of names is the largest that was found to fit, within 2 %. For doctor's count, × compares it with Helm's record.",
      "One service is the chart itself: its templates, schema and files.",
      splitNote,
    ],
  }),
);
