import { type Command, InvalidArgumentError } from 'commander'
import type { Finding } from './finding.js'
import { toOneLine } from '../terminal-text.js'
import { createStyle } from './style.js'

/** `honeyhive-tracer doctor`: says what keeps traces from arriving, and what to do. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('find out why traces do not arrive: key, server, installed packages and, with --entry, a running program')
    .option('--entry <file>', 'start this program and look at its OpenTelemetry for a few seconds')
    .option('--import <module>', 'what node --import is given when the program is started; may be repeated', toList, [])
    .option('--seconds <number>', 'how long the program is watched', toSeconds, 5)
    .option('--json', 'one JSON object: { findings, problems }')
    .action(runDoctor)
}

interface DoctorFlags {
  readonly entry?: string
  readonly import: readonly string[]
  readonly seconds: number
  readonly json?: boolean
}

async function runDoctor({ entry, import: imports, seconds, json }: DoctorFlags): Promise<void> {
  const { readEnvironment, readSettingVariables } = await import('../config/sources.js')
  const { checkServer } = await import('./doctor-server.js')
  const { checkInstallation } = await import('./doctor-install.js')
  const { checkStart } = await import('./doctor-start.js')
  const environment = readEnvironment(readSettingVariables())
  const findings: Finding[] = environment.warnings.map((message) => ({ level: 'warning', message }))
  findings.push(...(await checkServer(environment.values)), ...(await checkStart(imports)))
  findings.push(...(await checkInstallation({ directory: process.cwd(), isWatched: entry !== undefined })))
  if (entry !== undefined) findings.push(...(await (await import('./doctor-entry.js')).checkEntry({ entry, seconds, imports })))
  const problems = findings.filter(({ level }) => level === 'problem').length
  if (json === true) process.stdout.write(`${JSON.stringify({ findings, problems })}\n`)
  else printFindings(findings)
  if (problems > 0) process.exitCode = 1
}

function printFindings(findings: readonly Finding[]): void {
  const style = createStyle()
  const marks = { ok: style.green('ok     '), warning: style.yellow('warning'), problem: style.red('problem') }
  for (const { level, message, remedy } of findings) {
    process.stdout.write(`${marks[level]} ${toOneLine(message)}\n`)
    if (remedy !== undefined) process.stdout.write(`        → ${toOneLine(remedy)}\n`)
  }
}

function toList(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

function toSeconds(text: string): number {
  const seconds = Number(text)
  if (!(seconds >= 1 && seconds <= 3600)) throw new InvalidArgumentError('Give a number from 1 to 3600.')
  return seconds
}
