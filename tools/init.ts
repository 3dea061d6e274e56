import { Command } from "commander";
import { ExitError } from "./base/exit-error.ts";

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
      const mended = hostAndPort(proxyAddr);
      if (mended !== proxyAddr) {
        const sentence = `--proxy-addr is ${JSON.stringify(proxyAddr)}; give the host and the port of the Teleport Proxy Service, without a scheme: --proxy-addr ${mended}.`;
        // What is wrong with the other flag is told at once.
        const others = await smallestValues(clusterName, mended).then(
          () => [],
          (error: Error) => [error.message],
        );
        throw new ExitError([...others, sentence].join("\n"));
      }
      const text = await smallestValues(clusterName, proxyAddr);
      const { isStdout, writeOutput } = await import("./terminal/write-file.ts");
      await writeOutput(output, text, { force });
      if (!isStdout(output)) process.stderr.write(nextCommands(output));
    });
}

/** What people paste in place of host:port, a URL or a bare host, as host:port; anything else as it is. */
function hostAndPort(address: string): string {
  const [, scheme, host, port] =
    /^(?:([a-z]+):\/\/)?([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d+))?(?:\/.*)?$/i.exec(address) ?? [];
  if (host === undefined) return address;
  return `${host}:${port ?? (scheme?.toLowerCase() === "http" ? 80 : 443)}`;
}

function nextCommands(file: string): string {
  return `Wrote ${file}. Next:
  npx istio-teleport doctor --pre -f ${file}     # checks the cluster and Teleport, changes nothing
  npx istio-teleport install -f ${file}
Or run each step by hand: docs/start/installation.md.
`;
}
