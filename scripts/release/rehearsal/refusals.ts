import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify, parse } from "yaml";
import { type Ended, run, tryRun } from "../run.ts";
import { serveChanged } from "./local-servers.ts";
import { downloads, helm, newFolder, ociCharts, PREVIOUS, type Stage, servedChart, verifySignature } from "./stage.ts";
import { flipByte, otherHeader, whileChanged, withStrangersChart } from "./tamper.ts";
import { downloaded, must, newUser, npm, pull, pullOci } from "./use.ts";

/** Something that an attacker tries, and what refuses it: a row of docs/proof/release.md. */
export interface Refusal {
  readonly what: string;
  /** The command that refuses it, as its user types it. */
  readonly by: string;
  /** Tampers, runs the command, and puts everything back. */
  readonly attempt: (stage: Stage) => Promise<Ended>;
}

const FROM_REPOSITORY = "helm pull --verify";
const FROM_REGISTRY = "helm pull oci://… --verify";

export const REFUSALS: readonly Refusal[] = [
  {
    what: "the chart's archive: one other byte",
    by: FROM_REPOSITORY,
    attempt: (stage) => whileChanged(servedChart(stage), otherHeader, () => pull(stage)),
  },
  {
    what: "the chart: another one, signed with another key, with an index that leads to it",
    by: FROM_REPOSITORY,
    attempt: (stage) => withStrangersChart(stage, () => pull(stage)),
  },
  {
    what: "the provenance file: one other byte",
    by: FROM_REPOSITORY,
    attempt: (stage) => whileChanged(`${servedChart(stage)}.prov`, flipByte, () => pull(stage)),
  },
  {
    what: "the provenance file: gone",
    by: FROM_REPOSITORY,
    attempt: (stage) => whileChanged(`${servedChart(stage)}.prov`, undefined, () => pull(stage)),
  },
  {
    what: "the index: it leads to the release before, which we signed",
    by: FROM_REPOSITORY,
    attempt: (stage) => whileChanged(join(stage.served, "index.yaml"), (index) => oldForNew(index, stage), () => pull(stage)),
  },
];
function oldForNew(index: Buffer, stage: Stage): Buffer {
  return Buffer.from(index.toString().replace(`/download/v${stage.release.version}/istio-teleport-${stage.release.version}.tgz`, `/download/v${PREVIOUS}/istio-teleport-${PREVIOUS}.tgz`));
}
