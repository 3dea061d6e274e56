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
  /** What its other findings say, each at least once; default: there are none, or the same of something else. */
  readonly beside?: readonly RegExp[];
  /** Checks that must complain as well, for the same cause. */
  readonly also?: readonly string[];
  /** What may complain as well: a tbot that comes and goes answers, or does not. */
  readonly perhaps?: readonly string[];
  /** Flags of doctor beside the usual ones. */
  readonly flags?: string;
  /** Until doctor must have named it, in seconds; default 60. */
  readonly within?: number;
}

/** Cases that are broken one after the other and looked at together: none has to do with another. */
export type Phase = readonly Case[];

/** Phases that follow from a single broken state, in sequence, and what fixes all of them, in order. */
export interface Situation {
  readonly phases: readonly Phase[];
  readonly heal: readonly Step[];
}

/** A case that is fixed by itself. */
export type Curable = Case & { readonly heal: Step };

/** A situation of independent cases, for which doctor is asked once: a look takes longer than most of what it finds. */
export function together(...cases: readonly Curable[]): Situation {
  // Backwards: what several cases edit is as each found it.
  return { phases: [cases], heal: cases.map(({ heal }) => heal).toReversed() };
}

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

const kept = (namespace: string, name: string) => join(USER_DIR, `kept-${namespace}-${name}.json`);

/**
 * Edits the text in one key of a ConfigMap by sed, keeping what it was before its first edit for `restoreConfigMap`.
 * Cases that are looked at together may edit one ConfigMap.
 */
export function editConfigMap(namespace: string, name: string, script: string): string {
  const file = kept(namespace, name);
  const get = `kubectl -n ${namespace} get configmap ${name} -o json`;
  return `{ [ -e ${file} ] || ${get} > ${file}; } && ${get} | sed -E '${script}' | kubectl replace -f -`;
}

/** Takes all edits of a ConfigMap back. */
export function restoreConfigMap(namespace: string, name: string): string {
  const file = kept(namespace, name);
  return `if [ -e ${file} ]; then sed -E '/"(resourceVersion|uid|creationTimestamp)":/d' ${file} | kubectl replace -f - && rm ${file}; fi`;
}

const BINDING = "validatingadmissionpolicybinding istio-teleport-workload-identity";

const bindingThat = (action: string) =>
  `kubectl patch ${BINDING} --type=merge -p '{"spec":{"validationActions":["${action}"]}}'`;

/** The API server continues to deny for a moment. */
export const admissionAudits = `${bindingThat("Audit")} && sleep 2`;
export const admissionDenies = bindingThat("Deny");
export const deleteBinding = `kubectl delete ${BINDING} && sleep 2`;

/** Puts back what was deleted of the chart's own objects. */
export const RESTORE_CHART = "helm get manifest istio-teleport -n teleport-system | kubectl apply -f -";

export const RESTART_TBOT =
  "kubectl -n teleport-system delete pod -l app.kubernetes.io/name=tbot && kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s";

const ISTIOD = "kubectl -n istio-system";

/** Lets istiod sign certificates of so long a life; 1ms is fail-closed layer b. */
export function istiodSigns(life: string): string {
  return `${ISTIOD} set env deployment/istiod MAX_WORKLOAD_CERT_TTL=${life} && ${ISTIOD} rollout status deployment/istiod --timeout=120s`;
}

/** Starts a pod in the meshed namespace. */
export function start(name: string, annotations: object = {}): string {
  return applyMeshed(pod(name, {}, { namespace: MESHED, annotations }));
}

/** Ends it, if it is there. */
export function end(name: string): string {
  return `kubectl -n ${MESHED} delete pod ${name} --ignore-not-found --wait`;
}
