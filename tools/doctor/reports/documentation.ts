/** The page that has one section a check. */
const TROUBLESHOOTING = "docs/operate/troubleshooting.md";

/** Where a check is explained: symptom, cause, fix. */
export function documentation(id: string): string {
  return `${TROUBLESHOOTING}#${id}`;
}
