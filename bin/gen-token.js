#!/usr/bin/env node
import { genTokenCommand } from "../dist/gen-token.js";
import { runMain } from "../dist/terminal/run-command.js";

await runMain(genTokenCommand(), process.argv);
