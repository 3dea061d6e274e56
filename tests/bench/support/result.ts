import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { repositoryPath } from "../../support/run-helm.ts";

/** What one benchmark measured: saved as docs/performance/results/<bench>.json, where pages and graphs take it from. */
export interface Result {
  /** Name of its file in tests/bench, without `.ts`. */
  readonly bench: string;
  /** What was measured, as the heading of its table. */
  readonly title: string;
  /** The command that measures it again. */
  readonly command: string;
  /** When it ended, ISO 8601 in UTC. */
  readonly date: string;
  readonly machine: Machine;
  /** What the points stand at: "services", "command". */
  readonly x: string;
  readonly series: readonly Series[];
  /** What a reader must know to judge the figures; one sentence each. */
  readonly notes: readonly string[];
}

interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly kernel: string;
  /** Load average of one minute, before the benchmark and after it: what else the machine did, and what this did. */
  readonly load: { readonly before: number; readonly after: number };
}

export interface Series {
  readonly name: string;
  /** "s", "ms", "MiB", …; empty for a mere count. */
  readonly unit: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number | string;
  /** The median, unless a note says otherwise. */
  readonly value: number;
  /** The least and the most of all rounds. */
  readonly low?: number;
  readonly high?: number;
  /** How many times the value of what it is compared to, in the same run; a note says what that is. */
  readonly ratio?: number;
}

const loadBefore = loadavg()[0] ?? 0;

/** A result of now, on this machine. */
export function makeResult(measured: Omit<Result, "date" | "machine">): Result {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: release(),
    load: { before: rounded(loadBefore), after: rounded(loadavg()[0] ?? 0) },
  };
  const { bench, title, command, ...rest } = measured;
  return { bench, title, command, date: new Date().toISOString(), machine, ...rest };
}

/**
 * Median, least and most of the rounds' values; four significant digits of what is no count.
 *
 * @param reference what the ratio compares the median to; none for none
 */
export function point(x: number | string, rounds: readonly number[], reference?: number): Point {
  const sorted = rounds.toSorted((a, b) => a - b);
  const low = sorted[0];
  const high = sorted.at(-1);
  if (low === undefined || high === undefined) throw new Error(`no round measured ${x}`);
  const value = median(rounds);
  return {
    x,
    value: rounded(value),
    ...(low !== high && { low: rounded(low), high: rounded(high) }),
    ...(reference !== undefined && { ratio: rounded(value / reference) }),
  };
}

/** The one in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Counts stay as they are. */
const rounded = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(4)));

/** A Markdown table: a row for each x, a column for each series; `value (low to high), ratio ×` in the cells. */
export function markdownTable({ x, series }: Pick<Result, "x" | "series">): string {
  const places = [...new Set(series.flatMap(({ points }) => points.map((each) => each.x)))];
  if (places.every((place) => typeof place === "number")) places.sort((a, b) => Number(a) - Number(b));
  const head = [x, ...series.map(({ name, unit }) => (unit === "" ? name : `${name}, ${unit}`))];
  const rows = places.map((place) => [
    figure(place),
    ...series.map(({ points }) => cell(points.find((each) => each.x === place))),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const alignment = ["--:", ...series.map(() => "--:")];
  if (typeof places[0] === "string") alignment[0] = "---";
  return [head, alignment, ...rows].map(line).join("");
}

function cell(measured: Point | undefined): string {
  if (measured === undefined) return "";
  const { value, low, high, ratio } = measured;
  const spread = low === undefined || high === undefined ? "" : ` (${figure(low)} to ${figure(high)})`;
  return `${figure(value)}${spread}${ratio === undefined ? "" : `, ${figure(ratio)} ×`}`;
}

/** Three significant digits below 1,000, no decimals above. */
export function figure(value: number | string): string {
  if (typeof value === "string") return value;
  return value.toLocaleString(
    "en-US",
    Math.abs(value) < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}

/** When and where it was measured, as the end of a sentence. */
export function machineOf({ date, machine }: Result): string {
  const { cpu, cores, memoryGiB, node, kernel, load } = machine;
  return `${date.slice(0, 16).replace("T", " ")} UTC, ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, load ${load.before} before and ${load.after} after`;
}

/** Prints the table with its command, machine and notes; with `--save` among the arguments writes the file, too. */
export async function printAndSave(result: Result): Promise<void> {
  const { values: flags } = parseArgs({ options: { save: { type: "boolean" } }, strict: false });
  const notes = result.notes.map((note) => `- ${note}\n`).join("");
  process.stdout.write(`## ${result.title}

\`${result.command}\`, ${machineOf(result)}

${markdownTable(result)}${notes === "" ? "" : `\n${notes}`}
`);
  if (flags.save !== true) return;
  const folder = repositoryPath("docs/performance/results");
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${result.bench}.json`, `${JSON.stringify(result, null, 2)}\n`);
}
