/**
 * What `npm run lab -- record` runs inside an empty lab: installs the mesh with the quick start's commands in a terminal,
 * and writes docs/start/recording.svg, its end as recording-end.svg, and the pictures of docs/operate/report.md from it.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../lab/cluster/addresses.ts";
import { shell } from "../../tests/lab/testkit/cluster/shell.ts";
import { FLAGS as IMAGES } from "../../tests/lab/testkit/conformance/conformance.ts";
import { serveRepositories } from "../../tests/lab/testkit/installation/chart-repository.ts";
import {
  addLabValues,
  ISTIO_LAB_VALUES,
  REPOSITORY,
  requireEmpty,
  USER_DIR,
} from "../../tests/lab/testkit/installation/installation.ts";
import { EXIT } from "../../tools/base/exit-error.ts";
import { shellBlock } from "../shell-blocks/blocks.ts";
import { photographReport } from "./photograph-report.ts";
import { record } from "./record.ts";
import { ROWS, recordingSvg } from "./recording-svg.ts";
import { type Output, segmentsOf, withShortWaits } from "./screen.ts";

const COLUMNS = 110;
/** Seconds: the longest wait that is shown, and how long a command stands there before it is run. */
const [LONGEST, TYPING] = [2, 1];
const FOLDER = join(USER_DIR, "recording");
const VERSION = "--teleport-version 18.11.0";

/** A command as the page has it, and the flags that the lab adds to it. */
interface Command {
  readonly typed: string;
  readonly labFlags: string;
}

async function main(): Promise<void> {
  await requireEmpty();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const repositories = await serveRepositories();
  try {
    const proxy = `${TELEPORT_HOST}:${TELEPORT_PORT}`;
    const names = `--cluster-name ${TELEPORT_CLUSTER_NAME} --proxy-addr ${proxy}`;
    await shell(`npx istio-teleport init ${names}`, { cwd: FOLDER });
    addLabValues(join(FOLDER, "values.yaml"));
    const commands: Command[] = [
      {
        typed: `${shellBlock("docs/start/quick-start.md#install")} --yes`,
        labFlags: `--istio-repo ${repositories.istioRepo} --istiod-values '${ISTIO_LAB_VALUES}'`,
      },
      { typed: shellBlock("docs/start/quick-start.md#doctor"), labFlags: VERSION },
      { typed: shellBlock("docs/operate/test.md#test"), labFlags: IMAGES },
    ];
    await drawRecording(commands);
    await shell(
      "helm upgrade istio-teleport node_modules/istio-teleport/chart -n teleport-system -f recording/values.yaml --set sockShop.enabled=true",
      { cwd: USER_DIR },
    );
    await shell("kubectl -n sock-shop wait --for=condition=Available deployment --all --timeout=600s");
    // Its exit code is doctor's: what it warns of is in the picture.
    await shell(`npx istio-teleport report ${VERSION} --output report.html || [ -f report.html ]`, { cwd: FOLDER });
    await photographReport(join(FOLDER, "report.html"), join(REPOSITORY, "docs", "operate"));
  } finally {
    await repositories.close();
  }
}

/** Runs the commands and draws what they printed. */
async function drawRecording(commands: readonly Command[]): Promise<void> {
  const outputs: Output[] = [];
  const took: string[] = [];
  let now = 0;
  for (const { typed, labFlags } of commands) {
    outputs.push({ at: now, text: `\u001b[1m$ ${typed}\u001b[0m\r\n` });
    const printed = await record(`${typed} ${labFlags}`, { columns: COLUMNS, rows: ROWS, folder: FOLDER });
    const cut = withShortWaits(printed, LONGEST);
    const begin = now + TYPING;
    outputs.push(...cut.map(({ at, text }) => ({ at: begin + at, text })));
    took.push(`${/istio-teleport (\w+)/.exec(typed)?.[1]} ${Math.round(printed.at(-1)?.at ?? 0)} s`);
    now = begin + (cut.at(-1)?.at ?? 0) + LONGEST;
  }
  refuseThisMachine(outputs);
  const words = {
    title: "A terminal: istio-teleport install, then doctor, then test, in the lab",
    notes: [
      `A run in the lab with a double of Teleport. Waits are cut to ${LONGEST} s; it took: ${took.join(", ")}.`,
      "Left out: the flags that name the lab's chart repository, images and Teleport version.",
    ],
  };
  const segments = segmentsOf(outputs, COLUMNS);
  for (const [file, motion] of [
    ["recording", "animated"],
    ["recording-end", "still"],
  ] as const)
    writeFileSync(join(REPOSITORY, "docs", "start", `${file}.svg`), recordingSvg(segments, COLUMNS, words, motion));
}

/** @throws Error where something of this machine would be published */
function refuseThisMachine(outputs: readonly Output[]): void {
  const all = outputs.map(({ text }) => text).join("");
  const found = [USER_DIR, REPOSITORY, "127.0.0.1"].filter((word) => all.includes(word));
  if (found.length > 0) throw new Error(`The recording has ${found.join(", ")} of this machine:\n${all}`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`record: ${(error as Error).message}\n`);
  process.exitCode = EXIT.unavailable;
}
