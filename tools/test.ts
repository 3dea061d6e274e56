import { Command, InvalidArgumentError, Option } from "commander";
import type { TestFlags } from "./conformance/flags.ts";
import { withClusterFlags } from "./flags/cluster-flags.ts";
import type { Runner } from "./programs/run.ts";

const HELP = `
Makes a namespace of its own, starts three services and their clients in it, and shows each promise of the chart by what
really happens: who is answered, who is refused, whose certificate is on the wire. Pods that admission must refuse are tried
as a dry run. Needs kubectl and your own rights only, and names the permissions that are missing before it makes anything.

It takes the namespace away at the end, after a failure and after Ctrl-C, too, and changes nothing else. Should a run be
killed, \`kubectl get namespaces -l app.kubernetes.io/name=istio-teleport-test\` finds what is left.

Scenarios:
  workloads-start              workloads get their certificates and start
  own-identity                 each certificate on the wire is Teleport's, and names its own workload
  allowed-200                  a caller that the policy names gets an answer
  other-403                    a caller that the policy does not name is refused
  plaintext-refused            a caller without a sidecar is refused
  policy-matrix                of all pairs of three services those call each other whom the policies name
  every-node                   a workload on each node gets its own certificate and an answer
  gateway-identity             each gateway's certificate is Teleport's and names the gateway
  opt-out-refused              a pod that opts out of the chart's injection template is refused
  writable-mount-refused       a pod that mounts the socket directory writable is refused
  ephemeral-container-refused  an ephemeral container with such a mount is refused
  renewal                      certificates are replaced over the open stream while requests run (--renewal)

Examples:
  istio-teleport test
  istio-teleport test --context prod --nodes all --renewal --format json > test.json
  istio-teleport test --image registry.example.com/curl:8 --server-image registry.example.com/go-httpbin:2 \\
    --image-pull-secret shop/registry

Exit codes:
  0   every promise was shown
  1   a promise is broken; or a flag is wrong, or the admission policy is off
  2   no promise is broken, and something could not be shown; or a permission is missing, or the cluster does not answer
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport test`: the chart's promises shown on a live cluster. */
export function testCommand(runner: Runner): Command {
  return withClusterFlags(new Command("test"))
    .description("show on a live cluster that the promises of the chart hold; takes away what it made")
    .option("--image <image>", "image of the clients, with `sleep` and `curl` 7.84 or later (default: the test app's)")
    .option("--server-image <image>", "image of the servers, a go-httpbin on port 8080 (default: the test app's)")
    .addOption(
      new Option(
        "--image-pull-secret <namespace/name>",
        "Secret with registry credentials, copied into the namespace of the run",
      ).argParser(secretName),
    )
    .addOption(
      new Option("--nodes <all|number>", "on how many nodes to start a client, of those that take pods")
        .argParser(nodes)
        .default(3, "3"),
    )
    .option("--renewal", "also wait for a certificate's replacement: for a third of its life at most", false)
    .option("--without-admission", "run where the admission policy is off, too, without what it refuses", false)
    .option("--keep", "leave the namespace with its pods", false)
    .addOption(
      new Option("--format <format>", "form of the report").choices(["table", "json", "junit"]).default("table"),
    )
    .addHelpText("after", HELP)
    .action(
      async ({ format, ...others }: Omit<TestFlags, "output"> & { format: TestFlags["output"] }, command: Command) => {
        const { conformance } = await import("./conformance/run.ts");
        await conformance(runner, { ...others, output: format }, command.parent?.version() ?? "");
      },
    );
}

function nodes(text: string): number {
  if (text === "all") return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("Give `all`, or a number from 1, such as 3.");
  return Number(text);
}

/** A name as Kubernetes takes it for a namespace or a Secret: it becomes part of a path. */
const NAME = "[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?";

function secretName(text: string): TestFlags["imagePullSecret"] {
  const [, namespace, name] = new RegExp(`^(${NAME})/(${NAME})$`).exec(text) ?? [];
  if (namespace === undefined || name === undefined) {
    throw new InvalidArgumentError("Give namespace/name of a Secret, such as shop/registry.");
  }
  return { namespace, name };
}
