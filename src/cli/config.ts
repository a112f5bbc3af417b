import type { Command } from 'commander'
import { toOneLine } from '../terminal-text.js'
import { createStyle } from './style.js'

/** `honeyhive-tracer config check FILE`: reads a tracer file as `loadTracers` would. */
export function addConfigCommand(program: Command): void {
  program
    .command('config')
    .description('look at configuration files')
    .command('check <file>')
    .description('read a tracer file and report every mistake with file, line and column')
    .action(checkFile)
}

async function checkFile(file: string): Promise<void> {
  const { loadTracerDefinitions } = await import('../config/file.js')
  const style = createStyle()
  const tracers = loadTracerDefinitions(file)
  process.stdout.write(`${style.green('ok')} ${toOneLine(file)}: ${tracers.size} tracer${tracers.size === 1 ? '' : 's'}\n`)
  for (const [name, { project, source, apiKey }] of tracers) {
    const labels = [project, source].filter((label) => typeof label === 'string')
    const state = typeof apiKey === 'string' && apiKey.trim() !== '' ? '' : style.yellow(' (no apiKey: disabled unless HH_API_KEY is set)')
    process.stdout.write(`  ${toOneLine(name)}${labels.length === 0 ? '' : style.dim(toOneLine(`  ${labels.join(' · ')}`))}${state}\n`)
  }
}
