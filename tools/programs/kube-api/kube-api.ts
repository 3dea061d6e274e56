import { rmSync } from "node:fs";
import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import { quoted, type Shape } from "../json-from.ts";
import { accessFlags, type ClusterAccess, kubectl } from "../kubectl.ts";
import { isKubernetesObject, kubernetesList } from "../kubernetes-objects.ts";
import { withTempDir } from "../temp-dir.ts";
import { limited } from "./limited.ts";
import { forwardedPort } from "./port-forward.ts";
import { PERMISSION_MISSING, POD_GONE, type Read } from "./read.ts";

/** What a pod answered through the API server, whatever its status code. */
export interface PodAnswer {
  status: number;
  body: string;
  /** The `Date` header, milliseconds since 1970: the clock of the pod's node. */
  date: number | undefined;
  /** The `Retry-After` header in seconds. */
  retryAfter: number | undefined;
}

/** Objects of one page; more are fetched until there are none. */
const PAGE = 500;

/** Requests at a time. */
const REQUESTS = 32;

/** How long one request may take, in milliseconds. */
const TIMEOUT = 20_000;

/** The same for what the API server asks a node or a pod for, which may be silent. */
export const NODE_TIMEOUT = 8_000;

/** How often an API server that is overloaded (429) is asked, and how many seconds it may make us wait between. */
const ATTEMPTS = 4;
const LONGEST_WAIT = 10;

const MEBIBYTE = 1024 * 1024;

/** Bytes of one answer: of the API server, for a page of large objects, and of a pod, which is anybody's. */
const MOST = 256 * MEBIBYTE;
const MOST_OF_POD = 16 * MEBIBYTE;

interface Limits {
  /** Milliseconds. */
  timeout: number;
  /** Bytes. */
  most: number;
}

/**
 * The Kubernetes API through one `kubectl proxy`, so that a thousand requests cost one start of kubectl and every
 * credential plugin of the kubeconfig works. It listens on a socket in a directory that only this user may enter, and
 * is started so that it refuses what changes objects.
 */
