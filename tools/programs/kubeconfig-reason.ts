import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "yaml";
import { isRecord, recordAt, textAt } from "../base/json-value.ts";

/** What kubectl says where no kubeconfig leads it to a cluster; it then tries localhost:8080, which nobody meant. */
const NO_CLUSTER =
  /localhost:8080|no configuration has been provided|current-context|stat .*no such file|context .*(does not exist|was not found)|cannot locate context/;

/** As the flags say it; what was not given is absent. */
interface Choice {
  kubeconfig?: string;
  context?: string;
}

/** Contexts that a sentence names, at most. */
const MOST_NAMES = 5;

/**
 * Which file, context or cluster is missing, and the fix; `undefined` where the kubeconfig leads to a cluster, and where
 * kubectl said something else. Of a KUBECONFIG that is not there kubectl only says that localhost:8080 refuses.
 *
 * @param stderr what kubectl said
 */
export function kubeconfigReason(
  choice: Choice,
  stderr: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (!NO_CLUSTER.test(stderr)) return undefined;
  const source = sourceOf(choice, env);
  const texts = source.files.map(textOf);
  // What is there and cannot be read or understood, kubectl names itself.
  if (texts.includes(UNREADABLE)) return undefined;
  const there = texts.filter((text) => text !== undefined);
  if (there.length === 0) return source.missing;
  const configs = there.map(configIn);
  if (!configs.every(isRecord)) return undefined;
  return contextReason(configs, choice, source.files.filter((_, index) => texts[index] !== undefined).join(", "));
}

interface Source {
  files: string[];
  /** The sentence where none of them exists. */
  missing: string;
}

/** As client-go looks for it: the flag, the variable, the home directory. */
function sourceOf({ kubeconfig }: Choice, { KUBECONFIG = "", HOME = homedir() }: NodeJS.ProcessEnv): Source {
  if (kubeconfig !== undefined) {
    return { files: [kubeconfig], missing: `--kubeconfig names ${kubeconfig}, which does not exist; correct the path` };
  }
  const files = KUBECONFIG.split(delimiter).filter((file) => file !== "");
  if (files.length > 0) {
    const absent = `${files.join(" and ")}, which ${files.length === 1 ? "does" : "do"} not exist`;
    return { files, missing: `KUBECONFIG names ${absent}; correct the path, or give --kubeconfig` };
  }
  const file = join(HOME, ".kube", "config");
  return { files: [file], missing: `there is no kubeconfig (${file}); give one with --kubeconfig or KUBECONFIG` };
}

const UNREADABLE = Symbol("unreadable");

/** `undefined` where there is no such file. */
function textOf(file: string): string | undefined | typeof UNREADABLE {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : UNREADABLE;
  }
}

/** `undefined` where it is no YAML; an empty file is an empty kubeconfig. */
function configIn(text: string | typeof UNREADABLE): unknown {
  try {
    return typeof text === "string" ? (parse(text) ?? {}) : undefined;
  } catch {
    return undefined;
  }
}

/** Of several files the first that says something counts, as for client-go. */
function contextReason(
  configs: readonly Record<string, unknown>[],
  { context: chosen }: Choice,
  files: string,
): string | undefined {
  const contexts = configs.flatMap((config) => named(config, "contexts", "context"));
  const names = contexts.map(({ name }) => name);
  const current = configs.map((config) => textAt(config, "current-context")).find((name) => name !== "");
  const wanted = chosen ?? current;
  const listed = `${names.slice(0, MOST_NAMES).join(", ")}${names.length > MOST_NAMES ? ", …" : ""}`;
  if (names.length === 0) {
    return `the kubeconfig ${files} holds no context; write it anew with the tool that made the cluster, or give another with --kubeconfig`;
  }
  if (wanted === undefined) {
    return `the kubeconfig ${files} has no current context; name one with --context (${listed})`;
  }
  const context = contexts.find(({ name }) => name === wanted)?.value;
  if (context === undefined) {
    const fix = chosen === undefined ? "name one with --context" : "correct --context";
    return `the kubeconfig ${files} has no context ${JSON.stringify(wanted)}; ${fix} (${listed})`;
  }
  const cluster = textAt(context, "cluster");
  const clusters = configs.flatMap((config) => named(config, "clusters", "cluster")).map(({ name }) => name);
  if (clusters.includes(cluster)) return undefined;
  const what = cluster === "" ? "names no cluster" : `names the cluster ${JSON.stringify(cluster)}, which is not there`;
  return `the context ${JSON.stringify(wanted)} of the kubeconfig ${files} ${what}; correct the kubeconfig, or name another context with --context`;
}

function named(
  config: Record<string, unknown>,
  list: string,
  key: string,
): { name: string; value: Record<string, unknown> }[] {
  const entries = config[list];
  if (!Array.isArray(entries)) return [];
  return entries.filter(isRecord).map((entry) => ({ name: textAt(entry, "name"), value: recordAt(entry, key) }));
}
