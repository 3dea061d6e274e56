#!/usr/bin/env node
import { genTokenCommand } from "../dist/gen-token.js";
import { runMain } from "../dist/lib/run-command.js";

await runMain(genTokenCommand(), process.argv);
