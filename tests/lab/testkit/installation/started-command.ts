import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Descendant, descendants } from "./descendants.ts";

/** How a command ended: by itself, with a code, or by a signal. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A command that runs in a process group of its own, as a shell starts it in a terminal. */
export class StartedCommand {
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  #stderr = "";

  /** @param line what bash runs; its last command takes the shell's place, so that signals reach it */
  constructor(line: string, cwd: string) {
    this.#child = spawn("bash", ["-c", line], { cwd, detached: true, stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr += chunk;
    });
    this.ended = new Promise((resolve) =>
      this.#child.on("close", (code, signal) => resolve({ code, signal, stderr: this.#stderr })),
    );
  }

  /** Waits until a program that it started runs with these words. Throws when it ends before. */
  async runs(words: string): Promise<Descendant> {
    while (this.#child.exitCode === null && this.#child.signalCode === null) {
      const found = descendants(this.#child.pid as number).find(({ command }) => command.includes(words));
      if (found !== undefined) return found;
      await sleep(20);
    }
    throw new Error(`it ended before it ran "${words}": ${this.#stderr}`);
  }

  /** Waits until it has written these words to stderr. Throws when it ends before. */
  async says(words: string): Promise<void> {
    while (!this.#stderr.includes(words)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`it ended before it said "${words}": ${this.#stderr}`);
      }
      await sleep(20);
    }
  }

  /** kill -9. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Ctrl-C: the terminal tells the whole process group. */
  interrupt(): void {
    process.kill(-(this.#child.pid as number), "SIGINT");
  }
}
