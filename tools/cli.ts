import { istioTeleport } from "./program.ts";
import { runMain } from "./terminal/run-command.ts";

await runMain(istioTeleport(), process.argv);
