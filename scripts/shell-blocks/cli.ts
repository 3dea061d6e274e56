/** `tsx scripts/shell-blocks/cli.ts PAGE#NAME` prints the block of a page that the gate runs. */
import { shellBlock } from "./blocks.ts";

process.stdout.write(`${shellBlock(process.argv[2] ?? "")}\n`);
