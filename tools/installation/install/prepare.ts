import { page } from "../../base/documentation.ts";
import { ExitError } from "../../base/exit-error.ts";
import { istioValues } from "../../chart/istio-values.ts";
import { renderManifests } from "../../chart/manifests.ts";
import { CHART_RELEASE } from "../../chart/releases.ts";
import { readKeys } from "../../gen-token/keys.ts";
import { warnings } from "../../gen-token/warnings.ts";
import type { Assignment } from "../../programs/assignments.ts";
import { chosenCluster } from "../../programs/chosen-cluster.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { accessOf } from "../../programs/kubectl.ts";
import type { Runner } from "../../programs/run.ts";
import { type JoinToken, joinToken } from "../../teleport/join/join-token.ts";
import type { PublicJwk } from "../../teleport/join/jwks.ts";
import { readValuesInputs } from "../../values/inputs.ts";
import { mergedValues } from "../../values/load.ts";
import type { Values } from "../../values/types.ts";
import { type ChartSettings, chartStep } from "./chart-step.ts";
import type { InstallFlags } from "./flags.ts";
import { type IstioSettings, istioBaseStep, istiodStep } from "./istio-steps.ts";
import type { Step } from "./plan.ts";
import { teleportStep } from "./teleport-step.ts";

/** Istio's own chart repository: https://istio.io/latest/docs/setup/install/helm/. */
const ISTIO_REPO = "https://istio-release.storage.googleapis.com/charts";

/** Everything that is to be installed, rendered and checked, and where it goes. */
export interface Prepared {
  /** For people: where it all goes. */
  cluster: string;
  access: ClusterAccess;
  values: Values;
  /** The join token with this cluster's keys. */
  token: JoinToken;
  /** Undefined: Istio is managed elsewhere. */
  istio: IstioSettings | undefined;
  chart: ChartSettings;
  /** What will go wrong later, one sentence each. */
  warnings: string[];
}

/**
 * Renders all documents from the values; of the cluster only the keys are read.
 *
 * @throws ExitError refused for a wrong flag or value; unavailable when Helm or the cluster does not answer
 */
export async function prepare(runner: Runner, flags: InstallFlags): Promise<Prepared> {
  refuseFlagsWithoutEffect(flags);
  const given = await readValuesInputs(runner, { files: flags.values, sets: flags.set });
  const further = await readValuesInputs(runner, { files: flags.istiodValues });
  const values = await mergedValues(runner, given);
  const { access, described } = await chosenCluster(accessOf(runner, flags));
  const { join } = values.global.teleport;
  const source = join.type === "static_jwks" ? await readKeys({ ...access, extraJwks: [] }) : undefined;
  const inputs = { ...given, sets: [...given.sets, ...keyIdsFor(values, source?.keys ?? [])] };
  const manifests = await renderManifests(
    runner,
    { inputs, release: CHART_RELEASE, namespace: values.tbot.namespace.name },
    values,
  );
  const istio = flags.skipIstio
    ? undefined
    : {
        namespace: values.mesh.rootNamespace,
        repo: flags.istioRepo ?? ISTIO_REPO,
        version: flags.istioVersion,
        values: await istioValues(runner, inputs, "istiod"),
        furtherValues: further.files,
        timeoutSeconds: flags.timeout,
      };
  return {
    cluster: described,
    access,
    values,
    token: joinToken(values, source?.keys ?? []),
    istio,
    chart: {
      values,
      files: flags.values,
      sets: inputs.sets,
      stdin: inputs.files[flags.values.indexOf("-")]?.text,
      manifests,
      timeoutSeconds: flags.timeout,
    },
    warnings: [...(source?.leftOut ?? []), ...warnings(join, source?.cluster)],
  };
}

/** The IDs of the keys in the join token for the checks in the cluster, unless the values list them. */
function keyIdsFor({ watch }: Values, keys: readonly PublicJwk[]): Assignment[] {
  if (!watch.enabled || watch.keyIds.length > 0 || keys.length === 0) return [];
  return [{ flag: "--set-json", text: `watch.keyIds=${JSON.stringify(keys.map(({ kid }) => kid))}` }];
}

/** The steps of docs/start/installation.md that change something, in its order. */
export function installationSteps({ access, values, token, istio, chart }: Prepared): Step[] {
  return [
    ...(istio === undefined ? [] : [istioBaseStep(istio, access), istiodStep(istio, access)]),
    teleportStep(access.runner, values, token),
    chartStep(chart, access),
  ];
}

function refuseFlagsWithoutEffect(flags: InstallFlags): void {
  if (flags.yes && flags.dryRun) {
    throw new ExitError("--yes and --dry-run contradict each other; leave out one of them.");
  }
  if (flags.valuesKey !== undefined) {
    throw new ExitError(
      `--values-key is for values of a parent chart, and install makes a release of this chart alone: install the parent with Helm (${page("docs/start/installation.md")}).`,
    );
  }
  const idle =
    (flags.istioRepo !== undefined ? "--istio-repo" : undefined) ??
    (flags.istioVersion !== undefined ? "--istio-version" : undefined) ??
    (flags.istiodValues.length > 0 ? "--istiod-values" : undefined);
  if (flags.skipIstio && idle !== undefined) {
    throw new ExitError(`${idle} is about Istio's installation, which --skip-istio leaves out; leave out one of them.`);
  }
  if (flags.istioRepo !== undefined && !/^(https?|oci):\/\//.test(flags.istioRepo)) {
    throw new ExitError(
      `--istio-repo is ${JSON.stringify(flags.istioRepo)}; give the URL of a chart repository, https://… or oci://….`,
    );
  }
  if (flags.istiodValues.includes("-")) {
    throw new ExitError(
      "--istiod-values cannot be -, since Helm reads our values for istiod from stdin; put yours into a file.",
    );
  }
}
