import type { EventEmitter } from "node:events";
import type { Command, Option } from "commander";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { packageVersion } from "../../tools/base/package-files.ts";
import { istioTeleport } from "../../tools/program.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";

const HEAD = `<!-- Generated from the commands' own definitions by npm run gen-schema; do not edit. -->
# Commands

Every command with its arguments, flags, defaults and exit codes, as \`--help\` prints them. [Command line](cli.md) says what the common flags mean, and which environment variables count.
`;
/** "  0   done" of a help text, and what follows on lines that are indented further. */
const EXIT_CODE = /^ {2}(\d+) +(.*)$/;

/** The page of all commands, from the definitions that the CLI itself is made of. */
export function commandReference(): string {
  const program = istioTeleport(systemRunner);
  const commands = program.commands.flatMap((command) => [command, ...command.commands]);
  return `${[HEAD, ...[program, ...commands].map(sectionOf)].join("\n")}`;
}

function sectionOf(command: Command): string {
  const help = command.createHelp();
  const { text, exitCodes } = partsOf(textAfterHelp(command));
  const options = help.visibleOptions(command).filter(({ long }) => long !== "--help" && long !== "--version");
  return [
    `## ${command.parent === null ? command.name() : pathOf(command)}\n`,
    `${sentence(command.description())}\n`,
    `\`\`\`text\n${help.commandUsage(command)}\n\`\`\`\n`,
    ...(command.registeredArguments.length === 0 ? [] : [argumentTable(command)]),
    ...(options.length === 0 ? [] : [optionTable(options)]),
    ...(text === "" ? [] : [`\`\`\`text\n${text}\n\`\`\`\n`]),
    ...(exitCodes.length === 0 ? [] : [table(["Exit code", "Meaning"], exitCodes)]),
  ].join("\n");
}

/** `graph learn` */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name();
}

function argumentTable({ registeredArguments }: Command): string {
  const rows = registeredArguments.map((argument) => [
    `\`${argument.name()}\`${argument.required ? "" : ", optional"}`,
    cell([argument.description, choices(argument.argChoices)]),
    defaultOf(argument.defaultValue, argument.defaultValueDescription),
  ]);
  return table(["Argument", "Meaning", "Default"], rows);
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => [
    `\`${option.flags}\``,
    cell([option.description, choices(option.argChoices), option.mandatory ? "required" : undefined]),
    defaultOf(option.defaultValue, option.defaultValueDescription),
  ]);
  return table(["Flag", "Meaning", "Default"], rows);
}

function choices(names: readonly string[] | undefined): string | undefined {
  return names && `one of ${names.map((name) => `\`${name}\``).join(", ")}`;
}

/** Switches are off without their flag; saying so would add nothing. */
function defaultOf(value: unknown, description: string | undefined): string {
  if (description !== undefined) return escaped(description);
  return value === undefined || value === false ? "" : `\`${String(value)}\``;
}

/** What a command prints below its flags. Pages are those of the main branch, so that a new version changes nothing here. */
function textAfterHelp(command: Command): string {
  const written: string[] = [];
  // Commander's types leave out that its commands are emitters, and it has no other way to ask for these lines alone.
  const emitter = command as unknown as EventEmitter;
  emitter.emit("afterHelp", { error: false, command, write: (text: string) => written.push(text) });
  return written.join("").replaceAll(`${REPOSITORY}/blob/v${packageVersion()}/`, `${REPOSITORY}/blob/main/`).trim();
}

/** Separates the list of exit codes from the rest of a help text. */
function partsOf(help: string): { text: string; exitCodes: string[][] } {
  const [text = "", list = ""] = help.split(/^Exit codes:\n/m);
  const exitCodes = list.split("\n").flatMap((line) => {
    const [, code, meaning] = EXIT_CODE.exec(line) ?? [];
    return code === undefined || meaning === undefined ? [] : [[code, escaped(meaning)]];
  });
  return { text: text.trim(), exitCodes };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

function cell(parts: readonly (string | undefined)[]): string {
  const [description, ...more] = parts.filter((part) => part !== undefined && part !== "");
  return [escaped(description ?? ""), ...more].join("; ");
}

/** Plain text as Markdown within a table. */
function escaped(text: string): string {
  return text.replaceAll(/[|<]/g, "\\$&").replaceAll(/--[a-z][\w-]*/g, "`$&`");
}

function sentence(text: string): string {
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return capital.endsWith(".") ? capital : `${capital}.`;
}