export class KubeApi {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: REQUESTS });
  /** A request's time begins when it is its turn, not while a thousand others are before it. */
  readonly #inTurn = limited(REQUESTS);
  readonly #wait: (milliseconds: number) => Promise<unknown>;

  /** @param wait as `setTimeout` of node:timers/promises: settles after so many milliseconds */
  constructor(socketPath: string, wait: (milliseconds: number) => Promise<unknown> = sleep) {
    this.#socketPath = socketPath;
    this.#wait = wait;
  }

  /** One object or document, `undefined` where it (or its kind) does not exist. */
  async get<T>(path: string): Promise<Read<T | undefined>> {
    return this.#json({ path }, anyObject<T>());
  }

  /**
   * All objects of a list, page by page; none where the kind does not exist.
   *
   * @param fits what each must have; default: what every object has
   */
  async list<T>(path: string, fits: (value: unknown) => value is T = isKubernetesObject<T>): Promise<Read<T[]>> {
    const items: T[] = [];
    const seen = new Set<string>();
    for (let next = ""; ; ) {
      const query = `${path.includes("?") ? "&" : "?"}limit=${PAGE}${next && `&continue=${encodeURIComponent(next)}`}`;
      const page = await this.#json({ path: path + query }, kubernetesList(fits));
      if (!page.ok) return page;
      for (const item of page.value?.items ?? []) items.push(item);
      next = textAt(page.value?.metadata ?? {}, "continue");
      if (next === "") return { ok: true, value: items };
      if (seen.has(next)) return { ok: false, reason: `the API server repeats the page ${JSON.stringify(next)}` };
      seen.add(next);
    }
  }

  /** Posts a review, the one kind of object that is created to ask and never kept. */
  async review<T>(path: string, body: object): Promise<Read<T | undefined>> {
    const headers = { "Content-Type": "application/json" };
    return this.#json({ path, method: "POST", headers }, anyObject<T>(), JSON.stringify(body));
  }

  /** A text such as a log, which may take so many milliseconds. */
  async text(path: string, timeout = TIMEOUT): Promise<Read<string>> {
    const answer = await this.#request({ path }, { timeout });
    if (!answer.ok) return answer;
    return answer.value.status === 200 ? { ok: true, value: answer.value.body } : refused(answer.value);
  }

  /** The API server's clock, milliseconds since 1970. */
  async date(): Promise<Read<number>> {
    const answer = await this.#request({ path: "/version" });
    if (!answer.ok) return answer;
    const { date } = answer.value;
    return date === undefined
      ? { ok: false, reason: "the API server's answer has no date" }
      : { ok: true, value: date };
  }

  /** What a pod answers on a port that it serves plain HTTP on, through the API server (permission: get pods/proxy). */
  async fromPod(pod: { namespace: string; name: string; port: number }, path: string): Promise<Read<PodAnswer>> {
    const prefix = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}:${pod.port}/proxy`;
    const answer = await this.#request({ path: prefix + path }, { timeout: NODE_TIMEOUT, most: MOST_OF_POD });
    if (!answer.ok) return answer;
    return isStatus(answer.value.body) ? refused(answer.value) : answer;
  }

  /**
   * Bodies that a pod answers on a port of its loopback interface, as `kubectl port-forward` reaches it (permissions: get and
   * create pods/portforward).
   *
   * @param timeout for all paths together, in milliseconds
   */
  async fromLoopback(
    pod: { namespace: string; name: string; port: number },
    paths: readonly string[],
    timeout: number,
  ): Promise<Read<string[]>> {
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/portforward?ports=${pod.port}`;
    const signal = AbortSignal.timeout(timeout);
    let stream: Duplex | undefined;
    try {
      const port = await forwardedPort(this.#socketPath, path, signal);
      if ("status" in port) return port.status === 404 ? { ok: false, reason: POD_GONE } : refused(port);
      stream = port.stream;
      const agent = new OneConnection(port.stream);
      const bodies: string[] = [];
      for (const each of paths) {
        const answer = roundTrip({ agent, path: each, signal, headers: { Host: "localhost" } }, { most: MOST_OF_POD });
        const { status, body } = await Promise.race([answer, port.broken]);
        if (status !== 200) return { ok: false, reason: `the proxy's admin interface answers ${status} to ${each}` };
        bodies.push(body);
      }
      return { ok: true, value: bodies };
    } catch (error) {
      const reason = signal.aborted ? `no answer within ${timeout / 1000} s` : (error as Error).message;
      return { ok: false, reason };
    } finally {
      stream?.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(options: RequestOptions, shape: Shape<T>, body?: string): Promise<Read<T | undefined>> {
    const answer = await this.#request(options, body === undefined ? {} : { body });
    if (!answer.ok) return answer;
    if (answer.value.status === 404) return { ok: true, value: undefined };
    if (answer.value.status >= 300) return refused(answer.value);
    const value = jsonIn(answer.value.body);
    if (shape.fits(value)) return { ok: true, value };
    // As from a proxy in between that wants a person to log in.
    return {
      ok: false,
      reason: `the API server answers ${quoted(answer.value.body)} in place of ${shape.named} as JSON`,
    };
  }

  /** Asks again where the API server says when, as its priority and fairness does; others have their turn meanwhile. */
  async #request(options: RequestOptions, limits: Partial<Limits> & { body?: string } = {}): Promise<Read<PodAnswer>> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#inTurn(() => this.#send(options, { timeout: TIMEOUT, most: MOST, ...limits }));
      if (!answer.ok || answer.value.status !== 429 || attempt === ATTEMPTS) return answer;
      const { retryAfter } = answer.value;
      if (retryAfter === undefined) return answer;
      await this.#wait(Math.min(retryAfter, LONGEST_WAIT) * 1000);
    }
  }

  async #send(options: RequestOptions, { timeout, ...rest }: Limits & { body?: string }): Promise<Read<PodAnswer>> {
    const signal = AbortSignal.timeout(timeout);
    const where = { socketPath: this.#socketPath, agent: this.#agent };
    try {
      return { ok: true, value: await roundTrip({ ...where, ...options, signal }, rest) };
    } catch (error) {
      const reason = signal.aborted ? `no answer within ${timeout / 1000} s` : (error as Error).message;
      return { ok: false, reason: `the API server: ${reason}` };
    }
  }
}

