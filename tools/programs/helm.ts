import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXIT, ExitError } from "../base/exit-error.ts";
import { CHART_DIR } from "../base/package-files.ts";
import { isBefore, type Version, versionIn, versionText } from "../base/versions.ts";
import { type Assignment, setFlag } from "./assignments.ts";
import { unexpectedOutput } from "./json-from.ts";
import { linesOf } from "./last-words.ts";
import { isUnavailable, mustRun, type Runner } from "./run.ts";
import { withTempDir } from "./temp-dir.ts";

/** The oldest Helm whose schema validation and templates this chart is tested with. */
const OLDEST: Version = { major: 3, minor: 18 };
/**
 * Without a cluster Helm assumes the Kubernetes it was built with (1.20 in a build without linker flags). The chart
 * asks for a range only; one version here makes what is rendered independent of who built Helm.
 */
const KUBE_VERSION = "1.33.0";
const INSTALL = `install Helm ${versionText(OLDEST)} or later: https://helm.sh/docs/intro/install/`;

/** What a user gives Helm: values files in order, then assignments in order; later ones win. */
export interface ValuesInputs {
  files: { name: string; text: string }[];
  sets: Assignment[];
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

/**
 * Refuses a Helm that this chart is not tested with.
 *
 * @param version as Helm says it: `v3.18.4`
 * @throws ExitError (unavailable) with what to install
 */
export function refuseOldHelm(version: string): void {
  if (isNewEnough(version)) return;
  const seen = linesOf(version)[0] ?? "of an unknown version";
  throw new ExitError(`The helm on PATH is ${seen}; ${INSTALL}.`, EXIT.unavailable);
}

/** Whether Helm's version text (`v3.18.4`, `v4.2.3+gabc`) is one this chart is tested with. */
export function isNewEnough(text: string): boolean {
  const version = versionIn(text);
  return version !== undefined && !isBefore(version, OLDEST);
}

/**
 * `helm template`: the rendered text as Helm prints it, without blank lines after a document. Never talks to a cluster.
 *
 * @throws ExitError refused, with Helm's own reason in one sentence; unavailable when there is no Helm, or one that is
 *   too old for what it was asked
 */
export async function helmTemplate(runner: Runner, request: TemplateRequest): Promise<string> {
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
    args.push(...inputs.sets.map(setFlag));
    const purpose = "render the chart";
    const { code, stdout, stderr } = await runner.run({ program: "helm", args }, { purpose, ifMissing: INSTALL });
    if (code !== 0) await refuse(runner, stderr);
    // Versions of Helm differ in the blank lines after a document.
    return `${documentsOf(stdout.toString(), purpose)
      .replace(/\n{2,}(?=---\n)/g, "\n")
      .trimEnd()}\n`;
  });
}

/**
 * The YAML documents that Helm printed. Each begins with its mark; nothing at all is a chart with everything switched off.
 *
 * @throws ExitError (unavailable) when something else is before them, as from a wrapper
 */
export function documentsOf(printed: string, purpose: string): string {
  if (/^\s*(---\n|$)/.test(printed)) return printed;
  throw unexpectedOutput(printed, "helm", purpose, "YAML documents");
}

/**
 * A Helm that is too old says so in its own way: it is asked only now, since most calls succeed, and not when it came as
 * far as running templates.
 */
async function refuse(runner: Runner, stderr: string): Promise<never> {
  if (!/execution error at|executing "/.test(stderr)) {
    // What does not even say its version is not told by it.
    const version = await helmVersion(runner).catch((error) => {
      if (isUnavailable(error)) return undefined;
      throw error;
    });
    if (version !== undefined) refuseOldHelm(version);
  }
  throw new ExitError(helmReason(stderr));
}

/**
 * The version of the helm on PATH as it says it (`v3.18.4`); empty when it does not.
 *
 * @throws ExitError (unavailable) when there is no Helm, or it fails
 */
export async function helmVersion(runner: Runner): Promise<string> {
  const command = { program: "helm", args: ["version", "--template={{.Version}}"] };
  return await mustRun(runner, command, { purpose: "ask Helm's version", ifMissing: INSTALL });
}

/**
 * The reason in what Helm wrote to stderr, without warnings and positions in templates: what a template refused, each
 * problem on its line, or anything else as one sentence.
 */
export function helmReason(stderr: string): string {
  const reason = /^Error: (.*)/ms.exec(stderr)?.[1] ?? stderr;
  const refused = TEMPLATE_REFUSAL.exec(reason)?.[1];
  const lines = (refused ?? `Helm: ${reason}`)
    .split("\n")
    .map((line) => line.replace(DEBUG_HINT, "").trim())
    .filter((line) => line !== "");
  const text = lines.join(refused === undefined ? " " : "\n");
  return /[.!]$/.test(text) ? text : `${text}.`;
}

const DEBUG_HINT = /^\s*Use --debug flag to render out invalid YAML/;

/** What a template of ours refused. */
const TEMPLATE_REFUSAL = /execution error at \([^)]*\): (.*)/s;
