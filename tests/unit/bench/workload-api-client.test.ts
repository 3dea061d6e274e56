import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { transform } from "esbuild";
import { afterEach, beforeEach, expect, it } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "workload-api-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the client prints that asks a server for some tenths of a second, one request at a time. */
async function client(answer: (stream: ServerHttp2Stream) => void) {
  const socket = join(folder, "socket");
  const server = createServer();
  let asked = 0;
  server.on("stream", (stream, headers) => {
    asked += 1;
    expect(headers[":path"]).toBe("/SpiffeWorkloadAPI/FetchX509SVID");
    stream.on("error", () => {});
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const source = await readFile(repositoryPath("tests/bench/support/workload-api-client.ts"), "utf8");
  const { code: program } = await transform(source, { loader: "ts", format: "cjs" });
  const child = spawn(process.execPath, ["-", socket, "1", "0.3"]);
  child.stdin.end(program);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  server.close();
  return { stdout, stderr, code, asked };
}

const message = (length: number) => Buffer.concat([Buffer.from([0, 0, 0, 0, length]), Buffer.alloc(length)]);

it("counts answers that are complete, also those that come in parts", async () => {
  const { stdout, code, asked } = await client((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    const whole = message(20);
    stream.write(whole.subarray(0, 3));
    setImmediate(() => stream.write(whole.subarray(3)));
  });
  expect(code).toBe(0);
  expect(Number(stdout)).toBeGreaterThan(0);
  // The last one may come when the time is over.
  expect(asked - Number(stdout)).toBeLessThanOrEqual(1);
});

it("takes a refusal for an error, and prints no count", async () => {
  const refusal = { "grpc-status": "7", "grpc-message": "workload did not pass attestation for any SVIDs" };
  const { stdout, stderr, code } = await client((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...refusal }, { endStream: true });
  });
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
  expect(stderr).toBe("status 7: workload did not pass attestation for any SVIDs\n");
});
