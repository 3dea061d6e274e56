import { setTimeout as sleep } from "node:timers/promises";
import { livePods, type Pod } from "../cluster/pods.ts";
import { Issuers, type PresentedIdentity } from "./issuers.ts";
import { certificateOnTheWire } from "./wire.ts";

/** Teleport issues each SVID as valid since a minute ago (Teleport lib/auth/machineid/workloadidentityv1). */
const BACKDATED_MS = 60_000;

/** How often the list of pods is read; in between, and while the API server is away, the last one holds. */
const PODS_EVERY_MS = 3000;

/** What was seen from a watch's start to its end. */
export interface WireResult {
  /** Handshakes that were tried, and those in which the pod presented a certificate of Teleport's CA. */
  readonly tries: number;
  readonly ofTeleport: number;
  /** Each valid certificate that Teleport's CA did not sign. Must be empty: this is what fail-closed means. */
  readonly foreign: readonly string[];
}

/** Looks each second, from outside, at the certificate that each pod of a namespace presents in a handshake. */
export class WireWatch {
  readonly #issuers: Issuers;
  readonly #namespace: string;
  readonly #port: number;
  readonly #latest = new Map<string, PresentedIdentity | undefined>();
  readonly #foreign: string[] = [];
  #pods: readonly Pod[];
  #podsReadAt = Date.now();
  #tries = 0;
  #ofTeleport = 0;
  #running = true;
  #loop: Promise<void> = Promise.resolve();

  private constructor(issuers: Issuers, namespace: string, port: number, pods: readonly Pod[]) {
    this.#issuers = issuers;
    this.#namespace = namespace;
    this.#port = port;
    this.#pods = pods;
  }

  /** @param port any port that the pods' sidecars take connections at */
  static async start(namespace: string, port: number): Promise<WireWatch> {
    const watch = new WireWatch(await Issuers.read(), namespace, port, await livePods(namespace));
    watch.#loop = watch.#run();
    return watch;
  }

  /** What each pod presented last, by its name; undefined for one that presented nothing. */
  get latest(): ReadonlyMap<string, PresentedIdentity | undefined> {
    return this.#latest;
  }

  /** Whether every pod presents a valid certificate that Teleport's CA signed after `since`. */
  allIssuedSince(since: Date): boolean {
    // A certificate's times are whole seconds.
    const from = since.getTime() - BACKDATED_MS - 1000;
    const all = [...this.#latest.values()];
    return all.length > 0 && all.every((seen) => seen?.valid === true && seen.notBefore.getTime() >= from);
  }

  async stop(): Promise<WireResult> {
    this.#running = false;
    await this.#loop;
    return { tries: this.#tries, ofTeleport: this.#ofTeleport, foreign: this.#foreign };
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const next = sleep(1000);
      await this.#readPods();
      await Promise.all(this.#pods.map((pod) => this.#look(pod)));
      await next;
    }
  }

  async #readPods(): Promise<void> {
    if (Date.now() - this.#podsReadAt < PODS_EVERY_MS) return;
    this.#podsReadAt = Date.now();
    this.#pods = await livePods(this.#namespace).catch(() => this.#pods);
    const names = this.#pods.map(({ metadata }) => metadata.name);
    for (const name of this.#latest.keys()) if (!names.includes(name)) this.#latest.delete(name);
  }

  async #look({ metadata: { name }, status }: Pod): Promise<void> {
    this.#tries += 1;
    // A pod that is starting or stopping cannot be reached; that proves nothing, and stop() counts the others.
    const certificate =
      status.podIP === undefined
        ? undefined
        : await certificateOnTheWire(status.podIP, this.#port).catch(() => undefined);
    const seen = certificate && this.#issuers.identityOf(certificate);
    this.#latest.set(name, seen);
    if (seen?.issuer === "teleport") this.#ofTeleport += 1;
    else if (seen?.valid)
      this.#foreign.push(
        `${new Date().toISOString()} ${name}: issuer ${seen.issuer}, ${seen.spiffeId}, ${seen.serial}`,
      );
  }
}
