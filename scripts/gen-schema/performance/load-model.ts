import { figure, type Result } from "../../../tests/bench/support/result.ts";

/** What the page reckons with: each node has a tbot, each pod a sidecar. */
const NODES = 1000;
const PODS = 50;

/** What a mesh sets, minutes. */
const CHOICES = [
  { what: "defaults", renewal: 10 },
  { what: "`tbot.renewalInterval: 20m`", renewal: 20 },
  { what: "`tbot.credentialTTL: 6h`, `tbot.renewalInterval: 1h`", renewal: 60 },
] as const;

/** Minutes between two joins of a tbot: its own default, which the chart leaves alone. */
const BOT_RENEWAL = 20;

/**
 * What a large mesh puts on Teleport in an hour, by the constants of `bench:load`: a Markdown table, and the peaks.
 *
 * @param constants the saved result; without it there is nothing to reckon with
 */
export function loadModel(constants: Result | undefined): string {
  if (constants === undefined) return "The constants are not measured yet.\n";
  const of = (series: string, x: string): number => {
    const point = constants.series.find(({ name }) => name === series)?.points.find((each) => each.x === x);
    if (point === undefined) throw new Error(`teleport-load.json has no "${x}" in the series "${series}"`);
    return point.value;
  };
  const joins = (NODES * of("amount", "joins of a tbot in one renewal interval of its own") * 60) / BOT_RENEWAL;
  const working =
    (NODES * of("amount", "working credentials of a tbot in one renewal interval of its own") * 60) / BOT_RENEWAL;
  const atRenewal = of("amount", "SVIDs of a sidecar in one renewal interval");
  const atStart = of("amount", "SVIDs of a sidecar at its start");
  const svidBytes = of("bytes", "an SVID");
  const eventBytes = of("bytes", "an SVID's audit event");
  const svidCpu = of("CPU of what plays Teleport", "an SVID");
  const rows = CHOICES.map(({ what, renewal }) => {
    const svids = (NODES * PODS * atRenewal * 60) / renewal;
    return [
      what,
      figure(joins),
      figure(working),
      figure(svids),
      figure(svids / 3600),
      figure((svids * svidBytes) / 1e9),
      figure((svids * eventBytes) / 1e9),
      figure((svids * svidCpu) / 1000 / 3600),
    ];
  });
  const head = [
    "set",
    "joins an hour",
    "working credentials an hour",
    "SVIDs an hour",
    "SVIDs a second",
    "traffic, GB an hour",
    "audit log, GB an hour",
    "cores of what plays Teleport",
  ];
  const table = [head, head.map((_, column) => (column === 0 ? "---" : "--:")), ...rows];
  const storm = NODES * PODS * atStart;
  return `${table.map((cells) => `| ${cells.join(" | ")} |\n`).join("")}
- A sidecar gets ${figure(atStart)} SVIDs when it starts, and ${figure(atRenewal)} in each renewal interval. All ${figure(NODES * PODS)} at once, after Teleport or its network was away or after all tbots restarted, are ${figure(storm)} SVIDs: ${figure(storm / 60)} a second if they are to be there within a minute, and ${figure((storm * svidCpu) / 1000)} CPU seconds of what plays Teleport.
- A node pool of 100 nodes that restarts asks for 100 joins and ${figure(100 * PODS * atStart)} SVIDs.
- Streams open at Teleport: ${figure(NODES * of("amount", "connections of a tbot to Teleport"))}, ${figure(of("amount", "connections of a tbot to Teleport"))} a tbot. Sidecars have theirs to the tbot of their node, ${figure(of("amount", "streams of a sidecar to tbot"))} each.
`;
}
