/** One finding of a scanner about a rendered object. */
export interface Finding {
  /** The scanner's ID of the check: CKV_K8S_17. */
  readonly check: string;
  /** What the check asks for, in the scanner's words. */
  readonly says: string;
  /** Kind, namespace and name, with dots: DaemonSet.teleport-system.tbot. */
  readonly object: string;
}

/** Findings that stay, and why. */
export interface Accepted {
  readonly check: string;
  /** Regular expressions for the whole of `object`. */
  readonly objects: readonly string[];
  readonly reason: string;
}

/**
 * What is wrong with findings or with what was accepted: a sentence for each finding that nobody accepted, and for each
 * accepted pattern that matches none.
 */
export function compareFindings(findings: readonly Finding[], accepted: readonly Accepted[]): string[] {
  const entries = accepted.flatMap(({ check, objects }) =>
    objects.map((pattern) => ({ check, pattern, expression: new RegExp(`^(?:${pattern})$`) })),
  );
  const accepts = (entry: (typeof entries)[number], { check, object }: Finding) =>
    entry.check === check && entry.expression.test(object);
  const unknown = findings
    .filter((finding) => !entries.some((entry) => accepts(entry, finding)))
    .map(({ check, says, object }) => `${object}: ${check} (${says}): mend it, or accept it with a reason`);
  const stale = entries
    .filter((entry) => !findings.some((finding) => accepts(entry, finding)))
    .map(({ check, pattern }) => `${check} is accepted for ${pattern}, where it is no longer found: remove that`);
  const unreasoned = accepted
    .filter(({ reason }) => !reason?.trim())
    .map(({ check }) => `${check} is accepted without a reason`);
  return [...new Set([...unknown, ...stale, ...unreasoned])];
}
