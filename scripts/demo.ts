import { istioTeleport } from "../tools/program.ts";
import { systemRunner } from "../tools/programs/system-runner.ts";
import { runMain } from "../tools/terminal/run-command.ts";
import { helmOnPath } from "./pinned-helm.ts";

/** `npm run demo`: the command `demo` in a checkout, on a machine that may have no Helm. */
const command = istioTeleport(systemRunner).hook("preAction", helmOnPath);
await runMain(command, [...process.argv.slice(0, 2), "demo", ...process.argv.slice(2)]);
