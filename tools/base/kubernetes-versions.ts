import type { Version } from "./versions.ts";

/** The oldest version that the chart supports: `kubeVersion` in chart/Chart.yaml. */
export const OLDEST_KUBERNETES: Version = { major: 1, minor: 27 };

/** ValidatingAdmissionPolicy is stable from here on (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/). */
export const WITH_ADMISSION_POLICIES: Version = { major: 1, minor: 30 };

/** Kubelets accept the right to nodes/pods from here on, older ones only that to nodes/proxy (KEP-2862, on by default). */
export const WITH_FINE_GRAINED_KUBELET: Version = { major: 1, minor: 33 };
