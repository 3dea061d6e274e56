import { Command, Option } from "commander";
import { ExitError } from "./base/exit-error.ts";
import { printable } from "./base/printable.ts";
import { repeatable } from "./flags/repeatable.ts";
import { teleportFormat } from "./flags/teleport-format.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import { accessOf, type ClusterAccess } from "./programs/kubectl.ts";
import type { Runner } from "./programs/run.ts";
import type { DocumentForm } from "./teleport/document-form.ts";
import type { ValuesFlags } from "./values/flags.ts";
import type { Values } from "./values/types.ts";

/** `istio-teleport render teleport|istio|manifests|values`: documents on stdout, built from chart values, checked first. */
export function renderCommand(runner: Runner): Command {
  const command = new Command("render").description(
    "print what Teleport, Istio and Kubernetes need, from chart values",
  );
  command.addCommand(teleportCommand(runner));
  command.addCommand(istioCommand(runner));
  command.addCommand(manifestsCommand(runner));
  command.addCommand(valuesCommand(runner));
  return command;
}

interface TeleportFlags extends ValuesFlags {
  format: DocumentForm;
  withToken: boolean;
  jwksFile?: string;
  context?: string;
  kubeconfig?: string;
}

function teleportCommand(runner: Runner): Command {
  return withValuesFlags(new Command("teleport"))
    .description("print the role, bot and workload identity for Teleport, optionally with the join token")
    .addOption(teleportFormat())
    .option("--with-token", "also print the join token; gen-token has more flags for it", false)
    .option("--jwks-file <file>", "the join token's keys, a saved JWKS (default: read from the cluster)")
    .option("--context <name>", "context of the kubeconfig to read the keys with (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig to read the keys with (default: as kubectl)")
    .addHelpText(
      "after",
      `
Examples:
  istio-teleport render teleport -f values.yaml | tctl create -f
  istio-teleport render teleport -f values.yaml --format operator | kubectl apply -n teleport -f -
  istio-teleport render teleport -f values.yaml --format terraform > teleport.tf
  istio-teleport render teleport -f values.yaml --with-token --jwks-file jwks.json | tctl create -f`,
    )
    .action(async ({ withToken, jwksFile, context, kubeconfig, format, ...flags }: TeleportFlags) => {
      const cluster = context !== undefined ? "--context" : kubeconfig !== undefined ? "--kubeconfig" : undefined;
      const idle = jwksFile !== undefined ? "--jwks-file" : cluster;
      if (idle !== undefined && !withToken) {
        throw new ExitError(`${idle} is for the join token's keys: add --with-token or leave it out.`);
      }
      if (jwksFile !== undefined && cluster !== undefined) {
        throw new ExitError(`--jwks-file and ${cluster} both say where the keys come from; give one of them.`);
      }
      if (jwksFile === "-" && flags.values.includes("-")) {
        throw new ExitError(
          "-f - and --jwks-file - both read stdin, which can be read only once; put one into a file.",
        );
      }
      const { loadValues } = await import("./values/load.ts");
      const { joinDocuments } = await import("./teleport/document-form.ts");
      const { teleportDocuments } = await import("./teleport/documents.ts");
      const values = await loadValues(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
      const documents = teleportDocuments(values, format).map(({ text }) => text);
      if (withToken) {
        const source = { ...(jwksFile !== undefined && { jwksFile }), ...accessOf(runner, { context, kubeconfig }) };
        documents.push(await joinTokenText(values, source, format));
      }
      process.stdout.write(joinDocuments(documents, format));
    });
}

async function joinTokenText(
  values: Values,
  source: ClusterAccess & { jwksFile?: string },
  format: DocumentForm,
): Promise<string> {
  const { joinToken, tokenDocument } = await import("./teleport/join/join-token.ts");
  const { readKeys } = await import("./gen-token/keys.ts");
  const isStatic = values.global.teleport.join.type === "static_jwks";
  if (!isStatic && Object.keys(source).length > 1) {
    throw new ExitError(
      `The join token of type ${values.global.teleport.join.type} holds no keys: leave out --jwks-file, --context and --kubeconfig.`,
    );
  }
  const { keys, leftOut } = isStatic ? await readKeys({ ...source, extraJwks: [] }) : { keys: [], leftOut: [] };
  for (const sentence of leftOut) process.stderr.write(`Warning: ${printable(sentence)}\n`);
  return tokenDocument(joinToken(values, keys), format);
}

interface IstioFlags extends ValuesFlags {
  as: "helm" | "istioctl";
  gateway: boolean;
}

function istioCommand(runner: Runner): Command {
  return withValuesFlags(new Command("istio"))
    .description("print values for Istio's own charts: trust domain, injection template, certificate life")
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
  istio-teleport render istio -f values.yaml > istiod-values.yaml &&
    helm upgrade --install istiod istio/istiod -n istio-system -f istiod-values.yaml --wait
  istio-teleport render istio -f values.yaml --as istioctl > operator.yaml && istioctl install -f operator.yaml
  istio-teleport render istio -f values.yaml --gateway > gateway-values.yaml &&
    helm upgrade --install ingress istio/gateway -n ingress -f gateway-values.yaml

Don't pipe this into Helm. If \`render\` fails, Helm installs istiod with no values, and none of the protections apply.`,
    )
    .action(async (flags: IstioFlags) => {
      if (flags.gateway && flags.as === "istioctl") {
        throw new ExitError(
          "--gateway prints values for the chart istio/gateway, which istioctl does not read: leave out --as istioctl and install gateways with helm.",
        );
      }
      const inputs = await checkedInputs(runner, flags);
      const { asIstioOperator, istioValues } = await import("./chart/istio-values.ts");
      const values = await istioValues(runner, inputs, flags.gateway ? "gateway" : "istiod");
      process.stdout.write(flags.as === "istioctl" ? asIstioOperator(values) : values);
    });
}

