import { Argument, Command } from "commander";

const HELP = `
Load it in the shell, or where the shell starts:
  bash  source <(istio-teleport completion bash)
  zsh   source <(istio-teleport completion zsh)
  fish  istio-teleport completion fish | source`;

/** `istio-teleport completion`: the commands, flags and choices of this very version, for a shell. */
export function completionCommand(): Command {
  return new Command("completion")
    .description("print the completion script of a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", HELP)
    .action((shell: keyof typeof SCRIPTS, _flags: unknown, command: Command) => {
      process.stdout.write(SCRIPTS[shell](wordLists(command.parent ?? command)));
    });
}

/** What may follow a command, or a flag with choices. */
interface WordList {
  /** "istio-teleport render teleport", or with the flag at its end: "… render teleport --format". */
  after: string;
  words: readonly string[];
}

function wordLists(command: Command, parents = ""): WordList[] {
  const path = `${parents}${command.name()}`;
  const options = command.createHelp().visibleOptions(command);
  const flags = options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    { after: path, words: [...command.commands.map((sub) => sub.name()), ...choices, ...flags] },
    ...options.flatMap(({ long, argChoices }) =>
      long !== undefined && argChoices !== undefined ? [{ after: `${path} ${long}`, words: argChoices }] : [],
    ),
    ...command.commands.flatMap((sub) => wordLists(sub, `${path} `)),
  ];
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** Words of commands and flags have no blanks and nothing that a shell would read, so they stand as they are. */
function cases(lists: readonly WordList[]): string {
  return lists.map(({ after, words }) => `    "${after}") words="${words.join(" ")}" ;;\n`).join("");
}

/**
 * The way to a command is its words without flags and their operands: an operand is mistaken for a command only if it is
 * named like one. Where nothing is known, names of files are offered.
 */
function bashScript(lists: readonly WordList[]): string {
  const paths = lists.filter(({ after }) => !after.includes("--")).map(({ after }) => `"${after}"`);
  return `# bash completion of istio-teleport; load it with: source <(istio-teleport completion bash)
_istio_teleport() {
  local path=istio-teleport words="" word current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
    ${paths.slice(1).join("|")}) path="$path $word" ;;
    esac
  done
  case "$path $before" in
${cases(lists.filter(({ after }) => after.includes("--")))}  esac
  if [ -z "$words" ]; then case "$path" in
${cases(lists.filter(({ after }) => !after.includes("--")))}  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _istio_teleport istio-teleport
`;
}

/** zsh runs the completions of bash. */
function zshScript(lists: readonly WordList[]): string {
  return `# zsh completion of istio-teleport; load it with: source <(istio-teleport completion zsh)
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bashScript(lists)}`;
}

function fishScript(lists: readonly WordList[]): string {
  const lines = lists.flatMap(({ after, words }) => {
    const [path = "", flag] = after.split(" --");
    const condition = `"test (__istio_teleport_path) = '${path}'"`;
    if (flag !== undefined) return [`complete -c istio-teleport -n ${condition} -l ${flag} -x -a "${words.join(" ")}"`];
    return [`complete -c istio-teleport -n ${condition} -a "${words.join(" ")}"`];
  });
  const paths = lists.filter(({ after }) => !after.includes("--")).map(({ after }) => `'${after}'`);
  return `# fish completion of istio-teleport; load it with: istio-teleport completion fish | source
function __istio_teleport_path
  set -l path istio-teleport
  for word in (commandline -opc)[2..-1]
    if contains -- "$path $word" ${paths.join(" ")}
      set path "$path $word"
    end
  end
  echo $path
end
${lines.join("\n")}
`;
}
