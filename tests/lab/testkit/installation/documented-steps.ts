import { readFileSync } from "node:fs";

/** A command block of a document, with the heading it stands under. */
export interface DocumentedStep {
  readonly heading: string;
  readonly script: string;
}

/** All ```sh blocks of a Markdown file, in order. */
export function documentedSteps(file: string): DocumentedStep[] {
  const steps: DocumentedStep[] = [];
  let heading = "";
  let block: string[] | undefined;
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (block !== undefined) {
      if (line === "```") {
        steps.push({ heading, script: block.join("\n") });
        block = undefined;
      } else {
        block.push(line);
      }
    } else if (line === "```sh") {
      block = [];
    } else if (line.startsWith("## ")) {
      heading = line.slice(3);
    }
  }
  return steps;
}

/** The block of a document under a heading that starts with `heading`; throws unless there is exactly one. */
export function documentedBlock(file: string, heading: string): string {
  const found = documentedSteps(file).filter((step) => step.heading.startsWith(heading));
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${file} has ${found.length} blocks under "${heading}"`);
  return found[0].script;
}
