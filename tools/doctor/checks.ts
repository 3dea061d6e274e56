import type { Check } from "./check.ts";
import { ATTESTATION_CHECKS } from "./checks/attestation.ts";
import { CLUSTER_CHECKS } from "./checks/cluster.ts";
import { IDENTITY_CHECKS } from "./checks/identity.ts";
import { JOIN_CHECKS } from "./checks/join.ts";
import { POLICY_CHECKS } from "./checks/policies.ts";
import { RENEWAL_CHECKS } from "./checks/renewal.ts";
import { SOCKET_CHECKS } from "./checks/socket.ts";

/** Every check, in the order of the hand-offs. */
export const CHECKS: readonly Check[] = [
  ...CLUSTER_CHECKS,
  ...JOIN_CHECKS,
  ...SOCKET_CHECKS,
  ...ATTESTATION_CHECKS,
  ...IDENTITY_CHECKS,
  ...POLICY_CHECKS,
  ...RENEWAL_CHECKS,
];
