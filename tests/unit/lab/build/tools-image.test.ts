import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { toolsImage } from "../../../../lab/build/images.ts";
import { HELM4_RECIPE, KUBERNETES_RECIPES } from "../../../../lab/build/recipes.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

/** No Docker engine makes the Dockerfile's image here: the lab makes one of the same content and runs it. */

const DOCKERFILE = readFileSync(repositoryPath("Dockerfile"), "utf8").replaceAll(/\\\n\s*/g, "");
const { files, settings } = toolsImage(labPaths({ LAB_CACHE_DIR: "/lab" }));
/** The instructions of the last stage, which is the image. */
const FINAL = DOCKERFILE.slice(DOCKERFILE.lastIndexOf("FROM "));

/** What stands behind each instruction of a name. */
function instructions(name: string, text = FINAL): string[] {
  return [...text.matchAll(new RegExp(`^${name} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
}

it("starts the same program, as the same user, with the same environment, in the same directory", () => {
  expect(instructions("ENTRYPOINT").map((list) => JSON.parse(list))).toEqual([settings.Entrypoint]);
  expect(instructions("USER")).toEqual([settings.User]);
  expect(instructions("ENV")).toEqual(settings.Env);
  expect(instructions("WORKDIR")).toEqual([settings.WorkingDir]);
});

it("holds the same files", () => {
  const copied = instructions("COPY").map((rest) => rest.split(" ").at(-1));
  // The base has Node.
  expect([...copied, "/nodejs/bin/node"].toSorted()).toEqual(Object.keys(files).toSorted());
});

it("has kubectl and Helm of the lab's versions", () => {
  const tags = Object.fromEntries(instructions("ARG", DOCKERFILE).map((rest) => rest.split("=") as [string, string]));
  expect(tags.KUBECTL_IMAGE).toBe(`registry.k8s.io/kubectl:${KUBERNETES_RECIPES["1.37"].version}`);
  expect(tags.HELM_IMAGE).toBe(`docker.io/alpine/helm:${HELM4_RECIPE.version.replace("v", "")}`);
});

it("gets all that the package is built from past .dockerignore, and the entry point is the package's", () => {
  const ignored = readFileSync(repositoryPath(".dockerignore"), "utf8").split("\n");
  const passing = ignored.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const { files: packed } = JSON.parse(readFileSync(repositoryPath("package.json"), "utf8")) as { files: string[] };
  // dist/ is built there, of tools/.
  const wanted = packed.filter((file) => !file.startsWith("!") && file !== "dist").map((file) => file.split("/")[0]);
  expect(passing).toEqual(expect.arrayContaining([...new Set(wanted), "tools", "package-lock.json"]));
  expect(dirname(settings.Entrypoint[1] ?? "")).toBe("/app/node_modules/istio-teleport/bin");
});
