import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { LabPaths } from "../machine/paths.ts";
import {
  DEFAULT_VERSIONS,
  type GoRecipe,
  ISTIO_RECIPES,
  type IstioRecipes,
  KUBERNETES_RECIPES,
  type Recipe,
  recipesOf,
  SPIRE_RECIPE,
  type Versions,
} from "./recipes.ts";

/** The recipe of the Kubernetes that this lab runs. */
export function kubernetesRecipe(paths: LabPaths): GoRecipe {
  return KUBERNETES_RECIPES[labVersions(paths).kubernetes];
}

/** The recipes of the Istio that this lab runs. */
export function istioRecipes(paths: LabPaths): IstioRecipes {
  return ISTIO_RECIPES[labVersions(paths).istio];
}

/** Every component of this lab, in the order they are built: all that CI's run needs, and SPIRE with `LAB_SPIRE=1`. */
export function componentsOf(paths: LabPaths): readonly Recipe[] {
  const recipes = recipesOf(labVersions(paths));
  return process.env.LAB_SPIRE === "1" ? [...recipes, SPIRE_RECIPE] : recipes;
}

/** The versions that this lab's state is of; the default ones where there is no state, or none of a version still known. */
export function labVersions(paths: LabPaths): Versions {
  if (!existsSync(choiceFile(paths))) return DEFAULT_VERSIONS;
  const { kubernetes, istio } = JSON.parse(readFileSync(choiceFile(paths), "utf8"));
  return {
    kubernetes: isOneOf(KUBERNETES_RECIPES, kubernetes) ? kubernetes : DEFAULT_VERSIONS.kubernetes,
    istio: isOneOf(ISTIO_RECIPES, istio) ? istio : DEFAULT_VERSIONS.istio,
  };
}

/**
 * The versions that `LAB_KUBERNETES` and `LAB_ISTIO` name; what isn't named is left out.
 *
 * @throws ExitError if a version is none that the lab builds
 */
export function wantedVersions(env: NodeJS.ProcessEnv): Partial<Versions> {
  const kubernetes = named("LAB_KUBERNETES", env, KUBERNETES_RECIPES);
  const istio = named("LAB_ISTIO", env, ISTIO_RECIPES);
  return { ...(kubernetes && { kubernetes }), ...(istio && { istio }) };
}

/**
 * Makes a lab consist of the given versions until `down --wipe`: no earlier version can read what a later one stored. What
 * isn't given stays what it is; without state, it is the default.
 *
 * @throws ExitError if this lab's state is another version's
 */
export function chooseVersions(paths: LabPaths, wanted: Partial<Versions>): void {
  const current = labVersions(paths);
  const chosen = { ...(hasState(paths) ? current : DEFAULT_VERSIONS), ...wanted };
  const same = chosen.kubernetes === current.kubernetes && chosen.istio === current.istio;
  if (!same && hasState(paths)) {
    throw new ExitError(
      `This lab's state is that of ${versionsName(current)}, not of ${versionsName(chosen)}; run \`npm run lab -- down --wipe\` first.`,
      EXIT.refused,
    );
  }
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(choiceFile(paths), JSON.stringify(chosen));
}

/** For messages. */
export function versionsName({ kubernetes, istio }: Versions): string {
  return `Kubernetes ${kubernetes} with Istio ${istio}`;
}

function named<Known extends object>(variable: string, env: NodeJS.ProcessEnv, known: Known): keyof Known | undefined {
  const value = env[variable];
  if (value === undefined || value === "" || isOneOf(known, value)) return value || undefined;
  throw new ExitError(
    `${variable} is ${JSON.stringify(value)}, which the lab does not build; set it to one of ${Object.keys(known).join(", ")}.`,
    EXIT.refused,
  );
}

function isOneOf<Known extends object>(known: Known, value: unknown): value is keyof Known {
  return typeof value === "string" && Object.hasOwn(known, value);
}

/** Whether a cluster of this lab ever ran: only then its versions matter to what comes. */
function hasState(paths: LabPaths): boolean {
  return existsSync(join(paths.state, "etcd"));
}

function choiceFile(paths: LabPaths): string {
  return join(paths.state, "versions.json");
}
