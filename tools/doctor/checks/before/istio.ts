import { counted } from "../../../base/count.ts";
import { page } from "../../../base/documentation.ts";
import { MAX_RELEASE_BYTES } from "../../../chart/release-size.ts";
import { CHART_RELEASE, ISTIO_RELEASES } from "../../../chart/releases.ts";
import type { Release } from "../../../programs/helm-releases.ts";
import type { Values } from "../../../values/types.ts";
import type { BeforeFacts, IstioElsewhere, IstioHere } from "../../facts/before.ts";
import { known } from "../../facts/facts.ts";
import { type Check, type Finding, type Outcome, problem, warning } from "../check.ts";

const helmReleases: Check<BeforeFacts> = {
  id: "helm-releases",
  step: "before",
  title: "The names of the Helm releases are free or ours",
  run({ intended, istio, releases, policyReleases }) {
    const all = known(releases);
    const ofPolicies = known(policyReleases);
    const namespace = intended.tbot.namespace.name;
    const { rootNamespace } = intended.mesh;
    const wanted = [
      { name: CHART_RELEASE, namespace, chart: "istio-teleport" },
      ...(istio.managed === "here"
        ? [
            { name: ISTIO_RELEASES.base, namespace: rootNamespace, chart: "base" },
            { name: ISTIO_RELEASES.istiod, namespace: rootNamespace, chart: "istiod" },
          ]
        : []),
    ];
    const findings = wanted.flatMap(({ name, namespace: where, chart }): Finding[] => {
      const release = all.find((candidate) => candidate.name === name && candidate.namespace === where);
      if (release === undefined || release.chart === chart) return [];
      const hint = `Uninstall it, or install by hand as ${page("docs/start/installation.md")} says.`;
      return [problem(described(release), `it is of the chart ${release.chart}, not ${chart}`, hint)];
    });
    const elsewhere = all.find(
      (release) =>
        release.chart === "istio-teleport" &&
        (release.name !== CHART_RELEASE || release.namespace !== namespace) &&
        !ofPolicies.some(({ name, namespace: where }) => name === release.name && where === release.namespace),
    );
    if (elsewhere !== undefined) {
      const evidence =
        "the chart is installed already under this name, and two would claim the same cluster-wide objects";
      findings.push(problem(described(elsewhere), evidence, "Upgrade that one with helm, or uninstall it first."));
    }
    return { examined: wanted.map(({ name }) => name).join(", "), findings };
  },
};

/** Kubernetes' limit is a hard one, and what is counted here an estimate. */
const NEARLY = 0.9;

const releaseSize: Check<BeforeFacts> = {
  id: "release-size",
  step: "before",
  title: "The chart's release fits into a Secret",
  run({ intended, releaseBytes }) {
    const part = releaseBytes / MAX_RELEASE_BYTES;
    const examined = `about ${Math.ceil(releaseBytes / 1024)} KiB of 1,024 KiB`;
    if (part < NEARLY) return { examined, findings: [] };
    const hint = howToSplit(intended);
    const subject = `the release ${CHART_RELEASE}`;
    return {
      examined,
      findings: [
        part > 1
          ? problem(subject, `Helm would need ${examined} and fail: it keeps a release in a Secret`, hint)
          : warning(subject, `Helm needs ${examined} that a Secret holds`, hint),
      ],
    };
  },
};

/** The largest application alone, for the others may fit then. */
function howToSplit({ mesh }: Values): string {
  const sizes = Object.entries(mesh.applications).map(([name, { services }]) => ({
    name,
    services: Object.keys(services).length,
  }));
  const largest = sizes.reduce((most, each) => (each.services > most.services ? each : most), {
    name: "",
    services: 0,
  });
  const where = page("docs/operate/policies.md#large-graphs");
  const manifests =
    "apply what `istio-teleport render manifests` prints with kubectl or your GitOps tool, which needs no release";
  if (sizes.length < 2) return `Helm cannot keep so many services in a release: ${manifests} (${where}).`;
  const { name, services } = largest;
  return `Give ${name} (${counted(services, "service")}) a release of its own, with the values of \`istio-teleport render values --only ${name}\`, and install the rest with those of \`istio-teleport render values --without ${name}\`. Or ${manifests} (${where}).`;
}

