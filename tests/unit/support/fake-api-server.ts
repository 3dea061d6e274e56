import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** What the server answers: a status and an object or a text. */
export interface ApiAnswer {
  status?: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** What a pod's port sends: an answer, `raw` bytes in its place, `extra` ones after it, or an error on the error channel. */
export type PodAnswer = { body: string; raw?: string; extra?: string } | { error: string };

/** An API server on a Unix socket, with the WebSocket side of port-forwarding as a kubelet has it. */
export interface FakeApiServer {
  /** `METHOD path?query` of each request so far. */
  requests: string[];
  close(): Promise<void>;
}

/**
 * @param answer what a request gets; `undefined` is 404
 * @param forwarded what the pod's port answers to a request's path, or on the error channel; an error for the path ""
 *   comes in one packet with the answer to the upgrade
 */
export async function fakeApiServer(
  socketPath: string,
  answer: (url: URL, method: string, body: string) => ApiAnswer | undefined,
  forwarded: (pod: string, requestPath: string) => PodAnswer = () => ({ error: "none" }),
): Promise<FakeApiServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push(`${request.method} ${request.url}`);
      reply(response, answer(urlOf(request), request.method ?? "", Buffer.concat(chunks).toString()));
    });
  });
  const open = new Set<Duplex>();
  server.on("upgrade", (request: IncomingMessage, raw: Duplex) => {
    requests.push(`${request.method} ${request.url}`);
    open.add(raw);
    const pod = /\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward/.exec(request.url ?? "");
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const name = `${pod?.[1]}/${pod?.[2]}`;
    const first = forwarded(name, "");
    raw.cork();
    raw.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\nSec-WebSocket-Accept: ${createHash("sha1").update(key).digest("base64")}\r\n\r\n`,
    );
    serveForwardedPort(raw, "error" in first ? first.error : "", (path) => forwarded(name, path));
    raw.uncork();
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    requests,
    close: () =>
      new Promise((resolve) => {
        for (const raw of open) raw.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? "/", "http://localhost");
}

function reply(response: ServerResponse, answer: ApiAnswer | undefined): void {
  const { status = 200, body, headers = {} } = answer ?? { status: 404, body: statusObject(404, "not found") };
  response.writeHead(status, headers);
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** As the API server writes an error. */
export function statusObject(code: number, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code };
}

/**
 * Frames as k8s.io/cri-streaming writes them: the port first on both channels, long answers in several messages; but each
 * message of an answer comes in two fragments with a ping between them, as anything on the way may split it (RFC 6455, 5.4).
 */
function serveForwardedPort(raw: Duplex, early: string, answer: (path: string) => PodAnswer): void {
  const send = (channel: number, bytes: Buffer) =>
    raw.write(serverFrame(Buffer.concat([Buffer.from([channel]), bytes])));
  const sendFragments = (bytes: Buffer) => {
    const half = bytes.length >> 1;
    raw.write(serverFrame(Buffer.concat([Buffer.from([0]), bytes.subarray(0, half)]), FIRST_FRAGMENT));
    raw.write(PING);
    raw.write(serverFrame(bytes.subarray(half), LAST_FRAGMENT));
  };
  send(0, Buffer.from([0x98, 0x3a]));
  send(1, Buffer.from([0x98, 0x3a]));
  raw.write(PING);
  if (early !== "") send(1, Buffer.from(early));
  let buffered = Buffer.alloc(0);
  let text = "";
  raw.on("error", () => {});
  raw.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = clientFrame(buffered); frame !== undefined; frame = clientFrame(buffered)) {
      buffered = buffered.subarray(frame.length);
      if (frame.opcode === 8) return raw.end();
      if (frame.opcode !== 2) continue;
      text += frame.payload.subarray(1).toString();
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) continue;
      const path = /^GET (\S+)/.exec(text)?.[1] ?? "";
      text = text.slice(end + 4);
      const said = answer(path);
      if ("error" in said) return send(1, Buffer.from(said.error));
      const whole = Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(said.body)}\r\n\r\n${said.body}`,
      );
      const extra = Buffer.from(said.extra ?? "");
      const all = Buffer.concat([said.raw === undefined ? whole : Buffer.from(said.raw), extra]);
      for (let at = 0; at < all.length; at += 40_000) sendFragments(all.subarray(at, at + 40_000));
    }
  });
}

const PING = Buffer.from([0x89, 0]);

/** First bytes of a binary message in one frame, and of one in two. */
const WHOLE = 0x82;
const FIRST_FRAGMENT = 0x02;
const LAST_FRAGMENT = 0x80;

function serverFrame(payload: Buffer, first = WHOLE): Buffer {
  const size = payload.length;
  if (size < 126) return Buffer.concat([Buffer.from([first, size]), payload]);
  const header = Buffer.from([first, 126, 0, 0]);
  header.writeUInt16BE(size, 2);
  return Buffer.concat([header, payload]);
}

/** A client's frame, which must be masked. */
function clientFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  if (((bytes[1] ?? 0) & 0x80) === 0) throw new Error("a client's frame is not masked");
  const start = short < 126 ? 2 : 4;
  const size = short < 126 ? short : bytes.readUInt16BE(2);
  if (bytes.length < start + 4 + size) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = bytes.subarray(start + 4, start + 4 + size).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload: Buffer.from(payload), length: start + 4 + size };
}
