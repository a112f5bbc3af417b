import { Command } from 'commander'
import { addCompletionCommand } from '../../src/cli/completion.js'
import { addConfigCommand } from '../../src/cli/config.js'
import { addDevCommand } from '../../src/cli/dev.js'
import { addDoctorCommand } from '../../src/cli/doctor.js'
import { addEvalCommand } from '../../src/cli/eval.js'
import { addTracesCommand } from '../../src/cli/traces.js'
import { addTransferCommands } from '../../src/cli/transfer.js'

const program = new Command('honeyhive-tracer').version('0')
for (const add of [
  addDevCommand,
  addDoctorCommand,
  addConfigCommand,
  addTracesCommand,
  addTransferCommands,
  addEvalCommand,
  addCompletionCommand,
])
  add(program)

/** As it is typed; `npm install honeyhive-tracer …` is none. */
const CALL = /(?:^|npx (?:--yes )?)honeyhive-tracer ((?:[^\n|;&#`\\]|\\\n)+)/gm

/** What in a text is a call of our command: sub-commands and options that do not exist. */
export function checkCommands(text: string): readonly string[] {
  const calls = [...text.matchAll(CALL)].map(([, rest = '']) => rest.split(/\s+/).filter(Boolean))
  return calls.flatMap(checkCall)
}

/** Whether a text calls our command. */
export function isCommand(text: string): boolean {
  return text.search(CALL) >= 0
}

function checkCall(words: readonly string[]): readonly string[] {
  let command = program
  let at = 0
  for (let next = find(command, words[at]); next !== undefined; next = find(command, words[++at])) command = next
  if (command === program && !words[0]?.startsWith('-')) return [`there is no command "honeyhive-tracer ${words[0]}"`]
  const known = new Set(['--help', '-h', ...command.options.flatMap(({ long, short }) => [long, short])])
  return words
    .slice(at)
    .filter((word) => /^--?[a-z]/i.test(word))
    .map((word) => word.replace(/=.*/, ''))
    .filter((word) => !known.has(word))
    .map((word) => `"${command.name()}" has no option ${word}`)
}

function find(command: Command, word: string | undefined): Command | undefined {
  return command.commands.find((one) => one.name() === word)
}