function described({ name, namespace }: Pick<Release, "name" | "namespace">): string {
  return `the release ${name} in the namespace ${namespace}`;
}

const istio: Check<BeforeFacts> = {
  id: "istio-mesh",
  step: "before",
  title: "No mesh of another trust domain is in the way",
  run(facts) {
    return facts.istio.managed === "here"
      ? here(known(facts.istio.found), facts)
      : elsewhere(known(facts.istio.found), facts);
  },
};

function here({ foreign, release, otherTrustDomain, meshedPods }: IstioHere, { intended }: BeforeFacts): Outcome {
  const { rootNamespace } = intended.mesh;
  if (foreign !== undefined) {
    const evidence = `it was not installed as the release ${ISTIO_RELEASES.istiod} in ${rootNamespace}`;
    const hint =
      "Give it the values of `istio-teleport render istio` by the way it was installed, then use --skip-istio.";
    return { examined: "istiod", findings: [problem(`istiod ${foreign}`, evidence, hint)] };
  }
  if (release === undefined) return { examined: "no istiod yet", findings: [] };
  const examined =
    release.status === "deployed" ? `istiod ${release.version}` : `the release istiod, which is ${release.status}`;
  if (otherTrustDomain === undefined) return { examined, findings: [] };
  if (meshedPods === 0) return { examined: `${examined}, and no pod is meshed yet`, findings: [] };
  const evidence = `a mesh with the trust domain ${otherTrustDomain} runs already, and its ${counted(meshedPods, "pod")} would be cut off until restarted`;
  const hint = `Move it as ${page("docs/start/installation.md#moving-an-existing-mesh")} says, then run this command again.`;
  return { examined, findings: [problem("the mesh", evidence, hint)] };
}

function elsewhere({ hasCrds, trustDomains }: IstioElsewhere, { intended }: BeforeFacts): Outcome {
  const { rootNamespace } = intended.mesh;
  const { clusterName } = intended.global.teleport;
  const subject = `the mesh of the namespace ${rootNamespace}`;
  const findings: Finding[] = [];
  if (!hasCrds) {
    const hint = "Install Istio first, or leave out --skip-istio.";
    findings.push(problem("Istio", "its CRDs are not in this cluster", hint));
  } else if (trustDomains.length === 0) {
    const evidence = "it has no configuration (ConfigMap istio or istio-<revision>)";
    findings.push(problem(subject, evidence, "Set mesh.rootNamespace to istiod's namespace."));
  }
  for (const domain of new Set(trustDomains.filter((each) => each !== clusterName))) {
    const hint = "Give istiod the values of `istio-teleport render istio` first, each revision.";
    findings.push(problem(subject, `it has the trust domain ${domain}, not ${clusterName}`, hint));
  }
  return { examined: counted(trustDomains.length, "revision"), findings };
}

const istioCni: Check<BeforeFacts> = {
  id: "istio-cni",
  step: "before",
  title: "istio-cni is there, where the values rely on it",
  run({ istio: { managed }, istioCni: there }) {
    if (there === undefined) return { skipped: "istio.cni is false" };
    const examined = "DaemonSets with the label k8s-app=istio-cni-node";
    if (known(there)) return { examined, findings: [] };
    const evidence = "istio.cni is true, and nothing of it runs: every meshed pod would stop in istio-validation";
    const hint = `Install it first: \`helm upgrade --install istio-cni istio/cni -n istio-system --wait\` (${page("docs/operate/csi.md")}).`;
    // Who manages Istio elsewhere may have another CNI plugin that does the same.
    return { examined, findings: [(managed === "here" ? problem : warning)("istio-cni", evidence, hint)] };
  },
};

export const ISTIO_BEFORE: readonly Check<BeforeFacts>[] = [helmReleases, releaseSize, istio, istioCni];
