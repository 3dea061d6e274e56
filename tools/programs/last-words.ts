/** The reason in what a program wrote to stderr: its "Error: …" to the end, else its last line; one line, no controls. */
export function lastWords(stderr: string): string {
  const lines = linesOf(stderr);
  const start = lines.findLastIndex((line) => /^error: /i.test(line));
  const words = start === -1 ? lines.slice(-1) : lines.slice(start);
  return (words.join(" ") || "nothing")
    .replace(/^error: /i, "")
    .slice(0, 1000)
    .replace(/\.$/, "");
}

/** The lines of what a program wrote that hold something, without what would steer the terminal. */
export function linesOf(stderr: string): string[] {
  return (
    stderr
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what another program says must not steer the terminal
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
  );
}
