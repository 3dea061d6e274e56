#!/usr/bin/env node
import { genTokenCommand } from "../dist/gen-token.js";
import { systemRunner } from "../dist/programs/system-runner.js";
import { runMain } from "../dist/terminal/run-command.js";

await runMain(genTokenCommand(systemRunner), process.argv);
