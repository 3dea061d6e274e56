import { istioTeleport } from "./program.ts";
import { systemRunner } from "./programs/system-runner.ts";
import { runMain } from "./terminal/run-command.ts";

await runMain(istioTeleport(systemRunner), process.argv);
