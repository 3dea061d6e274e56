import { connect } from "node:net";
import { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/**
 * The Kubernetes protocol for channels over a WebSocket: each message's first byte is the channel. Servers from 1.5 on
 * have it (k8s.io/streaming/pkg/httpstream/wsstream).
 */
const PROTOCOL = "v4.channel.k8s.io";

const DATA_CHANNEL = 0;
const ERROR_CHANNEL = 1;

/** The port's number comes first on each channel (k8s.io/cri-streaming/pkg/streaming/portforward/websocket.go). */
const PORT_BYTES = 2;

/** Characters that are read of an answer that opens no port. */
const MOST_OF_REASON = 100_000;

/** RFC 6455, 7.4.1: the connection ended without a close frame. */
const ABNORMAL_CLOSURE = 1006;

/** An open port of a pod. */
export interface ForwardedPort {
  /** The TCP connection in the pod. */
  stream: Duplex;
  /** Rejects with what the kubelet says on the error channel, which may be before anybody reads from the stream. */
  broken: Promise<never>;
}

/**
 * Opens a forwarded port through the API server on a Unix socket.
 *
 * @param path the pod's subresource portforward, with its port
 * @returns the port, or the status and the body of an answer that opened none
 */
export async function forwardedPort(
  socketPath: string,
  path: string,
  signal: AbortSignal,
): Promise<ForwardedPort | { status: number; body: string }> {
  // Loaded only where a proxy is asked.
  const { WebSocket: Client } = await import("ws");
  return await new Promise((resolve, reject) => {
    const socket = new Client(`ws://localhost${path}`, PROTOCOL, {
      createConnection: () => connect(socketPath),
      perMessageDeflate: false,
      signal,
    });
    socket.on("unexpected-response", (_, response) => {
      let body = "";
      const settle = () => resolve({ status: response.statusCode ?? 0, body });
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
        // The reason stands in its first line, and an answer may have no end.
        if (body.length > MOST_OF_REASON) response.destroy();
      });
      response.on("error", reject);
      response.on("end", settle);
      response.on("close", settle);
    });
    socket.on("error", reject);
    // At once: the first messages may have come with the answer to the upgrade.
    socket.on("open", () => resolve(channels(socket)));
  });
}

/** Takes the two channels apart. */
function channels(socket: WebSocket): ForwardedPort {
  const skipped = new Map([
    [DATA_CHANNEL, 0],
    [ERROR_CHANNEL, 0],
  ]);
  const stream = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _, done) {
      socket.send(Buffer.concat([Buffer.from([DATA_CHANNEL]), chunk]), (error) => done(error ? cut(error) : null));
    },
    final(done) {
      socket.close();
      done();
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  const broken = new Promise<never>((_, reject) => {
    stream.on("error", reject);
    stream.on("close", () => reject(cut(new Error("it was closed"))));
  });
  broken.catch(() => {});
  socket.on("message", (message: Buffer) => {
    const channel = message[0] ?? DATA_CHANNEL;
    const before = skipped.get(channel) ?? PORT_BYTES;
    const bytes = message.subarray(1 + PORT_BYTES - Math.min(before, PORT_BYTES));
    skipped.set(channel, before + message.length - 1);
    if (bytes.length === 0) return;
    if (channel === ERROR_CHANNEL) stream.destroy(new Error(bytes.toString()));
    else if (!stream.push(bytes)) socket.pause();
  });
  socket.on("error", (error) => stream.destroy(cut(error)));
  socket.on("close", (code) => {
    if (code === ABNORMAL_CLOSURE) stream.destroy(cut(new Error("it ended without a close frame")));
    else stream.push(null);
  });
  return { stream, broken };
}

/** The kubelet refused, and its reason was lost with the connection. */
function cut({ message }: Error): Error {
  return new Error(`the connection to the pod was cut (${message})`);
}
