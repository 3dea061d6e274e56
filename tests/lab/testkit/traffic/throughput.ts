import { command } from "../../../../lab/machine/shell.ts";
import { inClient } from "./load.ts";

/** What one run of `measureThroughput` says. */
export interface Throughput {
  readonly requests: number;
  /** Requests that were not answered with 200. */
  readonly failed: number;
  /** Answered requests a second. */
  readonly perSecond: number;
  /** Milliseconds that 99 of 100 requests took at most. */
  readonly p99: number;
}

/** What `vegeta report -type=json` prints, as far as we read it; latencies are nanoseconds. */
interface Report {
  readonly requests: number;
  readonly throughput: number;
  readonly status_codes: Readonly<Record<string, number>>;
  readonly latencies: { readonly "99th": number };
}

/** Calls a URL as the test app's allowed client, as fast as `workers` can that each wait for the answer. */
export async function measureThroughput(url: string, workers: number, seconds: number): Promise<Throughput> {
  const attack = `vegeta attack -rate=0 -workers=${workers} -max-workers=${workers} -duration=${seconds}s -timeout=5s`;
  const report = await command(await inClient(`echo 'GET ${url}' | ${attack} | vegeta report -type=json`));
  const { requests, throughput, status_codes, latencies } = JSON.parse(report) as Report;
  return {
    requests,
    failed: requests - (status_codes["200"] ?? 0),
    perSecond: Math.round(throughput),
    p99: latencies["99th"] / 1e6,
  };
}
