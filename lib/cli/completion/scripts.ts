/** The completion scripts. They know no command: each asks `barnabas __complete`, so that there is one place that knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const BASH = String.raw`# bash completion of barnabas
_barnabas() {
  local words=() word value meaning
  # Bash takes "--flag=value" apart: put it together again.
  for word in "${"$"}{COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${"$"}{#words[@]} -gt 0 && ( "$word" == "=" || "${"$"}{words[-1]}" == --*= ) ]]; then words[-1]+="$word"; else words+=("$word"); fi
  done
  COMPREPLY=()
  while IFS=$'\t' read -r value meaning; do
    if [[ "$value" == ":files" ]]; then compopt -o default; else COMPREPLY+=("$value"); fi
  done < <("${"$"}{COMP_WORDS[0]}" __complete bash -- "${"$"}{words[@]}" 2>/dev/null)
  [[ ${"$"}{#COMPREPLY[@]} -eq 1 && "${"$"}{COMPREPLY[0]}" == *= ]] && compopt -o nospace
}
complete -F _barnabas barnabas
`;

const ZSH = String.raw`#compdef barnabas
# zsh completion of barnabas
_barnabas() {
  local line
  local -a found
  for line in "${"$"}{(@f)$("${"$"}{words[1]}" __complete zsh -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ "$line" == ":files" ]]; then _files; return; fi
    [[ -n "$line" ]] && found+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
  done
  _describe 'barnabas' found
}
if [[ "$funcstack[1]" == "_barnabas" ]]; then _barnabas "$@"; else compdef _barnabas barnabas; fi
`;

const FISH = String.raw`# fish completion of barnabas
function __barnabas_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete fish -- $words[2..-1] 2>/dev/null)
  if test "$found[-1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $found
  end
end
complete -c barnabas -f -a '(__barnabas_complete)'
`;

export const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = { bash: BASH, zsh: ZSH, fish: FISH };
