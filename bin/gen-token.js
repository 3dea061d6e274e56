#!/usr/bin/env node
import { withVerbose } from "../dist/flags/verbose.js";
import { genTokenCommand } from "../dist/gen-token.js";
import { systemRunner } from "../dist/programs/system-runner.js";
import { runMain } from "../dist/terminal/run-command.js";

await runMain(withVerbose(systemRunner, genTokenCommand), process.argv);
