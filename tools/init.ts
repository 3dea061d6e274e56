import { Command } from "commander";

interface InitFlags {
  clusterName: string;
  proxyAddr: string;
  output: string;
  force: boolean;
}

/** `istio-teleport init`: the smallest values file, checked before it is written. */
export function initCommand(): Command {
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
      const text = await smallestValues(clusterName, proxyAddr);
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
  return `Wrote ${file}. Next:
  npx istio-teleport doctor --pre -f ${file}     # checks the cluster and Teleport, changes nothing
  npx istio-teleport install -f ${file}
Or run each step by hand: docs/start/installation.md.
`;
}
