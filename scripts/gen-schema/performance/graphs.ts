import type { Result, Series } from "../../../tests/bench/support/result.ts";
import { bars } from "./bars.ts";
import { lines } from "./lines.ts";

/** Which series of a result are drawn, and how; those of one picture have one unit. */
interface Graph {
  readonly bench: string;
  readonly title: string;
  /** Beginnings of the series' names. */
  readonly series: readonly string[];
  readonly limit?: { readonly name: string; readonly value: number };
}

const GRAPHS: readonly Graph[] = [
  { bench: "start-up", title: "What the start of each command costs beside bare Node", series: ["CPU"] },
  { bench: "gen-token", title: "What gen-token costs beside the kubectl call that it rests on", series: ["CPU"] },
  { bench: "chart-render", title: "What helm template costs for our chart and for SPIRE's", series: ["CPU"] },
  { bench: "identity-source", title: "From a pod's creation to its first answer", series: ["pod created"] },
  {
    bench: "istiod-push",
    title: "How long a change of a service takes to reach a sidecar, with policies and without",
    series: ["a change of a service"],
  },
  { bench: "graph-scale", title: "helm template of a graph with 5 callers each", series: ["CPU"] },
  {
    bench: "report-page",
    title: "The page of a graph with 5 callers each, in Chromium",
    series: ["open", "focus", "drawn"],
  },
  { bench: "doctor-scale", title: "All checks of doctor over a snapshot", series: ["all"] },
  {
    bench: "release-size",
    title: "Where Helm's record of a release outgrows its Secret",
    series: ["Helm's record"],
    limit: { name: "what Kubernetes takes in a Secret", value: 1024 * 1024 },
  },
];

/**
 * The pictures of the results, by the names of their files.
 *
 * @param results by the name of their benchmark; what is not measured yet is not drawn
 */
export function graphs(results: ReadonlyMap<string, Result>): Map<string, string> {
  const pictures = new Map<string, string>();
  for (const { bench, title, series: names, limit } of GRAPHS) {
    const result = results.get(bench);
    if (result === undefined) continue;
    const series = names.flatMap((name) => result.series.filter((each) => each.name.startsWith(name)));
    pictures.set(`${bench}.svg`, draw(title, result.x, series, limit));
  }
  return pictures;
}

function draw(title: string, x: string, series: readonly Series[], limit: Graph["limit"]): string {
  const [first] = series;
  if (first === undefined) throw new Error(`"${title}" has no series to draw`);
  const overNumbers = first.points.every((point) => typeof point.x === "number");
  return overNumbers ? lines({ title, x, series, ...(limit && { limit }) }) : bars(title, first);
}
