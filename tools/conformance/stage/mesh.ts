import { EXIT, ExitError } from "../../base/exit-error.ts";
import { CouldNotLook, known, type Revision, revisions } from "../../doctor/facts/facts.ts";
import {
  type InjectionScope,
  injectionScope,
  ourTemplate,
  ownRevisions,
  scopeText,
} from "../../doctor/facts/injection-scope.ts";
import { type TemplateVolume, templateVolume, usesIstioCni } from "../../doctor/facts/socket-source.ts";
import { readAdmissionBinding, readAdmissionPolicy } from "../../doctor/gather/admission.ts";
import { readIstioConfigMaps, readIstiods } from "../../doctor/gather/istiods.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";

/** What the scenarios need to know of the mesh. */
export interface Mesh {
  revisions: readonly Revision[];
  /** The revision that is to inject the pods. */
  revision: string;
  trustDomain: string;
  /** Which pods have Teleport's identities: all, or those that name a template. */
  scope: InjectionScope;
  /** How sidecars get at tbot's socket. */
  socketVolume: TemplateVolume;
  /** Whether istio-cni does the work of istio-init, which needs privileges. */
  istioCni: boolean;
  /** Whether the admission policy denies: layer c is on. */
  admission: boolean;
  openShift: boolean;
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
    const candidates = ownRevisions({}, scope, all).map((revision) => ({
      revision,
      socketVolume: templateVolume(ourTemplate({}, revision.injector)?.text ?? ""),
    }));
    const own = candidates.find(({ socketVolume }) => socketVolume !== undefined);
    if (own?.socketVolume === undefined) {
      throw new CouldNotLook(
        "no istiod has the chart's injection template; install it with the values that `istio-teleport render istio` prints",
      );
    }
    return {
      revisions: all,
      revision: own.revision.name,
      // Istio's default (pkg/config/constants: DefaultClusterLocalDomain).
      trustDomain: own.revision.mesh.trustDomain ?? "cluster.local",
      scope,
      socketVolume: own.socketVolume,
      istioCni: usesIstioCni(own.revision),
      admission: await isAdmissionOn(api),
      openShift: known(await api.get(OPENSHIFT)) !== undefined,
    };
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    throw new ExitError(`Could not read the mesh: ${error.message}.`, EXIT.unavailable);
  }
}

/** Where OpenShift, and nothing else, serves its security context constraints. */
const OPENSHIFT = "/apis/security.openshift.io/v1";

/** Whether the policy is there and refuses: a binding may only warn. */
async function isAdmissionOn(api: KubeApi): Promise<boolean> {
  const [policy, binding] = await Promise.all([readAdmissionPolicy(api), readAdmissionBinding(api)]);
  return known(policy) !== undefined && known(binding)?.spec.validationActions?.includes("Deny") === true;
}
