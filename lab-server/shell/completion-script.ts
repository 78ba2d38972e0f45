/** The shells that can be told how to complete. */
export const shells = ['bash', 'zsh', 'fish'] as const

/**
 * What a shell has to read so that Tab asks `<program> __complete`: the words of the line, the last
 * one as far as it is typed; the answer is one candidate a line, its description after a tab.
 */
export function completionScript(shell: (typeof shells)[number], program: string): string {
  return scripts[shell].replaceAll('PROGRAM', program)
}

/**
 * bash cuts words at ":" too, which services and addresses are full of: the words are taken from
 * the line itself, and of a candidate only what follows the last ":" is given back. Works with the
 * bash 3.2 of macOS.
 */
const bash = `# bash completion for PROGRAM. To try it: source <(PROGRAM completion bash)
_PROGRAM() {
  local line="\${COMP_LINE:0:COMP_POINT}" current before='' value rest
  local -a words
  read -r -a words <<<"$line"
  case "$line" in *[[:space:]]) words+=('') ;; esac
  current="\${words[\${#words[@]}-1]}"
  case "$COMP_WORDBREAKS" in
    *:*) case "$current" in *:*) before="\${current%:*}:" ;; esac ;;
  esac
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    COMPREPLY+=("\${value#"$before"}")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
`

const zsh = `#compdef PROGRAM
# zsh completion for PROGRAM. To try it: source <(PROGRAM completion zsh)
_PROGRAM() {
  local -a candidates
  local value description
  while IFS=$'\\t' read -r value description; do
    candidates+=("\${value//:/\\:}\${description:+:$description}")
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'PROGRAM' candidates
}
if [[ "\${funcstack[1]}" == _PROGRAM ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
`

const fish = `# fish completion for PROGRAM. To try it: PROGRAM completion fish | source
function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`

const scripts = { bash, zsh, fish }
