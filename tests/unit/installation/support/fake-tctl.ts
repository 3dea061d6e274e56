import { parseAllDocuments } from "yaml";
import type { FakeCall, FakeResource, FakeState, Said } from "./fake-state.ts";

/** Verbs that change something. */
export const TCTL_CHANGES = /^tctl (create|rm) /;

/** A tctl that is logged in to the Teleport cluster of the state; its answers are those of the Teleport double. */
export function fakeTctl({ line, args, stdin }: FakeCall, { teleport }: FakeState): Said {
  const [verb, reference = ""] = args;
  const [kind, name] = reference.replace(/^tokens/, "token").split("/");
  const isIt = (resource: FakeResource) =>
    resource.kind === kind && (name === undefined || resource.metadata.name === name);
  switch (verb) {
    case "version":
      return { stdout: `Teleport v${teleport.version} git: go1.24\n` };
    case "status":
      return { stdout: `Cluster  ${teleport.clusterName}\nVersion  ${teleport.version}\n` };
    case "get": {
      const found = teleport.resources.filter(isIt);
      if (found.length === 0 && name !== undefined) return { stderr: `ERROR: ${kind} "${name}" doesn't exist\n` };
      return { stdout: JSON.stringify(found) };
    }
    case "create": {
      const created = parseAllDocuments(stdin).map((document) => document.toJS() as FakeResource);
      const isReplaced = (old: FakeResource) =>
        created.some(({ kind: own, metadata }) => own === old.kind && metadata.name === old.metadata.name);
      teleport.resources = [...teleport.resources.filter((old) => !isReplaced(old)), ...created];
      return {};
    }
    case "rm":
      teleport.resources = teleport.resources.filter((resource) => !isIt(resource));
      return {};
    default:
      return { stderr: `unexpected: ${line}` };
  }
}