/**
 * Calls `use` with the API of the cluster that kubectl talks to, and ends the proxy afterwards, whatever happens.
 *
 * @throws ExitError (unavailable) as `kubectl` does, when there is no cluster to talk to
 */
export async function withKubeApi<Result>(
  access: ClusterAccess,
  use: (api: KubeApi) => Promise<Result>,
): Promise<Result> {
  // The first call names what is wrong with kubectl or the kubeconfig, and lets a credential plugin log in.
  await kubectl(access, "reach the cluster", ["get", "--raw", "/version"]);
  return withTempDir(async (directory) => {
    const socketPath = join(directory, "api");
    const stop = await startProxy(access, socketPath);
    const api = new KubeApi(socketPath);
    try {
      return await use(api);
    } finally {
      api.close();
      await stop();
    }
  });
}

/** Reviews are posted; nothing else that would change the cluster gets through, whatever a defect of ours asks for. */
const READ_ONLY = ["--reject-methods=^(PUT|PATCH|DELETE)$", "--reject-paths=/(exec|attach|token|eviction|binding)$"];

async function startProxy(access: ClusterAccess, socketPath: string): Promise<() => Promise<void>> {
  const args = [...accessFlags(access), "proxy", `--unix-socket=${socketPath}`, ...READ_ONLY];
  return access.runner.serve(
    { program: "kubectl", args },
    {
      purpose: "read the cluster",
      ready: "Starting to serve",
      onInterrupt: () => rmSync(dirname(socketPath), { recursive: true, force: true }),
    },
  );
}

/** Lets Node's HTTP client speak over a stream that is there already. */
class OneConnection extends Agent {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#stream = stream;
  }

  override createConnection(): Duplex {
    return this.#stream;
  }

  /** The stream is no socket of the operating system, whose keep-alive and reference the agent would set. */
  override keepSocketAlive(): boolean {
    return true;
  }

  override reuseSocket(): void {}
}

/** Sends a request. Whatever the other side does, it settles: at the latest when the signal says so. */
function roundTrip(
  options: RequestOptions & { signal: AbortSignal },
  { body, most }: { body?: string; most: number },
): Promise<PodAnswer> {
  return new Promise((resolve, reject) => {
    const cut = (why: string) => reject(new Error(why));
    options.signal.addEventListener("abort", () => cut("aborted"), { once: true });
    const sent = request({ host: "localhost", ...options }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > most) response.destroy(new Error(`the answer is longer than ${most / MEBIBYTE} MiB`));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => {
        const date = Date.parse(response.headers.date ?? "");
        const retryAfter = response.headers["retry-after"];
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          date: Number.isNaN(date) ? undefined : date,
          retryAfter: retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined,
        });
      });
      response.on("close", () => cut("the answer was cut"));
    });
    sent.on("error", reject);
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      cut("the answer is a change of protocol (101)");
    });
    sent.on("close", () => cut("the connection was closed without an answer"));
    sent.end(body);
  });
}

function isStatus(body: string): boolean {
  return /^\s*\{"kind":"Status",/.test(body);
}

/** The API server's own words, which name the permission where one is missing. */
function refused({ status, body }: { status: number; body: string }): { ok: false; reason: string } {
  const answer = isStatus(body) ? jsonIn(body) : undefined;
  const said = isRecord(answer) ? textAt(answer, "message") : body.trim();
  const text = said.split("\n")[0]?.slice(0, 300) || "without a reason";
  return {
    ok: false,
    reason: status === 403 ? `${PERMISSION_MISSING} ${text}` : `the API server answers ${status}: ${text}`,
  };
}

function anyObject<T>(): Shape<T> {
  return { named: "an object", fits: (value): value is T => isRecord(value) };
}
