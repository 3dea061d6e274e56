import { Command, Option } from "commander";
import { repeatable } from "./flags/repeatable.ts";
import { teleportFormat } from "./flags/teleport-format.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { GenTokenFlags } from "./gen-token/flags.ts";
import type { Runner } from "./programs/run.ts";

/** @param name the command as it was called, which the examples repeat */
const help = (name: string): string => `
Without --jwks-file the keys come from the cluster that kubectl talks to (--context, --kubeconfig). Names come from the
chart's values (-f, --set), or else are the chart's defaults; the flags here win over both.

The document carries no cluster name: --verify needs it, since it is the audience of tbot's ServiceAccount token.

Examples:
  ${name} -f values.yaml | tctl create -f
  ${name} --context prod -f values.yaml --verify-as istio-system/istiod-7d9f --output token.yaml
  kubectl get --raw /openid/v1/jwks | ${name} --jwks-file -
  ${name} --type oidc --issuer https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE
  tctl get token/istio-tbot-k8s-join --format json | ${name} -f values.yaml --check -
  ${name} --check-key-ids "$KEY_IDS"

Exit codes:
  0   the complete document, and nothing else, is on stdout or in the file; with --check and --check-key-ids: up to date
  1   refused: a flag, a value or the JWKS is wrong, or the token would not let tbot join
  2   kubectl, the cluster or the disk is unavailable
  3   --check or --check-key-ids found differences: stdout has one per line, and names keys by their kid
  70  a bug in istio-teleport; please report it
`;

/** The command `gen-token`: by itself a bin of the package, and a command of `istio-teleport`. */
export function genTokenCommand(runner: Runner): Command {
  const command = new Command("gen-token")
    .description("print the Teleport join token for tbot, with the cluster's keys, for `tctl create -f`")
    .option("--context <name>", "context of the kubeconfig to read the keys with (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig to read the keys with (default: as kubectl)")
    .option("--jwks-file <file>", "read the keys from a saved JWKS, - for stdin, instead of from the cluster")
    .addOption(repeatable("--extra-jwks <file>", "add the keys of this JWKS, for a key rotation"));
  return withValuesFlags(command)
    .option("--cluster-name <name>", "name of the Teleport cluster, for --verify")
    .option("--token-name <name>", "name of the join token")
    .option("--bot-name <name>", "name of the Teleport bot")
    .addOption(repeatable("--service-account <namespace:name>", "ServiceAccount that may join"))
    .addOption(
      new Option("--type <type>", "how Teleport checks the token").choices(["static_jwks", "oidc", "in_cluster"]),
    )
    .option("--issuer <url>", "issuer of the cluster's ServiceAccount tokens, for --type oidc")
    .addOption(teleportFormat())
    .option("--output <file>", "write to this file (mode 0600), - for stdout (default: -)")
    .option("--force", "let --output replace an existing file")
    .option("--verify", "first check a real token of tbot's running pod as Teleport will")
    .option(
      "--verify-as <namespace/pod>",
      "verify with another pod's token: before tbot is installed (implies --verify)",
    )
    .option("--check <file>", "compare a token with the cluster instead of making one; - for stdin")
    .option(
      "--check-key-ids <ids>",
      "the same without the token: compare the IDs (kid) of its keys, separated by commas",
    )
    .addHelpText("after", ({ command: { parent } }) => help(parent === null ? "gen-token" : "istio-teleport gen-token"))
    .action(async (flags: GenTokenFlags) => {
      // Loaded only now, so that --help of the whole toolchain stays fast.
      const { genToken } = await import("./gen-token/run.ts");
      await genToken(runner, flags);
    });
}
