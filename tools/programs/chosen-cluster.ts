import { type ClusterAccess, kubectl } from "./kubectl.ts";
import { CutOff, isUnavailable } from "./run.ts";

/** The cluster that commands go to, by a name that stays. */
export interface ChosenCluster {
  /** Names its context, also where the user left it to the kubeconfig. */
  access: ClusterAccess;
  /** For people: context and URL of the API server. */
  described: string;
}

/**
 * Settles which cluster is meant, once: somebody may choose another context in another terminal meanwhile, and Helm
 * follows HELM_KUBECONTEXT, which kubectl does not know.
 *
 * @returns the access as it is where no kubeconfig names a context, as within a pod
 */
export async function chosenCluster(access: ClusterAccess): Promise<ChosenCluster> {
  const config = await readConfig(access);
  const context = access.context ?? (config["current-context"] || undefined);
  const server = config.clusters?.[0]?.cluster?.server;
  return {
    access: context === undefined ? access : { ...access, context },
    described: `${context === undefined ? "without a context" : `context ${JSON.stringify(context)}`}${server === undefined ? "" : ` (${server})`}`,
  };
}

interface KubeConfig {
  "current-context"?: string;
  clusters?: { cluster?: { server?: string } }[] | null;
}

async function readConfig(access: ClusterAccess): Promise<KubeConfig> {
  try {
    const view = await kubectl(access, "read the kubeconfig", ["config", "view", "--minify", "--output=json"]);
    return JSON.parse(view.toString()) as KubeConfig;
  } catch (error) {
    // kubectl has found no context: whether there is a cluster all the same is what the next call tells, in better words.
    // Where it did not come to an end, there may be one, and nobody may choose another meanwhile.
    if (isUnavailable(error) && !(error instanceof CutOff)) return {};
    throw error;
  }
}
