import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ExitError } from "../../base/exit-error.ts";

/**
 * The lines of a file, or of stdin for `-`, as they arrive. What gzip has compressed is unpacked, whatever its name. A file
 * that is one JSON value over many lines, as cloud CLIs print it, is one line.
 *
 * @throws ExitError (refused) while reading, when the file cannot be read
 */
export async function* linesOf(file: string, stdin: Readable = process.stdin): AsyncGenerator<string> {
  try {
    yield* joined(split(await unpacked(file === "-" ? stdin : createReadStream(file))));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const reason = REASONS[code] ?? `fails (${code})`;
    const fix = code.startsWith("Z_")
      ? "copy it again from its source"
      : "name an existing file with --log, or - for stdin";
    throw new ExitError(`The access log ${file} ${reason}: ${fix}.`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EISDIR: "is a directory",
  Z_BUF_ERROR: "is compressed, and its end is missing",
  Z_DATA_ERROR: "is compressed, and damaged",
};

/** The text of a stream; gzip's data begins with a number of its own (RFC 1952). */
async function unpacked(input: Readable): Promise<AsyncIterable<string>> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  const first = await chunks.next();
  if (first.done) return Readable.from([""]);
  async function* all(): AsyncGenerator<Buffer> {
    yield Buffer.from(first.value as string);
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      yield Buffer.from(next.value as string);
  }
  const source = Readable.from(all());
  const start = Buffer.from(first.value as string);
  if (start[0] !== 0x1f || start[1] !== 0x8b) return source.setEncoding("utf8");
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  return source.pipe(gunzip).setEncoding("utf8");
}

async function* split(input: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Lines as they are, or all as one where the first one only opens a JSON value. */
async function* joined(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let whole: string[] | undefined;
  let isFirst = true;
  for await (const line of lines) {
    if (isFirst && line.trim() === "") continue;
    if (isFirst && /^\s*[[{]\s*$/.test(line)) whole = [];
    isFirst = false;
    if (whole === undefined) yield line;
    else whole.push(line);
  }
  if (whole !== undefined) yield whole.join("\n");
}
