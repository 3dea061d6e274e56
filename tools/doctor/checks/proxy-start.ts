import { parse } from "yaml";
import { page } from "../../base/documentation.ts";
import { PROXY_CONTAINER } from "../../base/injection.ts";
import { isRecord } from "../../base/json-value.ts";
import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { Pod } from "../facts/objects.ts";
import { type StoppedProxy, stoppedProxy } from "../facts/stopped-proxy.ts";
import type { MeshProxy } from "../snapshot.ts";
import { type Check, type Finding, looked, problem } from "./check.ts";

/** By it a pod changes its own proxy: another socket, another CA, other variables. */
const PROXY_CONFIG = "proxy.istio.io/config";

export const proxyStart: Check = {
  id: "proxy-start",
  step: "identity",
  title: "The proxy of each meshed pod runs",
  run(facts) {
    const pods = facts.meshedPods();
    const byName = new Map(facts.proxies.map((proxy) => [`${proxy.namespace}/${proxy.pod}`, proxy]));
    const findings = pods.flatMap((pod): Finding[] => {
      const proxy = byName.get(nameOf(pod));
      const stopped = stoppedProxy(pod, proxy?.secrets);
      if (stopped === undefined) return [];
      const overrides = overridesOf(pod);
      const parts = [`its ${stopped.container} does not run (${stopped.state})`, saidLast(proxy), overrides];
      return [
        problem(
          nameOf(pod),
          parts.filter((part) => part !== "").join("; "),
          hintFor(pod, stopped, proxy, overrides !== ""),
        ),
      ];
    });
    return looked(pods.length, "meshed pod", findings);
  },
};

function saidLast(proxy: MeshProxy | undefined): string {
  const words = proxy?.lastWords;
  if (words === undefined) return "";
  if (!words.ok) return `its log could not be read: ${words.reason}`;
  return words.value === "" ? "" : `it said last: ${words.value}`;
}

/**
 * What the annotation sets, by name: the values may be secrets, as a tracer's access token or a variable with a password,
 * and reports go to other people.
 */
function overridesOf({ metadata }: Pod): string {
  const own = metadata.annotations?.[PROXY_CONFIG];
  if (own === undefined) return "";
  const names = settingsIn(own);
  const what = names.length === 0 ? "" : `: ${names.join(", ").slice(0, 300)}`;
  return `its annotation ${PROXY_CONFIG} overrides the mesh's${what}`;
}

/** "proxyMetadata.NAME", "tracing.lightstep.accessToken"; none where the text is no YAML map. */
function settingsIn(text: string): string[] {
  try {
    // Aliases may make a text of a few lines huge.
    return leaves(parse(text, { maxAliasCount: 0 }), "");
  } catch {
    return [];
  }
}

function leaves(value: unknown, path: string): string[] {
  if (!isRecord(value)) return path === "" ? [] : [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`));
}

function hintFor(
  { metadata, spec }: Pod,
  { container }: StoppedProxy,
  proxy: MeshProxy | undefined,
  overrides: boolean,
): string {
  const { namespace, name } = metadata;
  const words = proxy?.lastWords;
  if (container === "istio-validation") {
    return `Check that istio-cni runs on ${spec.nodeName}: \`kubectl -n istio-system get pods -l k8s-app=istio-cni-node -o wide\`. Then delete the pod: istio-cni sets up the network of new ones only.`;
  }
  if (container === "istio-init" && words?.ok && /permission denied|not permitted|must be root/i.test(words.value)) {
    return `Something takes NET_ADMIN or root from istio-init: allow it, or install istio-cni and set istio.cni (${page("docs/operate/csi.md")}).`;
  }
  if (overrides && container === PROXY_CONTAINER)
    return `Take what concerns the socket or the CA out of ${PROXY_CONFIG}, and restart the pod.`;
  if (words !== undefined && !words.ok && words.reason.startsWith(PERMISSION_MISSING)) {
    return `Grant get on pods/log in ${namespace}, so that doctor can read the reason.`;
  }
  if (words?.ok && /workload-spiffe-uds|SDS socket/.test(words.value)) {
    return "See tbot-nodes for its node: the agent does not start without tbot's socket. Then see socket-path and proxy-mount.";
  }
  return `Run \`kubectl -n ${namespace} describe pod ${name}\` and \`kubectl -n ${namespace} logs ${name} -c ${container}\`.`;
}
