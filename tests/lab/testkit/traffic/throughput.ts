import { command } from "../../../../lab/machine/shell.ts";
import { inClient, type Route, TEST_APP } from "./load.ts";

/** What one run of `measureThroughput` says. */
export interface Throughput {
  readonly requests: number;
  /** Requests that were not answered with 200. */
  readonly failed: number;
  /** Answered requests a second. */
  readonly perSecond: number;
  /** Milliseconds that half of the requests took at most. */
  readonly p50: number;
  /** Milliseconds that 99 of 100 requests took at most. */
  readonly p99: number;
}

/** How a client calls. */
interface Attack {
  readonly seconds: number;
  /** Requests at once: each of the workers waits for its answer. */
  readonly workers: number;
  /** Requests a second; default: as many as the workers can. */
  readonly rate?: number;
  /** Whose client calls; default: the test app's allowed one. */
  readonly route?: Route;
}

/** What `vegeta report -type=json` prints, as far as we read it; latencies are nanoseconds. */
interface Report {
  readonly requests: number;
  readonly throughput: number;
  readonly status_codes: Readonly<Record<string, number>>;
  readonly latencies: { readonly "50th": number; readonly "99th": number };
}

/** Calls a URL from a client's pod for some seconds. */
export async function measureThroughput(
  url: string,
  { seconds, workers, rate = 0, route = TEST_APP }: Attack,
): Promise<Throughput> {
  const limits = `-rate=${rate} -workers=${workers} -max-workers=${workers} -duration=${seconds}s -timeout=5s`;
  const line = `echo 'GET ${url}' | vegeta attack ${limits} | vegeta report -type=json`;
  const report = await command(await inClient(line, undefined, route));
  const { requests, throughput, status_codes, latencies } = JSON.parse(report) as Report;
  return {
    requests,
    failed: requests - (status_codes["200"] ?? 0),
    perSecond: Math.round(throughput),
    p50: latencies["50th"] / 1e6,
    p99: latencies["99th"] / 1e6,
  };
}
