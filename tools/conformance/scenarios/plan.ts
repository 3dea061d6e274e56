import { allowed } from "./allowed-200.ts";
import { ephemeralContainer } from "./ephemeral-container-refused.ts";
import { optOut } from "./opt-out-refused.ts";
import { other } from "./other-403.ts";
import { ownIdentity } from "./own-identity.ts";
import { plaintext } from "./plaintext-refused.ts";
import type { Scenario } from "./scenario.ts";
import { writableMount } from "./writable-mount-refused.ts";

/** In the order in which they are shown: a server that answers nobody makes no refusal worth anything. */
export const PLAN: readonly Scenario[] = [
  allowed,
  other,
  plaintext,
  ownIdentity,
  optOut,
  writableMount,
  ephemeralContainer,
];
