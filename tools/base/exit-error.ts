/**
 * How commands end. The documented exit codes (README, "Exit codes"):
 *
 * - 0: done, stdout holds the complete document.
 * - 1: refused: a flag, value, JWKS or other input is wrong; the sentence on stderr names it and the fix.
 * - 2: unavailable: something outside (cluster, kubectl, Helm, disk) did not answer or refused.
 * - 3: done; the comparison found differences.
 * - 70: a defect of istio-teleport itself (EX_SOFTWARE in sysexits.h).
 */
export const EXIT = { ok: 0, refused: 1, unavailable: 2, different: 3, internal: 70 } as const;

/**
 * An expected failure with one sentence for the user: what is wrong, naming the value, then the fix.
 * Everything else that is thrown counts as a defect and ends with exit code 70.
 */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly code: number;

  constructor(message: string, code: number = EXIT.refused) {
    super(message);
    this.code = code;
  }
}
