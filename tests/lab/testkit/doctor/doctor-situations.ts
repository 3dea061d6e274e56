import type { Situation } from "./doctor-case.ts";
import { IDENTITY_SITUATIONS } from "./doctor-cases-identity.ts";
import { JOIN_SITUATIONS } from "./doctor-cases-join.ts";
import { POLICY_SITUATIONS } from "./doctor-cases-policies.ts";
import { SOCKET_SITUATIONS } from "./doctor-cases-socket.ts";

/** Everything that the lab breaks for doctor to find. */
export const SITUATIONS: readonly Situation[] = [
  ...JOIN_SITUATIONS,
  ...SOCKET_SITUATIONS,
  ...POLICY_SITUATIONS,
  ...IDENTITY_SITUATIONS,
];