interface ManifestsFlags extends ValuesFlags {
  namespace?: string;
  release: string;
  kubeVersion?: string;
}

function manifestsCommand(runner: Runner): Command {
  return withValuesFlags(new Command("manifests"))
    .description("print the whole chart as `helm template` does, for review and GitOps")
    .option("-n, --namespace <name>", "namespace of the release (default: tbot.namespace.name)")
    .option("--release <name>", "name of the release", "istio-teleport")
    .option("--kube-version <version>", "Kubernetes version to render for, as helm's flag (default: 1.33.0)")
    .addHelpText("after", "\nExample:\n  istio-teleport render manifests -f values.yaml > manifests.yaml")
    .action(async ({ namespace, release, kubeVersion, ...flags }: ManifestsFlags) => {
      const inputs = await readInputs(runner, flags);
      const { mergedValues } = await import("./values/load.ts");
      const { renderManifests } = await import("./chart/manifests.ts");
      const request = { inputs, release, ...(namespace && { namespace }), ...(kubeVersion && { kubeVersion }) };
      process.stdout.write(await renderManifests(runner, request, await mergedValues(runner, inputs)));
    });
}

interface PartFlags extends ValuesFlags {
  only: string[];
  without: string[];
}

function valuesCommand(runner: Runner): Command {
  return withValuesFlags(new Command("values"))
    .description(
      "print values for a release that holds a part of the mesh: some applications' policies, or all but those",
    )
    .addOption(repeatable("--only <application>", "only the policies of this application, and nothing else"))
    .addOption(repeatable("--without <application>", "everything but the policies of this application"))
    .addHelpText(
      "after",
      `
Helm keeps a release in a Secret of 1 MiB, which a graph of many services outgrows. Give such applications releases of
their own. Callers of other releases are named by their identity, so the policies stay the same.

Examples:
  istio-teleport render values --only shop -f values.yaml > shop-values.yaml &&
    helm upgrade --install shop-policies CHART -n teleport-system -f shop-values.yaml
  istio-teleport render values --without shop -f values.yaml > rest-values.yaml &&
    istio-teleport install -f rest-values.yaml`,
    )
    .action(async ({ only, without, ...flags }: PartFlags) => {
      if ((only.length === 0) === (without.length === 0)) {
        throw new ExitError("Name applications with --only, or with --without: one of the two, repeated as needed.");
      }
      const { loadGraphValues } = await import("./values/load.ts");
      const { partText } = await import("./values/parts.ts");
      const values = await loadGraphValues(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
      process.stdout.write(await partText(runner, values, { only, without }));
    });
}

async function readInputs(runner: Runner, flags: ValuesFlags) {
  const { readValuesInputs } = await import("./values/inputs.ts");
  return readValuesInputs(runner, { files: flags.values, sets: flags.set, key: flags.valuesKey });
}

async function checkedInputs(runner: Runner, flags: ValuesFlags) {
  const inputs = await readInputs(runner, flags);
  const { mergedValues } = await import("./values/load.ts");
  await mergedValues(runner, inputs);
  return inputs;
}
