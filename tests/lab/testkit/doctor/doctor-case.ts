import { join } from "node:path";
import { USER_DIR } from "../installation/installation.ts";

/** Shell lines, or what no shell does. */
export type Step = string | (() => Promise<void>);

/** One thing that is broken in the lab, and what doctor says of it. */
export interface Case {
  /** The check that must name it. */
  readonly id: string;
  /** For people: what was done; a row of docs/proof/doctor-checks.md. */
  readonly how: string;
  readonly break: Step;
  /** What the named finding says. */
  readonly evidence: string | RegExp;
  /** Checks that must complain as well, for the same cause. */
  readonly also?: readonly string[];
  /** What may complain as well: a tbot that comes and goes answers, or does not. */
  readonly perhaps?: readonly string[];
  /** Flags of doctor beside the usual ones. */
  readonly flags?: string;
  /** Until doctor must have named it, in seconds; default 60. */
  readonly within?: number;
}

/** Cases that follow from a single broken state, in sequence, and what fixes all of them. */
export interface Situation {
  readonly cases: readonly Case[];
  readonly heal: Step;
}

/** A situation of one case. */
export function alone({ heal, ...only }: Case & { readonly heal: Step }): Situation {
  return { cases: [only], heal };
}

/** The join token that doctor is given, a file that cases may spoil. */
export const TOKEN = join(USER_DIR, "doctor-token.json");

/** Namespaces of the cases: one is meshed. */
export const MESHED = "doctor";
export const OUTSIDE = "doctor-outside";

export function apply(object: object): string {
  return `kubectl apply -f - <<'EOF'\n${JSON.stringify(object)}\nEOF`;
}

/**
 * As `apply`, for a pod in a meshed namespace. Shortly after a rollout of istiod the API server may still call the pod
 * that ended, and gets no answer from the injection webhook in time: then it is tried again.
 */
export function applyMeshed(object: object): string {
  return `for attempt in 1 2 3 4 5; do kubectl apply -f - <<'EOF' && break; sleep 2; false; done\n${JSON.stringify(object)}\nEOF`;
}

const SLEEPER = {
  name: "app",
  image: "lab.local/client:lab",
  imagePullPolicy: "Never",
  command: ["sleep", "infinity"],
};

/** A container that sleeps. */
export function sleeper(changes: object = {}): object {
  return { ...SLEEPER, ...changes };
}

/** A pod of sleeping containers, in a namespace that is not meshed unless told otherwise. */
export function pod(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: OUTSIDE, ...metadata },
    spec: { terminationGracePeriodSeconds: 1, containers: [sleeper()], ...spec },
  };
}

const KEPT = join(USER_DIR, "kept.json");

/** Edits the text in one key of a ConfigMap by sed, keeping what it was for `restoreConfigMap`. */
export function editConfigMap(namespace: string, name: string, script: string): string {
  return `kubectl -n ${namespace} get configmap ${name} -o json > ${KEPT} && sed -E '${script}' ${KEPT} | kubectl replace -f -`;
}

export const restoreConfigMap = `sed -E '/"(resourceVersion|uid|creationTimestamp)":/d' ${KEPT} | kubectl replace -f -`;

export const BINDING = "validatingadmissionpolicybinding istio-teleport-workload-identity";

/** The API server continues to deny for a moment. */
export const deleteBinding = `kubectl delete ${BINDING} && sleep 2`;

/** Puts back what was deleted of the chart's own objects. */
export const RESTORE_CHART = "helm get manifest istio-teleport -n teleport-system | kubectl apply -f -";

export const RESTART_TBOT =
  "kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot && kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s";
