import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { componentDir, missingComponents, removeSupersededComponents } from "../../../../lab/build/components.ts";
import { images } from "../../../../lab/build/images.ts";
import {
  ALL_RECIPES,
  componentFolder,
  ISTIO_RECIPES,
  KUBERNETES_RECIPES,
  recipesOf,
  SPIRE_RECIPE,
} from "../../../../lab/build/recipes.ts";
import { istioCharts, toolPath } from "../../../../lab/build/toolbox.ts";
import { chooseVersions, componentsOf, labVersions, wantedVersions } from "../../../../lab/build/versions.ts";
import { clusterConfig } from "../../../../lab/cluster/cluster-config.ts";
import { daemons } from "../../../../lab/cluster/daemons.ts";
import { type LabPaths, labPaths } from "../../../../lab/machine/paths.ts";
import { ExitError } from "../../../../tools/base/exit-error.ts";

let paths: LabPaths;

beforeEach(() => {
  paths = labPaths({ LAB_CACHE_DIR: mkdtempSync(join(tmpdir(), "lab-versions-")) });
});

afterEach(() => rmSync(paths.root, { recursive: true }));

describe("the versions that the environment names", () => {
  it("are none without the variables, or with empty ones", () => {
    expect(wantedVersions({})).toEqual({});
    expect(wantedVersions({ LAB_KUBERNETES: "", LAB_ISTIO: "" })).toEqual({});
  });

  it("are one of each that the lab builds", () => {
    expect(wantedVersions({ LAB_KUBERNETES: "1.33" })).toEqual({ kubernetes: "1.33" });
    expect(wantedVersions({ LAB_KUBERNETES: "1.35", LAB_ISTIO: "1.30" })).toEqual({
      kubernetes: "1.35",
      istio: "1.30",
    });
  });

  it.each([
    [
      "LAB_KUBERNETES",
      "1.29",
      'LAB_KUBERNETES is "1.29", which the lab does not build; set it to one of 1.37, 1.35, 1.33.',
    ],
    ["LAB_ISTIO", "toString", 'LAB_ISTIO is "toString", which the lab does not build; set it to one of 1.31, 1.30.'],
  ])("%s=%s is refused in a sentence that lists the known ones", (variable, value, sentence) => {
    expect(() => wantedVersions({ [variable]: value })).toThrow(new ExitError(sentence));
  });
});

describe("a lab's versions", () => {
  it("are CI's, unless others are chosen", () => {
    expect(labVersions(paths)).toEqual({ kubernetes: "1.37", istio: "1.31" });
    chooseVersions(paths, { istio: "1.30" });
    expect(labVersions(paths)).toEqual({ kubernetes: "1.37", istio: "1.30" });
  });

  it("stay while there is state of them, with or without the variables", () => {
    chooseVersions(paths, { kubernetes: "1.33" });
    mkdirSync(join(paths.state, "etcd"));
    chooseVersions(paths, {});
    chooseVersions(paths, { kubernetes: "1.33" });
    expect(() => chooseVersions(paths, { kubernetes: "1.35" })).toThrow(
      "This lab's state is that of Kubernetes 1.33 with Istio 1.31, not of Kubernetes 1.35 with Istio 1.31; run `npm run lab -- down --wipe` first.",
    );
    expect(labVersions(paths)).toEqual({ kubernetes: "1.33", istio: "1.31" });
  });

  it("of a state without a word of them are CI's: a lab from before there was a choice", () => {
    mkdirSync(join(paths.state, "etcd"), { recursive: true });
    expect(() => chooseVersions(paths, { istio: "1.30" })).toThrow(/down --wipe/);
    chooseVersions(paths, {});
    expect(labVersions(paths)).toEqual({ kubernetes: "1.37", istio: "1.31" });
  });

  it("do not outlive the state: a choice that never ran is forgotten by the next one", () => {
    chooseVersions(paths, { kubernetes: "1.33", istio: "1.30" });
    chooseVersions(paths, {});
    expect(labVersions(paths)).toEqual({ kubernetes: "1.37", istio: "1.31" });
  });

  it("that are no longer known count as CI's, so that `down` still works", () => {
    mkdirSync(paths.state, { recursive: true });
    writeFileSync(join(paths.state, "versions.json"), '{"kubernetes":"1.20","istio":"1.30"}');
    expect(labVersions(paths)).toEqual({ kubernetes: "1.37", istio: "1.30" });
  });

  it("decide what is built, run, called and put into images", () => {
    chooseVersions(paths, { kubernetes: "1.33", istio: "1.30" });
    const kubernetes = componentDir(paths, KUBERNETES_RECIPES["1.33"]);
    const { istio, cni } = ISTIO_RECIPES["1.30"];
    expect(missingComponents(paths)).toEqual(expect.arrayContaining([KUBERNETES_RECIPES["1.33"], istio, cni]));
    expect(missingComponents(paths)).not.toContain(KUBERNETES_RECIPES["1.37"]);
    const started = daemons(paths).map(({ command }) => command[0]);
    for (const program of ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"])
      expect(started).toContain(join(kubernetes, program));
    expect(toolPath(paths, "kubectl")).toBe(join(kubernetes, "kubectl"));
    expect(toolPath(paths, "istioctl")).toBe(join(componentDir(paths, istio), "istioctl"));
    expect(istioCharts(paths)).toBe(join(componentDir(paths, istio), "charts"));
    const inImages = images(paths).flatMap(({ files }) => Object.values(files));
    expect(inImages).toContainEqual({ recipe: istio, file: "pilot-agent" });
    expect(inImages).toContainEqual({ recipe: cni, file: "istio-cni" });
    expect(inImages).not.toContainEqual({ recipe: ISTIO_RECIPES["1.31"].istio, file: "pilot-agent" });
  });

  it.each([
    ["1.33", "apiserver.config.k8s.io/v1beta1"],
    ["1.35", "apiserver.config.k8s.io/v1"],
    ["1.37", "apiserver.config.k8s.io/v1"],
  ] as const)("Kubernetes %s gets its authentication configuration as %s", (kubernetes, apiVersion) => {
    chooseVersions(paths, { kubernetes });
    expect(parse(clusterConfig(paths)["authentication.yaml"] ?? "")).toMatchObject({ apiVersion });
  });
});

describe("what is built on request", () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ["", false],
    ["1", true],
  ])("LAB_SPIRE=%s: SPIRE is among a lab's components: %s", (asked, wanted) => {
    vi.stubEnv("LAB_SPIRE", asked);
    expect(componentsOf(paths).includes(SPIRE_RECIPE)).toBe(wanted);
    expect(componentsOf(paths)).toEqual(expect.arrayContaining([...recipesOf(labVersions(paths))]));
  });
});

describe("superseded components", () => {
  it("are those that no version has: a lab of one version keeps what others have built", () => {
    const folders = ALL_RECIPES.map((recipe) => join(paths.components, componentFolder(recipe)));
    const earlier = join(paths.components, "kubernetes-v1.33.12-00000000");
    for (const folder of [...folders, earlier]) mkdirSync(folder, { recursive: true });
    chooseVersions(paths, { kubernetes: "1.33", istio: "1.30" });
    removeSupersededComponents(paths);
    expect(folders.filter((folder) => !existsSync(folder))).toEqual([]);
    expect(existsSync(earlier)).toBe(false);
  });
});
