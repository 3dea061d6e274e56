import { runMain } from "./lib/run-command.ts";
import { istioTeleport } from "./program.ts";

await runMain(istioTeleport(), process.argv);
