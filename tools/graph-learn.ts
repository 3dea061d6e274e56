import { Command } from "commander";
import { ExitError } from "./base/exit-error.ts";
import { printable } from "./base/printable.ts";
import { repeatable } from "./flags/repeatable.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { GraphLearnFlags } from "./graph/learn/flags.ts";
import type { Runner } from "./programs/run.ts";
import type { ValuesFlags } from "./values/flags.ts";

const HELP = `
Prints the edges that were used, no others, as values: mesh.applications. With -f it uses the names, labels and ports of
the graph in these values and marks with a comment what that graph denies; without, it names workloads by their SPIFFE
IDs, guesses labels, and puts new applications into dry run.

Access logs are those that istio.accessLog switches on (JSON lines; render Istio's values again after setting it). What
the called side's sidecar logged counts. A TCP connection is logged when it ends: what is open all the time is not there.
Istio's metrics name neither port nor method nor path, and a 403 of the application looks like one of a policy.

Examples:
  istio-teleport graph learn -f values.yaml --namespace shop --since 24h > learned.yaml
  kubectl logs -n shop deploy/catalogue -c istio-proxy | istio-teleport graph learn --log -
  istio-teleport graph learn -f values.yaml --prometheus http://localhost:9090 --since 168h

Exit codes:
  0   done
  1   refused: a flag, a value or what was read is wrong, or no call is in it
  2   Helm, the cluster or Prometheus is unavailable
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport graph learn`: what was observed, as values on stdout; what is to be known of it, on stderr. */
export function graphLearnCommand(runner: Runner): Command {
  return withValuesFlags(new Command("learn"))
    .description("who actually calls whom, from access logs or metrics, as values of the graph")
    .addOption(repeatable("--log <file>", "read this access log, - for stdin"))
    .addOption(repeatable("--namespace <name>", "read the access logs of all meshed pods of this namespace"))
    .option("--context <name>", "context of the kubeconfig for --namespace (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig for --namespace (default: as kubectl)")
    .option("--since <time>", "only what is newer: a duration, 24h, or a time, 2026-01-02T15:04:05Z (default: all)")
    .option("--prometheus <url>", "read Istio's metrics from this Prometheus (default of --since here: 24h)")
    .addOption(repeatable("--prometheus-file <file>", "read a saved answer of Prometheus' /api/v1/query"))
    .addOption(
      repeatable("--prometheus-header <header>", "header for Prometheus, `Name: value`, or @file with such lines"),
    )
    .option("--with-methods", "narrow each edge to the HTTP methods that were used", false)
    .option("--with-paths", "narrow each edge to the paths that were used", false)
    .option("--generalize", "with --with-paths: identifiers in paths (numbers, UUIDs) become {*}", false)
    .option("--include-denied", "also what a policy denied, marked", false)
    .addHelpText("after", HELP)
    .action(async (flags: GraphLearnFlags, command: Command) => {
      const above = command.parent?.opts<Partial<ValuesFlags>>();
      if ((above?.values?.length ?? 0) > 0 || (above?.set?.length ?? 0) > 0) {
        throw new ExitError(
          "-f and --set of `graph learn` stand behind learn: istio-teleport graph learn -f values.yaml.",
        );
      }
      const { learn } = await import("./graph/learn/run.ts");
      const { values, notes } = await learn(runner, flags);
      for (const note of notes) process.stderr.write(`${printable(note)}\n`);
      process.stdout.write(values);
    });
}
