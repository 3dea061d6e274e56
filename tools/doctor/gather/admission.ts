import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { AdmissionPolicy, AdmissionPolicyBinding } from "../facts/objects.ts";

/** Name of the admission policy that this chart makes, and of its binding. */
export const POLICY_NAME = "istio-teleport-workload-identity";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

export function readAdmissionPolicy(api: KubeApi): Promise<Read<AdmissionPolicy | undefined>> {
  return api.get<AdmissionPolicy>(`${ADMISSION}/validatingadmissionpolicies/${POLICY_NAME}`);
}

export function readAdmissionBinding(api: KubeApi): Promise<Read<AdmissionPolicyBinding | undefined>> {
  return api.get<AdmissionPolicyBinding>(`${ADMISSION}/validatingadmissionpolicybindings/${POLICY_NAME}`);
}
