import { helmCommand, kubectlCommand } from "../../programs/cluster-commands.ts";
import { helmReleases, type Release, releaseManifest } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import type { Finding, Todo } from "./plan.ts";

/** A release that a step installs. */
export interface WantedRelease {
  name: string;
  namespace: string;
  /** Whether an existing, deployed release is as wanted; otherwise what is to change, "its values differ". */
  differs(release: Release, all: readonly Release[]): Promise<string | undefined>;
  /** What comes before Helm, a namespace for example. */
  before(): Promise<Todo[]>;
  install(release: Release | undefined, all: readonly Release[]): Todo;
}

/**
 * Looks at a release: done when it is deployed, as wanted, and all its objects are in the cluster. A release that Helm
 * never finished is recovered when nobody can be working on it any more.
 *
 * @param timeoutSeconds how long one operation of Helm may take: after that and a margin, a pending one is dead
 */
export async function lookAtRelease(
  wanted: WantedRelease,
  access: ClusterAccess,
  timeoutSeconds: number,
): Promise<Finding> {
  const all = await helmReleases(access);
  const release = all.find(({ name, namespace }) => name === wanted.name && namespace === wanted.namespace);
  const recovery: Todo[] = [];
  let why = "not installed";
  if (release?.status === "deployed") {
    const difference = (await wanted.differs(release, all)) ?? (await missingObjects(access, release));
    if (difference === undefined) return { state: "done", found: `${release.chart} ${release.version} is there` };
    why = difference;
  } else if (release !== undefined) {
    why = `the release is ${release.status}`;
    if (release.status !== "failed") {
      const until = new Date(release.updated.getTime() + (timeoutSeconds + MARGIN) * 1000);
      if (new Date() < until) {
        return {
          state: "busy",
          what: `the release ${release.name} is ${release.status} since ${time(release.updated)}`,
          until,
        };
      }
      recovery.push(recover(release, access));
    }
  }
  const commands = [...recovery, ...(await wanted.before()), wanted.install(release, all)];
  return { state: "todo", why, commands };
}

/** Seconds that clocks and Helm's own last write may take. */
const MARGIN = 10;

/** Helm refuses to touch a release whose operation was killed ("another operation … is in progress"). */
function recover({ name, namespace, status, revision }: Release, access: ClusterAccess): Todo {
  // A first revision is "rolled back" to itself, which makes what it lacks. It may serve a mesh for long already, when
  // Helm was killed while it waited: an uninstallation would take policies and injection away until they are made anew.
  // A rollback that fails (with Helm 4 for istiod, which changes its webhook itself) leaves the release failed, from
  // which an upgrade continues.
  const isGoing = status === "uninstalling";
  const args = isGoing ? ["uninstall", name] : ["rollback", name, ...(revision === 1 ? ["1"] : [])];
  return {
    purpose: `recover the release ${name}, which is ${status}`,
    command: helmCommand(access, [...args, `--namespace=${namespace}`]),
    ...(!isGoing && { mayFail: true }),
  };
}

async function missingObjects(access: ClusterAccess, release: Release): Promise<string | undefined> {
  const manifest = await releaseManifest(access, release);
  if (!/^kind:/m.test(manifest)) return undefined;
  // Without --namespace: kubectl refuses objects of other ones then, and all these charts name each object's own.
  const args = ["get", "--filename=-", "--output=name"];
  const command = kubectlCommand(access, args, manifest);
  const { code, stderr } = await access.runner.run(command, { purpose: `read the objects of ${release.name}` });
  if (code === 0) return undefined;
  const missing = [...stderr.matchAll(/: (\S+ "[^"]+") not found/g)].map(([, object]) => object);
  return missing.length === 0 ? "its objects could not all be read" : `missing: ${missing.join(", ")}`;
}

function time(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
