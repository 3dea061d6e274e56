import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ALL_RECIPES,
  componentFolder,
  ETCD_RECIPE,
  type GoRecipe,
  ISTIO_RECIPES,
  KUBERNETES_RECIPES,
  ROOTFS_RECIPE,
  recipeHash,
  recipesOf,
} from "../../../../lab/build/recipes.ts";
import { LAB_SOURCES } from "../../../../lab/machine/paths.ts";

const goRecipes = ALL_RECIPES.filter((recipe): recipe is GoRecipe => recipe.kind === "go");
const pinned = goRecipes.filter(({ version }) => version !== "local");

describe("Go recipes", () => {
  it.each(pinned.map((recipe) => [`${recipe.name} ${recipe.version}`, recipe] as const))(
    "%s: the version in the recipe is the one that go.mod pins",
    (_name, recipe) => {
      const goMod = readFileSync(join(LAB_SOURCES, recipe.module, "go.mod"), "utf8");
      const packages = [
        ...Object.values(recipe.programs),
        ...Object.values(recipe.sources).map(({ module }) => module),
      ];
      expect(packages).not.toEqual([]);
      for (const program of packages) {
        const versions = [...goMod.matchAll(/^(?:require|\t)\s*(\S+) (v\S+)(?: \/\/ indirect)?$/gm)]
          .filter(([, module]) => program === module || program.startsWith(`${module}/`))
          .map(([, , version]) => version);
        expect(versions).toEqual([recipe.version]);
      }
    },
  );

  it.each(
    goRecipes
      .filter(({ programs }) => Object.keys(programs).length > 1)
      .map((recipe) => [recipe.name, recipe] as const),
  )("%s: programs built together are called like their packages, since go build names them so", (_name, recipe) => {
    for (const [name, mainPackage] of Object.entries(recipe.programs)) expect(basename(mainPackage)).toBe(name);
  });
});

describe("versions of Kubernetes and Istio", () => {
  it.each(Object.entries(KUBERNETES_RECIPES))("Kubernetes %s is that version, and says so", (minor, recipe) => {
    expect(recipe.version).toMatch(new RegExp(`^v${minor}\\.\\d+$`));
    expect(recipe.variables).toMatchObject({
      "k8s.io/component-base/version.gitVersion": recipe.version,
      "k8s.io/component-base/version.gitMinor": minor.split(".")[1],
    });
  });

  it.each(Object.entries(ISTIO_RECIPES))("Istio %s says that it is, and so does its CNI plugin", (minor, recipes) => {
    for (const { variables } of [recipes.istio, recipes.cni])
      expect(variables["istio.io/istio/pkg/version.buildVersion"]).toMatch(new RegExp(`^${minor}\\.\\d+-lab$`));
  });

  it("make a lab of one of each", () => {
    const recipes = recipesOf({ kubernetes: "1.33", istio: "1.30" });
    const named = (name: string) => recipes.filter((recipe) => recipe.name === name);
    expect(named("kubernetes")).toEqual([KUBERNETES_RECIPES["1.33"]]);
    expect(named("istio")).toEqual([ISTIO_RECIPES["1.30"].istio]);
    expect(named("istio-cni")).toEqual([ISTIO_RECIPES["1.30"].cni]);
  });
});

describe("recipeHash", () => {
  let sources: string;
  const module = () => join(sources, ETCD_RECIPE.module);
  beforeEach(() => {
    sources = mkdtempSync(join(tmpdir(), "lab-recipes-"));
    cpSync(join(LAB_SOURCES, ETCD_RECIPE.module), module(), { recursive: true });
  });
  afterEach(() => rmSync(sources, { recursive: true }));

  it("is the same for the same sources in another folder", () => {
    expect(recipeHash(ETCD_RECIPE, sources)).toBe(recipeHash(ETCD_RECIPE, LAB_SOURCES));
  });

  it.each([
    ["version", { version: "v3.7.4" }],
    ["linked-in variables", { variables: { "main.Version": "v3.7.3" } }],
    ["build tags", { tags: ["some"] }],
    ["programs", { programs: { etcd: "go.etcd.io/etcd/etcdctl/v3" } }],
  ])("changes with the %s", (_what, change) => {
    expect(recipeHash({ ...ETCD_RECIPE, ...change }, sources)).not.toBe(recipeHash(ETCD_RECIPE, sources));
  });

  it.each(["go.mod", "go.sum", "main.go"])("changes with %s", (file) => {
    const before = recipeHash(ETCD_RECIPE, sources);
    writeFileSync(join(module(), file), "changed");
    expect(recipeHash(ETCD_RECIPE, sources)).not.toBe(before);
  });

  it.each(["main_test.go", "README.md"])("does not change with %s", (file) => {
    const before = recipeHash(ETCD_RECIPE, sources);
    writeFileSync(join(module(), file), "changed");
    expect(recipeHash(ETCD_RECIPE, sources)).toBe(before);
  });

  it("does not change with the expected time", () => {
    expect(recipeHash({ ...ETCD_RECIPE, seconds: 1 }, sources)).toBe(recipeHash(ETCD_RECIPE, sources));
  });
});

describe("componentFolder", () => {
  it("names component, version and the start of the hash", () => {
    expect(componentFolder(ROOTFS_RECIPE)).toBe(`rootfs-bookworm-${recipeHash(ROOTFS_RECIPE).slice(0, 8)}`);
  });

  it("is different for every component", () => {
    expect(new Set(ALL_RECIPES.map((recipe) => componentFolder(recipe))).size).toBe(ALL_RECIPES.length);
  });
});
