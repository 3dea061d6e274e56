import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { Duplex } from "node:stream";

/**
 * The Kubernetes protocol for channels over a WebSocket: each message's first byte is the channel. Servers from 1.5 on
 * have it (k8s.io/streaming/pkg/httpstream/wsstream).
 */
const PROTOCOL = "v4.channel.k8s.io";

/** RFC 6455, 1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** An open WebSocket: the raw connection, and what came with the answer to the upgrade. */
export interface WebSocketConnection {
  raw: Duplex;
  head: Buffer;
}

/**
 * Opens a WebSocket to the server on a Unix socket.
 *
 * @returns the connection, or the status and the body of an answer that was none
 */
export function webSocket(
  socketPath: string,
  path: string,
  signal: AbortSignal,
): Promise<WebSocketConnection | { status: number; body: string }> {
  const key = randomBytes(16).toString("base64");
  return new Promise((resolve, reject) => {
    const upgrade = request({
      socketPath,
      path,
      signal,
      // A connection of its own: it never returns to HTTP, and a kept one may be closed on the other side already.
      agent: false,
      headers: {
        Host: "localhost",
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": PROTOCOL,
      },
    });
    upgrade.on("upgrade", (response, raw, head) => {
      const expected = createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64");
      if (response.headers["sec-websocket-accept"] === expected) return resolve({ raw, head });
      raw.destroy();
      reject(new Error("the server's WebSocket handshake is wrong"));
    });
    upgrade.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    upgrade.on("error", reject);
    upgrade.end();
  });
}

const OPCODE = { binary: 2, close: 8, ping: 9, pong: 10 } as const;
const DATA_CHANNEL = 0;
const ERROR_CHANNEL = 1;

/** The port's number comes first on each channel (k8s.io/cri-streaming/pkg/streaming/portforward/websocket.go). */
const PORT_BYTES = 2;

/** The TCP connection in the pod as a stream; it fails with what the kubelet says on the error channel. */
export function forwardedPort({ raw, head }: WebSocketConnection): Duplex {
  const skipped = new Map([
    [DATA_CHANNEL, 0],
    [ERROR_CHANNEL, 0],
  ]);
  const stream = new Duplex({
    read() {
      raw.resume();
    },
    write(chunk: Buffer, _, done) {
      raw.write(frame(OPCODE.binary, Buffer.concat([Buffer.from([DATA_CHANNEL]), chunk])), (error) =>
        done(error ? broken(error) : null),
      );
    },
    final(done) {
      raw.end(frame(OPCODE.close, Buffer.alloc(0)), done);
    },
    destroy(error, done) {
      raw.destroy();
      done(error);
    },
  });
  const receive = (opcode: number, payload: Buffer) => {
    if (opcode === OPCODE.ping) raw.write(frame(OPCODE.pong, payload));
    if (opcode === OPCODE.close) stream.push(null);
    if (opcode > OPCODE.binary) return;
    const channel = payload[0] ?? DATA_CHANNEL;
    const before = skipped.get(channel) ?? PORT_BYTES;
    const bytes = payload.subarray(1 + PORT_BYTES - Math.min(before, PORT_BYTES));
    skipped.set(channel, before + payload.length - 1);
    if (bytes.length === 0) return;
    if (channel === ERROR_CHANNEL) stream.destroy(new Error(bytes.toString()));
    else if (!stream.push(bytes)) raw.pause();
  };
  let buffered = head;
  const take = (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let message = nextFrame(buffered); message !== undefined; message = nextFrame(buffered)) {
      buffered = buffered.subarray(message.length);
      receive(message.opcode, message.payload);
    }
  };
  raw.on("data", take);
  raw.on("end", () => stream.push(null));
  raw.on("error", (error) => stream.destroy(broken(error)));
  take(Buffer.alloc(0));
  return stream;
}

/** The kubelet refused, and its reason was lost with the connection. */
function broken({ message }: Error): Error {
  return new Error(`the connection to the pod was cut (${message})`);
}

/** A client's frame is masked, and its length has the shortest form (RFC 6455, 5.2 and 5.3). */
function frame(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const form = size < 126 ? size : size <= 0xffff ? 126 : 127;
  const length = Buffer.alloc(form < 126 ? 0 : form === 126 ? 2 : 8);
  if (form === 126) length.writeUInt16BE(size);
  if (form === 127) length.writeBigUInt64BE(BigInt(size));
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | form]), length, mask, masked]);
}

/** The first whole frame of a server, which masks nothing; `undefined` while it has not come whole. */
function nextFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(start, start + size), length: start + size };
}
