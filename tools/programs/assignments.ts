/** One value on the command line: PATH=VALUE for Helm's `--set`, or with another of Helm's flags for it. */
export type Assignment = string | { flag: "--set-string" | "--set-json" | "--set-file"; text: string };

/** The assignment as Helm's flag. */
export function setFlag(assignment: Assignment): string {
  return typeof assignment === "string" ? `--set=${assignment}` : `${assignment.flag}=${assignment.text}`;
}
