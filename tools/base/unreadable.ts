const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EISDIR: "is a directory",
};

/** Why a file cannot be read, as the end of a sentence that begins with its name: "does not exist". */
export function unreadable({ code }: NodeJS.ErrnoException): string {
  return (code && REASONS[code]) ?? `is not readable (${code})`;
}
