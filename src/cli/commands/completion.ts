/** Prints a script for a shell. At each Tab the script asks `__complete` (`completion/complete.ts`). */

import { type Command, PROGRAM } from "../command.ts";
import { EXITS } from "../exit.ts";
import { COMPLETE } from "./completion/complete.ts";
import type { Shell } from "./completion/shells.ts";

export const completion: Command = {
  name: "completion",
  summary: "print a script that completes this program's words in a shell",
  description:
    "It completes commands, flags, their values, and the applications and versions in the store that the settings name.",
  positionals: [{ name: "bash|zsh|fish", summary: "the shell", required: true }],
  options: [],
  examples: [
    { line: `completion bash > /etc/bash_completion.d/${PROGRAM}`, meaning: "for all users of bash" },
    { line: `completion zsh > "\${fpath[1]}/_${PROGRAM}"`, meaning: "for zsh" },
    { line: `completion fish > ~/.config/fish/completions/${PROGRAM}.fish`, meaning: "for fish" },
  ],

  async run({ positionals: [shell], io }) {
    io.stdout.write(SCRIPTS[shell as Shell]);
    return EXITS.ok.status;
  },
};

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# ${PROGRAM} completion for bash; made by \`${PROGRAM} completion bash\`
_maxwells_daemon() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($("\${COMP_WORDS[0]}" ${COMPLETE} bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null))
  [[ \${COMPREPLY[0]} == :files ]] || return 0
  [[ $current == "=" ]] && current=
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _maxwells_daemon ${PROGRAM}
`,
  zsh: `#compdef ${PROGRAM}
# made by \`${PROGRAM} completion zsh\`
_maxwells_daemon() {
  local -a found=("\${(@f)$("\${(Q)words[1]}" ${COMPLETE} zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  if [[ $found[1] == :files ]]; then
    compset -P '*='
    _files
  elif [[ -n $found[1] ]]; then
    _describe word found
  fi
}
if [[ $funcstack[1] == _${PROGRAM} ]]; then _maxwells_daemon "$@"; else compdef _maxwells_daemon ${PROGRAM}; fi
`,
  fish: `# ${PROGRAM} completion for fish; made by \`${PROGRAM} completion fish\`
function __maxwells_daemon
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l found ($words[1] ${COMPLETE} fish $words[2..] "$current" 2>/dev/null </dev/null)
  if test "$found" = :files
    set -l start (string match -r '^--?[a-z-]+=' -- $current)
    __fish_complete_path (string replace -r -- '^--?[a-z-]+=' '' $current) | string replace -r -- '^' "$start"
  else
    printf '%s\\n' $found
  end
end
complete -c ${PROGRAM} -f -a '(__maxwells_daemon)'
`,
};
