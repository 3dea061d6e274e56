import type { BeforeFacts } from "../../facts/before.ts";
import type { Check } from "../check.ts";
import { CLUSTER_BEFORE } from "./cluster.ts";
import { ISTIO_BEFORE } from "./istio.ts";
import { TELEPORT_BEFORE } from "./teleport.ts";

/** Every check before an installation, in the order in which a person would make them. */
export const CHECKS_BEFORE: readonly Check<BeforeFacts>[] = [...CLUSTER_BEFORE, ...TELEPORT_BEFORE, ...ISTIO_BEFORE];
