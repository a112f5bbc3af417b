import { Argument, type Command } from 'commander'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** `honeyhive-tracer completion SHELL`: a script that completes commands and options. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell, e.g. source <(honeyhive-tracer completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => void process.stdout.write(toScript(shell, program)))
}

/** Words by the commands before them: `''` for none, `config` for those of a command that has commands of its own. */
function listWords(command: Command, path: string = ''): Map<string, string[]> {
  const options = command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]))
  const commands = command.commands.map((sub) => sub.name())
  const words = new Map([[path, [...commands, ...options, '--help']]])
  for (const sub of command.commands)
    for (const [below, found] of listWords(sub, path === '' ? sub.name() : `${path} ${sub.name()}`)) words.set(below, found)
  return words
}

function toScript(shell: (typeof SHELLS)[number], program: Command): string {
  const words = listWords(program)
  return shell === 'fish' ? toFish(program.name(), words) : toBash(shell, program.name(), words)
}

/** zsh understands the script of bash once it has loaded its own translation. */
function toBash(shell: 'bash' | 'zsh', name: string, words: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...words].map(([path, found]) => `    '${path}') words='${found.join(' ')}' ;;`)
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_honeyhive_tracer() {
  local path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) case " ${[...words.keys()].join(' | ')} " in *" \${path:+$path }$word "*) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _honeyhive_tracer ${name}
`
}

function toFish(name: string, words: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...words].flatMap(([path, found]) => {
    const condition = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`
    return found.map((word) =>
      word.startsWith('--')
        ? `complete -c ${name} -n '${condition}' -l ${word.slice(2)}`
        : `complete -c ${name} -n '${condition}' -a ${word}`,
    )
  })
  return `${lines.join('\n')}\n`
}
