import { NODE_IP, TELEPORT_PORT } from "../../../lab/cluster/addresses.ts";
import { shell } from "../../lab/testkit/cluster/shell.ts";

const TABLE = "inet bench_bytes";

/** Counts the bytes between all of the lab and what plays Teleport, from now on. */
export interface WireBytes {
  /** Both ways together, IP headers included, since the count began. */
  read(): Promise<number>;
  stop(): Promise<void>;
}

/** Begins to count, in the lab's own network namespace. */
export async function countWireBytes(): Promise<WireBytes> {
  const stop = async () => {
    // The first line makes the table where there is none.
    await shell("nft -f -", { input: `table ${TABLE}\ndelete table ${TABLE}\n` });
  };
  await stop();
  const rules = `table ${TABLE} {
    chain to { type filter hook input priority 0; ip daddr ${NODE_IP} tcp dport ${TELEPORT_PORT} counter; }
    chain from { type filter hook output priority 0; ip saddr ${NODE_IP} tcp sport ${TELEPORT_PORT} counter; }
  }`;
  await shell("nft -f -", { input: rules });
  return {
    async read() {
      const listed = await shell(`nft list table ${TABLE}`);
      return [...listed.matchAll(/ bytes (\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    },
    stop,
  };
}
