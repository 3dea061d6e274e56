import { EXIT, ExitError } from "../../base/exit-error.ts";
import { CouldNotLook, known, type Revision, revisions } from "../../doctor/facts/facts.ts";
import { injectionScope, ourTemplate, ownRevisions, scopeText } from "../../doctor/facts/injection-scope.ts";
import { POLICY_NAME, readAdmissionBinding, readAdmissionPolicy } from "../../doctor/gather/admission.ts";
import { readIstioConfigMaps, readIstiods } from "../../doctor/gather/istiods.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";

/** What the scenarios need to know of the mesh. */
export interface Mesh {
  revisions: readonly Revision[];
  /** The revision that is to inject the pods. */
  revision: string;
  trustDomain: string;
  /** The injection template that pods must name; absent where the whole mesh has Teleport's identities. */
  template?: string;
  /** The directory of tbot's socket that the admission policy protects; absent where layer c is off. */
  protectedDirectory?: string;
}

/**
 * Reads the mesh from istiod's configuration and the admission policy.
 *
 * @throws ExitError unavailable when it cannot be read; refused when pods in a new namespace would not be in its scope
 */
export async function readMesh(api: KubeApi): Promise<Mesh> {
  try {
    const istiods = await readIstiods(api);
    const all = revisions({ istiods, istioConfigMaps: await readIstioConfigMaps(api, istiods) });
    const scope = injectionScope({}, () => all);
    if (scope.kind === "namespace") {
      throw new ExitError(
        `Only ${scopeText(scope)} has Teleport's identities (istio.injection.scope), and \`test\` runs in a namespace of its own; run it where the scope is mesh or pod.`,
      );
    }
    const own = ownRevisions({}, scope, all).find(({ injector }) => ourTemplate({}, injector) !== undefined);
    if (own === undefined) {
      throw new CouldNotLook(
        "no istiod has the chart's injection template; install it with the values that `istio-teleport render istio` prints",
      );
    }
    const directory = await protectedDirectory(api);
    return {
      revisions: all,
      revision: own.name,
      // Istio's default (pkg/config/constants: DefaultClusterLocalDomain).
      trustDomain: own.mesh.trustDomain ?? "cluster.local",
      ...(scope.kind === "pod" && { template: scope.template }),
      ...(directory !== undefined && { protectedDirectory: directory }),
    };
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    throw new ExitError(`Could not read the mesh: ${error.message}.`, EXIT.unavailable);
  }
}

/** @returns undefined unless the policy is there and refuses: a binding may only warn */
async function protectedDirectory(api: KubeApi): Promise<string | undefined> {
  const [readPolicy, readBinding] = await Promise.all([readAdmissionPolicy(api), readAdmissionBinding(api)]);
  const [policy, binding] = [known(readPolicy), known(readBinding)];
  if (policy === undefined || binding?.spec.validationActions?.includes("Deny") !== true) return undefined;
  const expression = policy.spec.variables?.find(({ name }) => name === "socketDir")?.expression ?? "";
  const [, directory] = /^'(\/[^']*)'$/.exec(expression) ?? [];
  if (directory === undefined) {
    throw new CouldNotLook(`the ValidatingAdmissionPolicy ${POLICY_NAME} does not say which directory it protects`);
  }
  return directory;
}
