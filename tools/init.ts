import { Command } from "commander";
import type { Runner } from "./programs/run.ts";

interface InitFlags {
  clusterName: string;
  proxyAddr: string;
  output: string;
  force: boolean;
}

/** `istio-teleport init`: the smallest values file, checked before it is written. */
export function initCommand(runner: Runner): Command {
  return new Command("init")
    .description("write the smallest values file")
    .requiredOption("--cluster-name <name>", "name of your Teleport cluster, as `tctl status` prints it")
    .requiredOption("--proxy-addr <host:port>", "address of the Teleport Proxy Service, without a scheme")
    .option("-o, --output <file>", "file to write, - for stdout", "values.yaml")
    .option("--force", "replace an existing file", false)
    .addHelpText(
      "after",
      "\nExample:\n  istio-teleport init --cluster-name example.teleport.sh --proxy-addr example.teleport.sh:443",
    )
    .action(async ({ clusterName, proxyAddr, output, force }: InitFlags) => {
      const { smallestValues } = await import("./values/smallest.ts");
      const text = await smallestValues(runner, clusterName, proxyAddr);
      if (output === "-") {
        process.stdout.write(text);
        return;
      }
      const { writeNewFile } = await import("./terminal/write-file.ts");
      await writeNewFile(output, text, { force });
      process.stderr.write(nextCommands(output));
    });
}

function nextCommands(file: string): string {
  return `Wrote ${file}. Next (docs/start/installation.md has every step):
  helm upgrade --install istio-base istio/base -n istio-system --create-namespace
  npx istio-teleport render istio -f ${file} > istiod-values.yaml &&
    helm upgrade --install istiod istio/istiod -n istio-system -f istiod-values.yaml --wait
  npx istio-teleport render teleport -f ${file} | tctl create -f
  npx istio-teleport gen-token -f ${file} | tctl create -f
`;
}
