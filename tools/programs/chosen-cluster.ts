import { isRecord, recordAt, textAt } from "../base/json-value.ts";
import { jsonFrom, OBJECT } from "./json-from.ts";
import { type ClusterAccess, inPodServer, kubectl, NoCluster } from "./kubectl.ts";
import { CutOff, isUnavailable } from "./run.ts";

/** The cluster that commands go to, by a name that stays. */
export interface ChosenCluster {
  /** Names its context, also where the user left it to the kubeconfig. */
  access: ClusterAccess;
  /** For people: `context "prod"`, or whose cluster it is where there is no context. */
  name: string;
  /** URL of the API server; empty where the kubeconfig says none. */
  server: string;
  /** For people: both. */
  described: string;
}

/**
 * Settles which cluster is meant, once: somebody may choose another context in another terminal meanwhile, and Helm
 * follows HELM_KUBECONTEXT, which kubectl does not know.
 *
 * @returns the access as it is where no kubeconfig names a context, as within a pod
 * @throws ExitError (unavailable) when kubectl is missing, does not come to an end or prints something else
 */
export async function chosenCluster(access: ClusterAccess): Promise<ChosenCluster> {
  const config = await readConfig(access);
  const context = access.context ?? (textAt(config, "current-context") || undefined);
  const inPod = context === undefined ? inPodServer() : undefined;
  const server = inPod ?? serverOf(config);
  const name =
    context !== undefined
      ? `context ${JSON.stringify(context)}`
      : inPod === undefined
        ? "kubectl's default cluster"
        : "this pod's cluster";
  return {
    access: context === undefined ? access : { ...access, context },
    name,
    server,
    described: server === "" ? name : `${name} (${server})`,
  };
}

function serverOf({ clusters }: Record<string, unknown>): string {
  const first: unknown = Array.isArray(clusters) ? clusters[0] : undefined;
  return isRecord(first) ? textAt(recordAt(first, "cluster"), "server") : "";
}

async function readConfig(access: ClusterAccess): Promise<Record<string, unknown>> {
  const purpose = "read the kubeconfig";
  const view = await kubectl(access, purpose, ["config", "view", "--minify", "--output=json"]).catch(async (error) => {
    // Where it did not come to an end, there may be a context, and nobody may choose another meanwhile.
    if (!isUnavailable(error) || error instanceof CutOff) throw error;
    // There may be a cluster all the same, as by `kubectl proxy --port=8080`; if not, this says it in one sentence.
    if (error instanceof NoCluster) await kubectl(access, "reach the cluster", ["get", "--raw", "/version"]);
    return undefined;
  });
  return view === undefined ? {} : jsonFrom(view, "kubectl", purpose, OBJECT);
}
