import { Command } from "commander";
import { ExitError } from "./base/exit-error.ts";
import { accessOf, type ClusterAccess } from "./programs/kubectl.ts";
import type { Runner } from "./programs/run.ts";

interface DemoFlags {
  context?: string;
  kubeconfig?: string;
  output: string;
}

/** Teleport cluster of the demo; `.sh` and the form of the name are those of Teleport's own examples. */
const CLUSTER_NAME = "example.teleport.sh";

/** `istio-teleport demo`: everything rendered and checked, without a cluster or with the keys of one. */
export function demoCommand(runner: Runner): Command {
  return new Command("demo")
    .description("render everything for an example cluster in memory, check it, and show what would join")
    .option("--context <name>", "take the keys of a running cluster, through your kubectl; read-only")
    .option("--kubeconfig <file>", "take the keys of the cluster of this kubeconfig")
    .option("-o, --output <directory>", "directory to write; replaced if a demo made it", "out")
    .addHelpText("after", "\nExample:\n  istio-teleport demo\n  istio-teleport demo --context kind-kind --output out")
    .action(async ({ output, ...choice }: DemoFlags) => {
      if (output === "-") {
        throw new ExitError("--output is -, and the demo writes many files: name a directory.");
      }
      const [{ replaceDirectory }, { proveJoin }, { renderAll, TOKEN_PATH }, { summary }] = await Promise.all([
        import("./demo/output-directory.ts"),
        import("./demo/join-proof.ts"),
        import("./demo/render-all.ts"),
        import("./demo/summary.ts"),
      ]);
      const cluster = await demoCluster(accessOf(runner, choice));
      const files = await renderAll(runner, cluster, CLUSTER_NAME);
      const token = files.find(({ path }) => path === TOKEN_PATH)?.content ?? "";
      const proofs = await proveJoin(cluster, token, CLUSTER_NAME);
      await replaceDirectory(output, files);
      process.stdout.write(summary(cluster, output, files, proofs));
    });
}

async function demoCluster(access: ClusterAccess) {
  if (access.context !== undefined || access.kubeconfig !== undefined) {
    return (await import("./demo/live-cluster.ts")).liveCluster(access);
  }
  const [{ exampleCluster }, { DEFAULTS }] = await Promise.all([
    import("./demo/example-cluster.ts"),
    import("./values/defaults.ts"),
  ]);
  const { tbot } = DEFAULTS;
  return exampleCluster({ namespace: tbot.namespace.name, serviceAccount: tbot.serviceAccount.name });
}
