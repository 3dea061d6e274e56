import { page } from "../base/documentation.ts";
import { EXIT, ExitError } from "../base/exit-error.ts";
import { nearestKey } from "../base/nearest-key.ts";
import type { Runner } from "../programs/run.ts";
import { isStdout, writeOutput } from "../terminal/write-file.ts";
import { loadGraphValues } from "../values/load.ts";
import { diffGraphs, isDifferent } from "./diff.ts";
import type { GraphFlags } from "./flags.ts";
import { type MeshGraph, meshGraph } from "./mesh-graph.ts";
import { diffTable } from "./views/diff-table.ts";
import { diffDocument, graphDocument } from "./views/document.ts";
import { mermaidChart } from "./views/mermaid.ts";
import { svgPicture } from "./views/svg.ts";
import { permissionTable } from "./views/table.ts";

/** Mermaid draws no more, unless the page around it says so (its setting maxEdges). */
const MERMAID_EDGES = 500;
/** Graphviz takes seconds for so many, minutes for a multiple, and nobody could follow the arrows. */
const SVG_EDGES = 1000;

/** The action of `istio-teleport graph`. */
export async function showGraph(runner: Runner, flags: GraphFlags): Promise<void> {
  if (flags.force && isStdout(flags.output)) {
    throw new ExitError("--force lets --output replace a file: add --output or leave it out.");
  }
  if (flags.diff !== undefined) return showDiff(runner, flags, flags.diff);
  const values = await loadGraphValues(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
  const graph = restricted(meshGraph(values), flags.application);
  if (graph.applications.length === 0) {
    const switches = Object.values(values.bundledApplications).map(({ enabledBy }) => enabledBy);
    throw new ExitError(
      `There is no graph to show: set ${["mesh.applications", ...switches].join(" or ")} (${page("docs/operate/policies.md")}).`,
    );
  }
  await writeOutput(flags.output, await inFormat(graph, flags), flags);
}

async function inFormat(graph: MeshGraph, { format, principals }: GraphFlags): Promise<string> {
  if (principals && format !== "table") {
    throw new ExitError(
      `--principals is for the table: --format ${format} has them already, leave one of the flags out.`,
    );
  }
  switch (format) {
    case "table":
      return permissionTable(graph, { principals });
    case "mermaid":
      checkSize(graph, MERMAID_EDGES, "Mermaid draws");
      return mermaidChart(graph);
    case "svg":
      checkSize(graph, SVG_EDGES, "a picture holds");
      return svgPicture(graph);
    case "html":
      return (await import("./page/graph-page.ts")).graphPage(graph);
    case "json":
      return graphDocument(graph);
  }
}

function checkSize({ edges }: MeshGraph, most: number, subject: string): void {
  if (edges.length <= most) return;
  throw new ExitError(
    `The graph has ${edges.length} callers, and ${subject} at most ${most}: choose applications with --application, or --format table or json.`,
  );
}

/** The graph of these applications: who is called in them, and by whom; the whole for no name. */
function restricted(graph: MeshGraph, names: readonly string[]): MeshGraph {
  if (names.length === 0) return graph;
  const known = graph.applications.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const meant = nearestKey(unknown, known);
    const hint = meant ? `did you mean ${meant}` : `they have ${known.length > 0 ? known.join(", ") : "none"}`;
    throw new ExitError(`--application ${unknown} is not in the values; ${hint}.`);
  }
  return {
    ...graph,
    applications: graph.applications.filter(({ name }) => names.includes(name)),
    edges: graph.edges.filter(({ to }) => names.includes(to.application)),
  };
}

async function showDiff(runner: Runner, flags: GraphFlags, files: readonly string[]): Promise<void> {
  const { format } = flags;
  const [before, after, ...more] = files;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new ExitError(`--diff compares two values files, before and after, and ${files.length} is given: name two.`);
  }
  if (format !== "table" && format !== "json") {
    throw new ExitError(`--diff prints a table or json, not ${format}: leave out --format, or choose json.`);
  }
  if (flags.application.length > 0 || flags.principals) {
    const idle = flags.principals ? "--principals" : "--application";
    throw new ExitError(`--diff compares whole graphs: leave out ${idle}.`);
  }
  if (flags.values.includes("-") || (before === "-" && after === "-")) {
    throw new ExitError("With --diff both sides would read stdin, which can be read only once: put it into a file.");
  }
  const [first, second] = [await graphOfSide(runner, before, flags), await graphOfSide(runner, after, flags)];
  const diff = diffGraphs(first, second);
  await writeOutput(flags.output, format === "json" ? diffDocument(diff) : diffTable(diff, second), flags);
  if (isDifferent(diff)) process.exitCode = EXIT.different;
}

/** One side of a comparison; a refusal says which one it is about. */
async function graphOfSide(
  runner: Runner,
  file: string,
  { values, set, valuesKey: key }: GraphFlags,
): Promise<MeshGraph> {
  try {
    return meshGraph(await loadGraphValues(runner, { files: [...values, file], sets: set, key }));
  } catch (error) {
    const name = file === "-" ? "stdin" : file;
    const isRefusal = error instanceof ExitError && error.code === EXIT.refused;
    if (!isRefusal || error.message.includes(name)) throw error;
    const sentences = error.message.split("\n").map((sentence) => `${name}: ${sentence}`);
    throw new ExitError(sentences.join("\n"));
  }
}
