import { Command, Option } from "commander";
import { ExitError } from "./lib/exit-error.ts";
import { type ValuesFlags, withValuesFlags } from "./lib/values-flags.ts";

/** `istio-teleport render teleport|istio|manifests`: documents on stdout, built from chart values, checked first. */
export function renderCommand(): Command {
  const command = new Command("render").description(
    "print what Teleport, Istio and Kubernetes need, from chart values",
  );
  command.addCommand(teleportCommand());
  command.addCommand(istioCommand());
  command.addCommand(manifestsCommand());
  return command;
}

function teleportCommand(): Command {
  return withValuesFlags(new Command("teleport"))
    .description("role, bot and workload identity for `tctl create -f`; the join token is gen-token's")
    .addHelpText("after", "\nExample:\n  istio-teleport render teleport -f values.yaml | tctl create -f")
    .action(async (flags: ValuesFlags) => {
      const { loadValues } = await import("./lib/values.ts");
      const { teleportDocuments } = await import("./lib/teleport-documents.ts");
      const documents = teleportDocuments(await loadValues({ files: flags.values, sets: flags.set }));
      process.stdout.write(documents.map(({ yaml }) => yaml).join("---\n"));
    });
}

interface IstioFlags extends ValuesFlags {
  as: "helm" | "istioctl";
  gateway: boolean;
}

function istioCommand(): Command {
  return withValuesFlags(new Command("istio"))
    .description("values for Istio's own charts: trust domain, injection template, certificate life")
    .addOption(
      new Option("--as <tool>", "values for `helm install`, or an IstioOperator for `istioctl install`")
        .choices(["helm", "istioctl"])
        .default("helm"),
    )
    .option("--gateway", "values for the chart istio/gateway instead of istio/istiod", false)
    .addHelpText(
      "after",
      `
Examples:
  istio-teleport render istio -f values.yaml | helm upgrade --install istiod istio/istiod -n istio-system -f - --wait
  istio-teleport render istio -f values.yaml --as istioctl > operator.yaml && istioctl install -f operator.yaml
  istio-teleport render istio -f values.yaml --gateway | helm upgrade --install ingress istio/gateway -n ingress -f -`,
    )
    .action(async (flags: IstioFlags) => {
      if (flags.gateway && flags.as === "istioctl") {
        throw new ExitError(
          "--gateway prints values for the chart istio/gateway, which istioctl does not read: leave out --as istioctl and install gateways with helm.",
        );
      }
      const inputs = await checkedInputs(flags);
      const { asIstioOperator, istioValues } = await import("./lib/istio-values.ts");
      const values = await istioValues(inputs, flags.gateway ? "gateway" : "istiod");
      process.stdout.write(flags.as === "istioctl" ? asIstioOperator(values) : values);
    });
}

interface ManifestsFlags extends ValuesFlags {
  namespace?: string;
  release: string;
  kubeVersion?: string;
}

function manifestsCommand(): Command {
  return withValuesFlags(new Command("manifests"))
    .description("the whole chart as `helm template` prints it, for review and GitOps")
    .option("-n, --namespace <name>", "namespace of the release (default: tbot.namespace.name)")
    .option("--release <name>", "name of the release", "istio-teleport")
    .option("--kube-version <version>", "Kubernetes version to render for, as helm's flag (default: 1.33.0)")
    .addHelpText("after", "\nExample:\n  istio-teleport render manifests -f values.yaml > manifests.yaml")
    .action(async ({ namespace, release, kubeVersion, ...flags }: ManifestsFlags) => {
      const inputs = await readInputs(flags);
      const { mergedValues } = await import("./lib/values.ts");
      const { renderManifests } = await import("./lib/manifests.ts");
      const request = { inputs, release, ...(namespace && { namespace }), ...(kubeVersion && { kubeVersion }) };
      process.stdout.write(await renderManifests(request, await mergedValues(inputs)));
    });
}

async function readInputs(flags: ValuesFlags) {
  const { readValuesInputs } = await import("./lib/values-inputs.ts");
  return readValuesInputs({ files: flags.values, sets: flags.set });
}

async function checkedInputs(flags: ValuesFlags) {
  const inputs = await readInputs(flags);
  const { mergedValues } = await import("./lib/values.ts");
  await mergedValues(inputs);
  return inputs;
}
