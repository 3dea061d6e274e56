import { Command } from "commander";
import { page } from "./base/documentation.ts";
import { repeatable } from "./flags/repeatable.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { Runner } from "./programs/run.ts";
import type { WatchFlags } from "./watch/flags.ts";

const HELP = `
One look and an exit code, for a CronJob in the cluster: the chart's value watch.enabled makes one
(${page("docs/operate/checks-in-the-cluster.md")}). It needs no tctl: --key-ids names the join token's keys.

Examples:
  istio-teleport watch --key-ids "$(kubectl get --raw /openid/v1/jwks | jq -r '[.keys[].kid] | join(",")')"
  istio-teleport watch --key-ids a,b --event-on teleport-system/istio-teleport-watch --wait 1m

Exit codes:
  0   fine; there may be warnings
  1   there are problems, or a flag or an input is wrong
  2   no problem was found, and something could not be checked or recorded; or the cluster does not answer
  70  a bug in istio-teleport; please report it
`;

/** `istio-teleport watch`: doctor's checks and the cluster's keys, once, with the result as a Kubernetes Event. */
export function watchCommand(runner: Runner): Command {
  return withValuesFlags(new Command("watch"))
    .description("run doctor's checks once from within the cluster, and record the result as a Kubernetes Event")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: as kubectl)")
    .option("--key-ids <ids>", "IDs (kid) of the keys in the join token, separated by commas, for the check token-keys")
    .option("--event-on <namespace/name>", "CronJob on which to record the result as an Event (default: none)")
    .addOption(
      repeatable("-n, --namespace <name>", "check the workloads of this namespace only").default([], "all namespaces"),
    )
    .option("--wait <duration>", "look again until everything is fine, at most for this time: 90s, 5m")
    .option("--teleport-version <version>", "the Teleport cluster's version (default: asked at its proxy)")
    .addHelpText("after", HELP)
    .action(async (flags: WatchFlags) => {
      await (await import("./watch/run.ts")).watch(runner, flags);
    });
}
