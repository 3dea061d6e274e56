import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { isRecord } from "../../../../tools/base/json-value.ts";
import { CHART_DIR } from "../../../../tools/base/package-files.ts";
import type { Outcome } from "../../../../tools/programs/run.ts";
import { systemRunner } from "../../../../tools/programs/system-runner.ts";
import { type Failure, type FakeCall, type FakeState, flagOf, type Said } from "./fake-state.ts";

/** Verbs that change something. */
export const HELM_CHANGES = /^helm (upgrade|uninstall|rollback) /;

/**
 * A Helm with the releases of the state; its answers are those of Helm 3.22 and 4.3, recorded in the lab. What it
 * renders is rendered by the real one.
 *
 * @param failure how this call fails: an upgrade leaves its traces all the same
 */
export async function fakeHelm(call: FakeCall, state: FakeState, failure: Failure | undefined): Promise<Said> {
  const { line, args } = call;
  const [verb, word = "", name = ""] = args;
  switch (verb) {
    case "version":
      return { stdout: "v3.22.0" };
    case "template": {
      const { code, stdout, stderr } = await rendered(args, call.stdin);
      return { stdout: stdout.toString(), ...(code !== 0 && { stderr }) };
    }
    case "list":
      return { stdout: JSON.stringify(listed(state)) };
    case "get": {
      const release = state.releases[name];
      if (release === undefined) return { stderr: "Error: release: not found\n" };
      return { stdout: word === "values" ? JSON.stringify(release.values) : release.manifest };
    }
    case "upgrade":
      return await upgrade(call, state, failure);
    case "uninstall":
      delete state.releases[word];
      state.objects = state.objects.filter(
        ({ type, metadata: { annotations, labels } }) =>
          !(type === "helm.sh/release.v1" && labels?.name === word) &&
          (annotations?.["meta.helm.sh/release-name"] !== word || annotations["helm.sh/resource-policy"] === "keep"),
      );
      return {};
    case "rollback": {
      const release = state.releases[word];
      if (release !== undefined) release.status = "deployed";
      return {};
    }
    default:
      return { stderr: `unexpected: ${line}` };
  }
}

function listed({ releases }: FakeState): object[] {
  return Object.entries(releases).map(([name, { revision, chart, namespace, status, updated }]) => ({
    name,
    namespace,
    revision: String(revision),
    updated,
    status,
    chart,
    app_version: "1",
  }));
}

async function upgrade(call: FakeCall, state: FakeState, failure: Failure | undefined): Promise<Said> {
  const { args, stdin } = call;
  const [, , release = "", source = ""] = args;
  const isOurs = source.startsWith("/");
  const before = state.releases[release];
  if (before?.status.startsWith("pending")) {
    return { stderr: "Error: another operation (install/upgrade/rollback) is in progress\n" };
  }
  const version = flagOf(call, "version") ?? (isOurs ? "0.1.0" : "1.31.0");
  const files = args.filter((text) => text.startsWith("--values=")).map((text) => text.slice("--values=".length));
  const texts = await Promise.all(files.map((file) => (file === "-" ? stdin : readFile(file, "utf8"))));
  state.releases[release] = {
    namespace: flagOf(call, "namespace") ?? "default",
    chart: `${isOurs ? "istio-teleport" : source}-${version}`,
    status: statusAfter(failure, before === undefined),
    revision: (before?.revision ?? 0) + 1,
    updated: new Date().toISOString(),
    values: texts.map((text): unknown => parse(text)).reduce(merge, {}),
    manifest: isOurs
      ? await ourManifest(call)
      : `---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${release}\n`,
  };
  if (failure === undefined) state.missing = [];
  return {};
}

function statusAfter(failure: Failure | undefined, isNew: boolean): string {
  if (failure === undefined) return "deployed";
  if (failure.how === "error") return "failed";
  return isNew ? "pending-install" : "pending-upgrade";
}

function merge(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

async function ourManifest({ args, stdin }: FakeCall): Promise<string> {
  const same = args.slice(2).filter((text) => !text.startsWith("--timeout") && !text.startsWith("--kube"));
  return (await rendered(["template", ...same, "--kube-version=1.33.0"], stdin)).stdout.toString();
}

const known = new Map<string, Promise<Outcome>>();

/** Rendered once for the same values in all tests: Helm takes a third of a second. */
async function rendered(args: readonly string[], stdin: string): Promise<Outcome> {
  const words = args.map(async (word, index) => {
    if (args[index - 1] === "--values") return readFile(word, "utf8");
    if (word.startsWith("--values=/")) return readFile(word.slice("--values=".length), "utf8");
    // A copy of the chart by which values are merged (tools/values/load.ts).
    return index === 2 && word !== CHART_DIR ? readFile(join(word, "templates", "print.yaml"), "utf8") : word;
  });
  const key = JSON.stringify([...(await Promise.all(words)), stdin]);
  const result = known.get(key) ?? systemRunner.run({ program: "helm", args, stdin }, { purpose: "render" });
  known.set(key, result);
  return await result;
}
