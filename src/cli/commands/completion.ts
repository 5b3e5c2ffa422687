/** Completions for shells, generated from the commands' tables. */

import type { Option } from "../../config/option.ts";
import { type Command, PROGRAM, type Program, wordsOf } from "../command.ts";
import { EXITS } from "../exit.ts";
import { TOPICS } from "../topics.ts";

export const completion: Command = {
  name: "completion",
  summary: "print a script that completes this program's words in a shell",
  positionals: [{ name: "bash|zsh|fish", summary: "the shell", required: true }],
  options: [],
  examples: [
    { line: `completion bash > /etc/bash_completion.d/${PROGRAM}`, meaning: "for all users of bash" },
    { line: `completion zsh > "\${fpath[1]}/_${PROGRAM}"`, meaning: "for zsh" },
    { line: `completion fish > ~/.config/fish/completions/${PROGRAM}.fish`, meaning: "for fish" },
  ],

  async run({ positionals: [shell], program, io }) {
    const scripts: Readonly<Record<string, (program: Program) => string>> = { bash, zsh, fish };
    io.stdout.write(scripts[shell ?? ""]?.(program) ?? "");
    return EXITS.ok.status;
  },
};

/** Values of these placeholders are names of files. */
const FILES = /^(PATH|FILE)$/;

/** The words that may stand first behind a command. */
function firstWords(command: Command, program: Program): readonly string[] {
  const name = command.positionals[0]?.name;
  if (name === "COMMAND") return [...program.commands.map((each) => each.name), ...Object.keys(TOPICS)];
  return name === "VERSION" ? ["canary", "maintenance"] : wordsOf(name);
}

function everyOption({ daemon, commands }: Program): readonly Option<unknown>[] {
  const byName = new Map<string, Option<unknown>>();
  for (const option of [daemon, ...commands].flatMap((command) => command.options))
    byName.set(option.name, option);
  return [...byName.values()];
}

function flagWords(command: Command): string {
  return [...command.options.map((option) => `-${option.name}`), "-help"].join(" ");
}

function bash(program: Program): string {
  const { daemon, commands } = program;
  const options = everyOption(program);
  const withWords = options.filter((option) => wordsOf(option.placeholder).length > 0);
  const withFiles = options.filter((option) => FILES.test(option.placeholder ?? ""));
  const withOther = options.filter(
    (option) =>
      option.placeholder !== undefined &&
      option.impliedText === undefined &&
      !withWords.includes(option) &&
      !withFiles.includes(option),
  );
  const pattern = (chosen: readonly Option<unknown>[]) =>
    chosen.flatMap(({ name }) => [`-${name}`, `--${name}`]).join("|");
  return `# ${PROGRAM} completion for bash; made by \`${PROGRAM} completion bash\`
_maxwells_daemon() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words
  COMPREPLY=()
  if [[ $current == "=" ]]; then current=; fi
  if [[ $previous == "=" ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case $previous in
${withWords.map((option) => `    ${pattern([option])}) COMPREPLY=($(compgen -W "${wordsOf(option.placeholder).join(" ")}" -- "$current")); return ;;`).join("\n")}
    ${pattern(withFiles)}) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${pattern(withOther)}) return ;;
    -o) COMPREPLY=($(compgen -W "text json" -- "$current")); return ;;
  esac
  case $command in
${commands
  .map((command) => {
    const first = firstWords(command, program).join(" ");
    return `    ${command.name}) words="${flagWords(command)}"; (( COMP_CWORD == 2 )) && words="${first} $words" ;;`;
  })
  .join("\n")}
    *) words="${flagWords(daemon)}"
       (( COMP_CWORD == 1 )) && words="${commands.map((command) => command.name).join(" ")} $words" ;;
  esac
  if [[ $current == --* ]]; then words=\${words// -/ --}; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _maxwells_daemon ${PROGRAM}
`;
}

function zsh(program: Program): string {
  const { daemon, commands } = program;
  const flags = (command: Command) =>
    command.options
      .map((option) => {
        const spec = `${option.repeatable ? "*" : ""}-${option.name}[${zshText(option.summary)}]`;
        return `      ${shellQuote(option.placeholder === undefined ? spec : `${spec}${option.impliedText === undefined ? ":" : "::"}${zshText(option.placeholder)}:${zshValues(option)}`)}`;
      })
      .join(" \\\n");
  const words = (command: Command) =>
    command.positionals.map(({ name, required }, index) => {
      const values = index === 0 ? firstWords(command, program) : [];
      const action = values.length === 0 ? " " : `(${values.join(" ")})`;
      return `      ${shellQuote(`:${required ? "" : ":"}${zshText(name)}:${action}`)}`;
    });
  const argumentsOf = (command: Command) =>
    ["    _arguments", flags(command), ...words(command), "      '-help[this page]'"]
      .filter((line) => line !== "")
      .join(" \\\n");
  return `#compdef ${PROGRAM}
# made by \`${PROGRAM} completion zsh\`
_maxwells_daemon() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${shellQuote(`${name}:${zshText(summary)}`)}`).join("\n")}
  )
  local command=\${words[2]}
  if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
    _describe command commands
    return
  fi
  case $command in
${commands
  .map(
    (command) => `  ${command.name})
    shift words; (( CURRENT-- ))
${argumentsOf(command)}
    ;;`,
  )
  .join("\n")}
  *)
${argumentsOf(daemon)}
    ;;
  esac
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then _maxwells_daemon "$@"; else compdef _maxwells_daemon ${PROGRAM}; fi
`;
}

function zshValues(option: Option<unknown>): string {
  const words = wordsOf(option.placeholder);
  if (words.length > 0) return `(${words.join(" ")})`;
  return FILES.test(option.placeholder ?? "") ? "_files" : " ";
}

/** Brackets and colons have a meaning in zsh's specifications. */
function zshText(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function fish(program: Program): string {
  const { daemon, commands } = program;
  const names = commands.map((command) => command.name).join(" ");
  const line = (condition: string, rest: string) =>
    `complete -c ${PROGRAM} -n ${shellQuote(condition)} ${rest}`;
  const flags = (condition: string, command: Command) =>
    command.options.map((option) => line(condition, fishFlag(option)));
  const lines = [
    `# ${PROGRAM} completion for fish; made by \`${PROGRAM} completion fish\``,
    `complete -c ${PROGRAM} -f`,
    `complete -c ${PROGRAM} -o help -d 'this page'`,
    ...commands.map(({ name, summary }) =>
      line("__fish_use_subcommand", `-a ${name} -d ${shellQuote(summary)}`),
    ),
    ...flags(`not __fish_seen_subcommand_from ${names}`, daemon),
    ...commands.flatMap((command) => {
      const condition = `__fish_seen_subcommand_from ${command.name}`;
      const first = firstWords(command, program);
      const words = first.length === 0 ? [] : [line(condition, `-a ${shellQuote(first.join(" "))}`)];
      return [...words, ...flags(condition, command)];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function fishFlag({ name, placeholder, impliedText, summary }: Option<unknown>): string {
  const flag = `-o ${name} -d ${shellQuote(summary)}`;
  if (placeholder === undefined || impliedText !== undefined) return flag;
  if (FILES.test(placeholder)) return `${flag} -rF`;
  const words = wordsOf(placeholder);
  return words.length === 0 ? `${flag} -x` : `${flag} -x -a ${shellQuote(words.join(" "))}`;
}

/** For all three shells: fish reads `\\'` inside quotes, the others end them; so the quote is left out of texts. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
