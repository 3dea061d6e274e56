/** Kinds of changes that Artifact Hub knows. */
type Kind = "added" | "changed" | "deprecated" | "removed" | "fixed" | "security";

/** Headings below a version → kind: Keep a Changelog's own, and those of changesets. */
const KINDS: Readonly<Record<string, Kind>> = {
  Added: "added",
  Changed: "changed",
  Deprecated: "deprecated",
  Removed: "removed",
  Fixed: "fixed",
  Security: "security",
  "Major Changes": "changed",
  "Minor Changes": "added",
  "Patch Changes": "fixed",
};

/** The section of a version without its heading; undefined if the changelog has none. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split("\n")[0]?.trim() === version);
  return section?.slice(section.indexOf("\n")).trim();
}

/** The entries of a version's section as Artifact Hub's annotation `changes` has them: each on one line. */
export function changesOf(section: string): { kind: Kind; description: string }[] {
  return section.split(/^### /m).flatMap((part) => {
    const kind = KINDS[part.split("\n")[0]?.trim() ?? ""];
    if (kind === undefined) return [];
    const entries = part.split(/^- /m).slice(1);
    return entries.map((entry) => ({ kind, description: entry.trim().replaceAll(/\s*\n\s*/g, " ") }));
  });
}
