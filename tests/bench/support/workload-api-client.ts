/**
 * A client of the SPIFFE Workload API as a process of its own: asks for its X.509 SVIDs again and again, on a new connection
 * each time, with some requests at once, for some seconds. Prints how many it got. Runs on bare Node in a pod's container
 * (in-container.ts), so it imports nothing of ours.
 *
 * Arguments: socket, requests at once, seconds.
 */
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";

const [socket = "", atOnce = "", seconds = ""] = process.argv.slice(2);
/** A gRPC message without content: not compressed, of length 0. */
const EMPTY = Buffer.alloc(5);
const HEADERS = {
  ":method": "POST",
  ":path": "/SpiffeWorkloadAPI/FetchX509SVID",
  "content-type": "application/grpc",
  te: "trailers",
  "workload.spiffe.io": "true",
};

/** Resolves with the length of the first answer. */
function fetchSvids(): Promise<number> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socket) });
  const answered = new Promise<number>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request(HEADERS);
    let received = Buffer.alloc(0);
    stream.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < EMPTY.length || received.length < EMPTY.length + received.readUInt32BE(1)) return;
      stream.close(constants.NGHTTP2_CANCEL);
      resolve(received.length);
    });
    // A refusal comes without an answer: the status stands in the trailers, or in the headers if there are no others.
    for (const event of ["response", "trailers"]) {
      stream.on(event, (headers: Record<string, string>) => {
        const { "grpc-status": status, "grpc-message": message } = headers;
        if (status !== undefined && status !== "0") reject(new Error(`status ${status}: ${message}`));
      });
    }
    stream.on("error", reject);
    stream.end(EMPTY);
  });
  return answered.finally(() => session.destroy());
}

const end = Date.now() + Number(seconds) * 1000;
let fetched = 0;
async function again(): Promise<void> {
  while (Date.now() < end) {
    await fetchSvids();
    // What comes later is not of these seconds.
    if (Date.now() < end) fetched += 1;
  }
}
Promise.all(Array.from({ length: Number(atOnce) }, again)).then(
  () => process.stdout.write(`${fetched}\n`),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
