import type { Release } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import type { ExternalCommand } from "../../programs/run.ts";
import type { Values } from "../../values/types.ts";
import type { Todo } from "../install/plan.ts";

/** What a stage of the clean-up has to do, and what it leaves: one sentence each, with the reason. */
export interface Finding {
  commands: Todo[];
  /** Commands that are the user's to run. */
  forUser?: ExternalCommand[];
  left: string[];
}

/** What all stages know. */
export interface Scene {
  access: ClusterAccess;
  values: Values;
  withIstio: boolean;
  timeoutSeconds: number;
  /** The releases that go, or have gone in an earlier stage of this run. */
  removed: readonly Release[];
}

/** One part of the clean-up; it looks anew each time, and only at what there is. */
export interface Stage {
  title: string;
  look(): Promise<Finding>;
}
