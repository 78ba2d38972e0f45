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
 * bash cuts words at ":", "=" and "@" too, which services and addresses are full of: the words are
 * taken from the line itself, and of a candidate only what follows the last of them is given back.
 * bash puts a candidate into the line as it comes, and whoever writes to etcd names services, so
 * each is quoted. Inside quotes of the reader that would read differently: nothing is offered there.
 * Works with the bash 3.2 of macOS.
 */
const bash = `# bash completion for PROGRAM. To try it: source <(PROGRAM completion bash)
_PROGRAM() {
  local line="\${COMP_LINE:0:COMP_POINT}" current before='' breaks='' mark value rest
  local -a words
  local escaped='\\\\?'
  COMPREPLY=()
  case "\${line//$escaped/}" in *[\\'\\"]*) return ;; esac
  # Without -r: "a\\ b" is one word, and means "a b".
  read -a words <<<"$line"
  case "\${line//$escaped/x}" in *[[:space:]]) words+=('') ;; esac
  current="\${words[\${#words[@]}-1]}"
  for mark in ':' '=' '@'; do
    case "$COMP_WORDBREAKS" in *"$mark"*) breaks="$breaks$mark" ;; esac
  done
  if [ -n "$breaks" ]; then before="\${current%"\${current##*[$breaks]}"}"; fi
  while IFS=$'\\t' read -r value rest; do
    printf -v value %q "\${value#"$before"}"
    COMPREPLY+=("$value")
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
`

/** zsh quotes what it inserts, and hands over the words as they are typed: quoted. */
const zsh = `#compdef PROGRAM
# zsh completion for PROGRAM. To try it: source <(PROGRAM completion zsh)
_PROGRAM() {
  local -a candidates
  local value description
  while IFS=$'\\t' read -r value description; do
    candidates+=("\${value//:/\\:}\${description:+:$description}")
  done < <("\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  _describe 'PROGRAM' candidates
}
if [[ "\${funcstack[1]}" == _PROGRAM ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
`

/** fish quotes what it inserts. */
const fish = `# fish completion for PROGRAM. To try it: PROGRAM completion fish | source
function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`

const scripts = { bash, zsh, fish }
