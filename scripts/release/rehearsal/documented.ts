import { shellBlock } from "../../shell-blocks/blocks.ts";

/** The command blocks of docs/operate/upgrade.md with which people verify a release. */
export interface DocumentedVerification {
  /** Of the chart of the chart repository. */
  readonly chart: string;
  /** Of the chart of the OCI registry; the tools' image has the same command. */
  readonly registry: string;
  /** Of everything that people download. */
  readonly sums: string;
}

/** Reads them; throws where the page marks none so. */
export function documentedVerification(): DocumentedVerification {
  return {
    chart: shellBlock("docs/operate/upgrade.md#pull"),
    registry: shellBlock("docs/operate/upgrade.md#verify"),
    sums: shellBlock("docs/operate/upgrade.md#sums"),
  };
}
