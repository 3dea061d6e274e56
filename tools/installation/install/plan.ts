import type { ExternalCommand } from "../../programs/run.ts";

/** What a step of the installation found when it looked, without changing anything. */
export type Finding =
  | { state: "done"; found: string }
  /** Somebody else is at it, or was when it died; nobody may interfere before `until`. */
  | { state: "busy"; what: string; until: Date }
  | { state: "todo"; why: string; commands: Todo[] };

/** A command with what it is for, as sentences put it: "install istiod". */
export interface Todo {
  purpose: string;
  command: ExternalCommand;
  /** What follows works whether this succeeds or not. */
  mayFail?: true;
}

/** A step that can be asked again and again whether it is done; that answer is the only record of an installation. */
export interface Step {
  title: string;
  look(): Promise<Finding>;
}
