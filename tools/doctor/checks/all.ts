import { ATTESTATION_CHECKS } from "./attestation.ts";
import type { Check } from "./check.ts";
import { CLUSTER_CHECKS } from "./cluster.ts";
import { csiDriver } from "./csi.ts";
import { gatewayApi } from "./gateway-api.ts";
import { IDENTITY_CHECKS } from "./identity.ts";
import { JOIN_CHECKS } from "./join.ts";
import { podCreation } from "./pod-creation.ts";
import { podRestart } from "./pod-restart.ts";
import { POLICY_CHECKS } from "./policies.ts";
import { RENEWAL_CHECKS } from "./renewal.ts";
import { SOCKET_CHECKS } from "./socket.ts";

/** Every check, in the order of the hand-offs. */
export const CHECKS: readonly Check[] = [
  ...CLUSTER_CHECKS,
  ...JOIN_CHECKS,
  ...SOCKET_CHECKS,
  csiDriver,
  podCreation,
  podRestart,
  gatewayApi,
  ...ATTESTATION_CHECKS,
  ...IDENTITY_CHECKS,
  ...POLICY_CHECKS,
  ...RENEWAL_CHECKS,
];
