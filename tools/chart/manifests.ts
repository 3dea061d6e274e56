import { parseAllDocuments } from "yaml";
import { ExitError } from "../base/exit-error.ts";
import { isRecord } from "../base/json-value.ts";
import { helmTemplate, type TemplateRequest } from "../programs/helm.ts";
import { unexpectedOutput } from "../programs/json-from.ts";
import type { Runner } from "../programs/run.ts";
import { checkTbotConfig } from "../teleport/tbot-config.ts";
import type { Values } from "../values/types.ts";

/** The parts of a Kubernetes object that every one has, and `data` of a ConfigMap. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
}

/**
 * The whole chart as `helm template` prints it, checked: every document is a Kubernetes object, none comes twice, and
 * tbot.yaml holds only what tbot knows (tbot itself ignores unknown keys).
 *
 * @param request inputs that were checked before, by `mergedValues`
 * @param values the same inputs merged
 */
export async function renderManifests(
  runner: Runner,
  request: Pick<TemplateRequest, "inputs" | "release" | "namespace" | "kubeVersion">,
  values: Values,
): Promise<string> {
  if (values.istio.print !== "") {
    throw new ExitError(
      `istio.print is "${values.istio.print}", which prints Istio's values and installs nothing: remove it from the values.`,
    );
  }
  const text = await helmTemplate(runner, { namespace: values.tbot.namespace.name, ...request });
  checkManifests(parseManifests(text));
  return text;
}

/**
 * The objects that Helm printed; empty documents (templates that render nothing) are left out.
 *
 * @throws ExitError (unavailable) when it printed something else
 */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const object: unknown = document.errors.length > 0 ? undefined : document.toJS();
    if (object === null) return [];
    if (isManifest(object)) return [object];
    const [from = 0, , to] = document.contents?.range ?? [];
    throw unexpectedOutput(text.slice(from, to), "helm", "read the rendered chart", "YAML with objects");
  });
}

/** Whether it is an object; `checkManifests` looks at its parts. */
function isManifest(value: unknown): value is Manifest {
  return isRecord(value);
}

/**
 * Refuses what only a defect of the chart renders: an object without its head, and one object twice.
 *
 * @throws ExitError when tbot.yaml has what tbot would ignore or refuse
 */
export function checkManifests(manifests: readonly Manifest[]): void {
  const seen = new Set<string>();
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest;
    if (!apiVersion || !kind || !metadata?.name) {
      throw new Error(`a rendered document has no apiVersion, kind or name: ${JSON.stringify(manifest).slice(0, 200)}`);
    }
    const id = [apiVersion, kind, metadata.namespace ?? "", metadata.name].join(" ");
    if (seen.has(id)) throw new Error(`${kind} ${metadata.name} is rendered twice`);
    seen.add(id);
    const config = kind === "ConfigMap" ? manifest.data?.["tbot.yaml"] : undefined;
    if (config !== undefined) checkTbotConfig(config);
  }
}
