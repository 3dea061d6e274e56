import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { isRecord } from "../../base/json-value.ts";
import { ISTIO_RELEASES } from "../../chart/releases.ts";
import { helmCommand } from "../../programs/cluster-commands.ts";
import type { ValuesInputs } from "../../programs/helm.ts";
import { type Release, releaseValues } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { lookAtRelease } from "./helm-step.ts";
import { prepareNamespace } from "./namespace.ts";
import type { Step, Todo } from "./plan.ts";

/** How Istio is to be installed. */
export interface IstioSettings {
  namespace: string;
  /** Chart repository: https://… or oci://…. */
  repo: string;
  /** Undefined: that of what is installed, or else the repository's newest. */
  version: string | undefined;
  /** What `render istio` prints. */
  values: string;
  /** Further values files of the user for istiod; they win. */
  furtherValues: ValuesInputs["files"];
  timeoutSeconds: number;
}

/** Istio's CRDs, the first step. */
export function istioBaseStep(istio: IstioSettings, access: ClusterAccess): Step {
  const wanted = {
    name: ISTIO_RELEASES.base,
    namespace: istio.namespace,
    differs: async (release: Release) => versionDifference(istio, release),
    before: () => prepareNamespace(access, istio.namespace, {}),
    install: (release: Release | undefined, all: readonly Release[]) =>
      upgrade(istio, access, { name: ISTIO_RELEASES.base, chart: "base", version: versionOf(istio, release, all) }),
  };
  return { title: "Istio's CRDs", look: () => lookAtRelease(wanted, access, istio.timeoutSeconds) };
}

/** istiod with our values, the second step. */
export function istiodStep(istio: IstioSettings, access: ClusterAccess): Step {
  const wanted = {
    name: ISTIO_RELEASES.istiod,
    namespace: istio.namespace,
    differs: async (release: Release) => {
      const same = isDeepStrictEqual(await releaseValues(access, release), mergedIstiodValues(istio));
      return versionDifference(istio, release) ?? (same ? undefined : "its values differ");
    },
    before: async () => [],
    install: (release: Release | undefined, all: readonly Release[]) =>
      upgrade(
        istio,
        access,
        { name: ISTIO_RELEASES.istiod, chart: "istiod", version: versionOf(istio, release, all) },
        istio,
      ),
  };
  return { title: "istiod", look: () => lookAtRelease(wanted, access, istio.timeoutSeconds) };
}

function versionDifference({ version }: IstioSettings, release: Release): string | undefined {
  return version === undefined || version === release.version ? undefined : `it is ${release.version}, not ${version}`;
}

/** An Istio that is there never changes its version unasked, and both charts have the same one. */
function versionOf(
  { namespace, version }: IstioSettings,
  release: Release | undefined,
  all: readonly Release[],
): string | undefined {
  const own = release?.version;
  const names: readonly string[] = Object.values(ISTIO_RELEASES);
  const other = all.find((candidate) => candidate.namespace === namespace && names.includes(candidate.name));
  return version ?? own ?? other?.version;
}

function upgrade(
  { namespace, repo, timeoutSeconds }: IstioSettings,
  access: ClusterAccess,
  { name, chart, version }: { name: string; chart: string; version: string | undefined },
  values?: Pick<IstioSettings, "values" | "furtherValues">,
): Todo {
  const source = repo.startsWith("oci://") ? [`${repo.replace(/\/$/, "")}/${chart}`] : [chart, `--repo=${repo}`];
  const args = [
    ...["upgrade", "--install", name, ...source, `--namespace=${namespace}`],
    ...(version === undefined ? [] : [`--version=${version}`]),
    ...(values === undefined
      ? []
      : ["--values=-", ...values.furtherValues.map(({ name: file }) => `--values=${file}`)]),
    ...["--wait", `--timeout=${timeoutSeconds}s`],
  ];
  return { purpose: `install ${name}`, command: helmCommand(access, args, values?.values) };
}

/** As Helm merges several files: maps key by key, everything else by the later one (Helm pkg/cli/values/options.go). */
function mergedIstiodValues({ values, furtherValues }: IstioSettings): unknown {
  return [values, ...furtherValues.map(({ text }) => text)]
    .map((text): unknown => parse(text, { version: "1.1" }))
    .reduce((merged, next) => merge(merged, next), {});
}

function merge(base: unknown, over: unknown): unknown {
  if (over === null || over === undefined) return base;
  if (!isRecord(base) || !isRecord(over)) return over;
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    result[key] = isRecord(result[key]) && isRecord(value) ? merge(result[key], value) : value;
  }
  return result;
}
