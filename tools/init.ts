import { Command } from "commander";
import { page } from "./base/documentation.ts";
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
      const name = hostOfUrl(clusterName) ?? clusterName;
      const mended = hostAndPort(proxyAddr);
      const sentences: string[] = [];
      if (name !== clusterName) {
        sentences.push(
          `--cluster-name is ${JSON.stringify(clusterName)}; give the name alone, as \`tctl status\` prints it: --cluster-name ${name}.`,
        );
      }
      if (mended !== proxyAddr) {
        sentences.push(
          `--proxy-addr is ${JSON.stringify(proxyAddr)}; give the host and the port of the Teleport Proxy Service, without a scheme: --proxy-addr ${mended}.`,
        );
      }
      if (sentences.length > 0) {
        // What is wrong with the other flag is told at once.
        const others = await smallestValues(name, mended).then(
          () => [],
          (error: Error) => [error.message],
        );
        throw new ExitError([...others, ...sentences].join("\n"));
      }
      const text = await smallestValues(clusterName, proxyAddr);
      const { isStdout, writeOutput } = await import("./terminal/write-file.ts");
      await writeOutput(output, text, { force });
      if (!isStdout(output)) process.stderr.write(nextCommands(output));
    });
}

/** The host in a URL or in host:port, which people paste in place of the cluster's name; undefined for anything else. */
function hostOfUrl(name: string): string | undefined {
  const [, scheme, host, port] = /^([a-z]+:\/\/)?([a-z0-9.-]+)(:\d+)?\/*$/.exec(name) ?? [];
  return scheme === undefined && port === undefined ? undefined : host;
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
Or run each step by hand: ${page("docs/start/installation.md")}
`;
}
