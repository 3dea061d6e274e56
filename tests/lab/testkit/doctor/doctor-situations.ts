import { type Situation, together } from "./doctor-case.ts";
import { CONFIGURATION_CASES, ISSUANCE_SITUATION, PROXY_START, RENEWAL_SITUATION } from "./doctor-cases-identity.ts";
import { DAEMON_SET_SITUATION, GIVEN_CASES, TBOT_CONFIG } from "./doctor-cases-join.ts";
import { POLICY_CASES } from "./doctor-cases-policies.ts";
import {
  ADMISSION_SITUATION,
  ATTESTATION_SITUATION,
  INJECTION_CASES,
  NAMESPACE_CASES,
  POD_CASES,
} from "./doctor-cases-socket.ts";

/** Everything that the lab breaks for doctor to find. */
export const SITUATIONS: readonly Situation[] = [
  together(...GIVEN_CASES),
  DAEMON_SET_SITUATION,
  together(TBOT_CONFIG, ...INJECTION_CASES, ...CONFIGURATION_CASES),
  together(...NAMESPACE_CASES, ...POLICY_CASES),
  together(...POD_CASES, PROXY_START),
  ADMISSION_SITUATION,
  ATTESTATION_SITUATION,
  ISSUANCE_SITUATION,
  RENEWAL_SITUATION,
];
