import { allowed } from "./allowed-200.ts";
import { ephemeralContainer } from "./ephemeral-container-refused.ts";
import { everyNode } from "./every-node.ts";
import { gateway } from "./gateway-identity.ts";
import { optOut } from "./opt-out-refused.ts";
import { other } from "./other-403.ts";
import { ownIdentity } from "./own-identity.ts";
import { plaintext } from "./plaintext-refused.ts";
import { matrix } from "./policy-matrix.ts";
import { renewal } from "./renewal.ts";
import type { Scenario } from "./scenario.ts";
import { workloadsStart } from "./workloads-start.ts";
import { writableMount } from "./writable-mount-refused.ts";

/**
 * In the order in which they are shown: a server that answers nobody makes no refusal worth anything, and what takes long
 * comes last. Without the first one no other can be shown.
 */
export const PLAN: readonly [Scenario, ...Scenario[]] = [
  workloadsStart,
  ownIdentity,
  allowed,
  other,
  plaintext,
  matrix,
  everyNode,
  gateway,
  optOut,
  writableMount,
  ephemeralContainer,
  renewal,
];
