#!/usr/bin/env node
import { Command } from 'commander'
import { VERSION } from '../version.js'
import { addCompletionCommand } from './completion.js'
import { addConfigCommand } from './config.js'
import { addDevCommand } from './dev.js'
import { addDoctorCommand } from './doctor.js'
import { addEvalCommand } from './eval.js'
import { addTracesCommand } from './traces.js'
import { toShownLines } from '../terminal-text.js'
import { addTransferCommands } from './transfer.js'

const program = new Command('honeyhive-tracer')
  .description('Local HoneyHive server, diagnosis, traces and experiments for honeyhive-tracer.')
  .version(VERSION)
  .showHelpAfterError('(run with --help for the options)')
  .addHelpText('after', '\nExit codes: 0 fine, 1 found something wrong, 2 wrong use.')
  .exitOverride((error) => {
    // Asking for help or the version is no mistake.
    process.exitCode = error.exitCode === 0 ? 0 : 2
    throw error
  })

addDevCommand(program)
addDoctorCommand(program)
addConfigCommand(program)
addTracesCommand(program)
addTransferCommands(program)
addEvalCommand(program)
addCompletionCommand(program)

/** Commands that only show: whoever closes the pipe has seen enough. All others go on to their verdict, which is their exit code. */
const SHOWING: ReadonlySet<string> = new Set(['traces', 'export', 'dev', 'completion'])
let isShowing = true
program.hook('preAction', (_, command) => {
  isShowing = SHOWING.has(command.name())
})

// `honeyhive-tracer traces | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(1)
  if (isShowing) process.exit()
})
// Where nothing can be written there is nowhere to say so.
process.stderr.on('error', () => undefined)

try {
  await program.parseAsync()
} catch (error) {
  if (!isCommanderError(error)) {
    process.stderr.write(`${toShownLines(error instanceof Error ? error.message : String(error))}\n`)
    process.exitCode = 1
  }
}

function isCommanderError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('commander.')
}
