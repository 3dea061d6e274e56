import { type Command, CommanderError } from "commander";
import { EXIT, ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";

/**
 * Runs a command line and sets the exit code (tools/base/exit-error.ts). A failure puts one sentence on stderr; a stack
 * trace appears only for defects and only with ISTIO_TELEPORT_DEBUG=1.
 *
 * @param argv as process.argv: interpreter, script, arguments
 */
export async function runMain(command: Command, argv: readonly string[]): Promise<void> {
  throwInsteadOfExit(command);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that closed the pipe (`| head`) needs no message.
    if (error.code !== "EPIPE") report(command, `The output could not be written (${error.code}); free some space.`);
    process.exit(EXIT.unavailable);
  });
  process.stderr.off("error", goOn).on("error", goOn);
  try {
    await command.parseAsync(argv);
  } catch (error) {
    process.exitCode = fail(command, argv, error);
  }
}

/** Nobody reads stderr any more, as after the terminal was closed: what is under way still comes to its end. */
function goOn(): void {}

/** Commander's own messages are multi-line and it exits by itself; both are ours to decide, in subcommands too. */
function throwInsteadOfExit(command: Command): void {
  // A bare command is a question, not a mistake: its help is what was asked for.
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr: (text) => process.stdout.write(text) });
  for (const subcommand of command.commands) throwInsteadOfExit(subcommand);
}

function fail(command: Command, argv: readonly string[], error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0 || error.code === "commander.help") return EXIT.ok;
    const message = error.message
      .replace(/^error: /, "")
      .replace(/\s*\n\s*/g, " ")
      .replace(/\.$/, "");
    const listed = error.code === "commander.unknownCommand" ? "commands" : "flags";
    report(command, `${message}; \`${named(command, argv.slice(2))} --help\` lists the ${listed}.`);
    return EXIT.refused;
  }
  if (error instanceof ExitError) {
    report(command, error.message);
    return error.code;
  }
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0];
  report(command, `This is a bug in istio-teleport: ${message}; please report it with the command that you ran.`);
  if (process.env.ISTIO_TELEPORT_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.internal;
}

/** The command that the arguments lead to, with its parents: "istio-teleport render istio". */
function named(command: Command, args: readonly string[]): string {
  const subcommand = command.commands.find((candidate) => candidate.name() === args[0]);
  return subcommand === undefined ? command.name() : `${command.name()} ${named(subcommand, args.slice(1))}`;
}

/** Prints each sentence on its own line. */
function report(command: Command, sentences: string): void {
  process.stderr.write(`${command.name()}: ${sentences.split("\n").map(printable).join("\n")}\n`);
}
