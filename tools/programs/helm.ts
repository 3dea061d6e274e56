import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXIT, ExitError } from "../base/exit-error.ts";
import { CHART_DIR } from "../base/package-files.ts";
import { isBefore, type Version, versionIn, versionText } from "../base/versions.ts";
import { pinnedHelm } from "./pinned-helm.ts";
import { withTempDir } from "./temp-dir.ts";

/** The oldest Helm whose schema validation and templates this chart is tested with. */
const OLDEST: Version = { major: 3, minor: 18 };
/**
 * Without a cluster Helm assumes the Kubernetes it was built with (1.20 in a build without linker flags). The chart
 * asks for a range only; one version here makes what is rendered independent of who built Helm.
 */
const KUBE_VERSION = "1.33.0";
const MEGABYTE = 1024 * 1024;

/** What a user gives Helm: values files in order, then `--set` assignments in order; later ones win. */
export interface ValuesInputs {
  files: { name: string; text: string }[];
  sets: string[];
}

/** What `helm template` shall render. */
export interface TemplateRequest {
  inputs: ValuesInputs;
  /** Directory of the chart; default: the chart of this package. */
  chart?: string;
  /** Release name; default `istio-teleport`. */
  release?: string;
  /** Release namespace; default is Helm's own, `default`. */
  namespace?: string;
  /** Templates to print, `templates/istio/istio-values.yaml`; default: all. */
  showOnly?: string[];
  /** Kubernetes version for `.Capabilities.KubeVersion`; default 1.33.0. */
  kubeVersion?: string;
}

let found: Promise<string> | undefined;

/**
 * Path of a Helm that is new enough: `helm` from PATH (3.18 or later, or 4), else the pinned one.
 *
 * @throws ExitError with exit code 2 when there is neither.
 */
export function findHelm(): Promise<string> {
  found ??= searchHelm();
  return found;
}

async function searchHelm(): Promise<string> {
  const version = await run("helm", ["version", "--template", "{{.Version}}"]).catch(() => undefined);
  if (version && isNewEnough(version.stdout)) return "helm";
  const pinned = await pinnedHelm();
  if (pinned) return pinned;
  const seen = version
    ? `The helm on PATH is ${version.stdout.trim() || "of an unknown version"}`
    : "There is no helm on PATH";
  throw new ExitError(
    `${seen}, and there is a pinned one for Linux x64 only: install Helm ${versionText(OLDEST)} or later, https://helm.sh/docs/intro/install/.`,
    EXIT.unavailable,
  );
}

/** Whether Helm's version text (`v3.18.4`, `v4.2.3+gabc`) is one this chart is tested with. */
export function isNewEnough(text: string): boolean {
  const version = versionIn(text);
  return version !== undefined && !isBefore(version, OLDEST);
}

/**
 * `helm template`: the rendered text as Helm prints it, without blank lines after a document. Never talks to a cluster.
 *
 * @throws ExitError with Helm's own reason in one sentence.
 */
export async function helmTemplate(request: TemplateRequest): Promise<string> {
  const { inputs, chart = CHART_DIR, release = "istio-teleport" } = request;
  return withTempDir(async (dir) => {
    const args = ["template", release, chart, "--kube-version", request.kubeVersion ?? KUBE_VERSION];
    if (request.namespace !== undefined) args.push("--namespace", request.namespace);
    for (const template of request.showOnly ?? []) args.push("--show-only", template);
    // Helm reads copies of what was checked, so that a file that changes meanwhile cannot slip past the checks.
    for (const [index, { text }] of inputs.files.entries()) {
      const path = join(dir, `${index}.yaml`);
      await writeFile(path, text);
      args.push("--values", path);
    }
    for (const assignment of inputs.sets) args.push("--set", assignment);
    const { stdout } = await run(await findHelm(), args);
    // Versions of Helm differ in the blank lines after a document.
    return `${stdout.replace(/\n{2,}(?=---\n)/g, "\n").trimEnd()}\n`;
  });
}

function run(helm: string, args: string[]): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    execFile(helm, args, { maxBuffer: 64 * MEGABYTE, timeout: 60_000 }, (error, stdout, stderr) => {
      if (!error) resolve({ stdout });
      else if (typeof error.code === "number") reject(new ExitError(helmReason(stderr)));
      else reject(new ExitError(`Could not run ${helm}: ${error.message.split("\n")[0]}.`, EXIT.unavailable));
    });
  });
}

/**
 * The reason in what Helm wrote to stderr, without warnings and positions in templates: what a template refused, each
 * problem on its line, or anything else as one sentence.
 */
export function helmReason(stderr: string): string {
  const reason = /^Error: (.*)/ms.exec(stderr)?.[1] ?? stderr;
  const refused = /execution error at \([^)]*\): (.*)/s.exec(reason)?.[1];
  const lines = (refused ?? `Helm: ${reason}`)
    .split("\n")
    .map((line) => line.replace(DEBUG_HINT, "").trim())
    .filter((line) => line !== "");
  const text = lines.join(refused === undefined ? " " : "\n");
  return /[.!]$/.test(text) ? text : `${text}.`;
}

const DEBUG_HINT = /^\s*Use --debug flag to render out invalid YAML/;
