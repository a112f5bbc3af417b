// Checks that README, changelog and pages tell the truth about this checkout: links and anchors lead somewhere, named files, scripts and
// commands exist, and every code block is run, compiled or parsed, or says why not.
//
//   tsx scripts/check-docs.ts [page ...]
//
// A comment before a block says what is not to be expected of it: `<!-- not run: why -->`, `<!-- runs in models -->` (a folder of
// test/integrations, whose suite runs it), `<!-- runs until stopped -->` (a server).
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { type Block, isProgram, isTypeScript, type Problem, readBlocks, root } from './docs/blocks.js'
import { isCommand } from './docs/commands.js'
import { compileBlocks } from './docs/compile.js'
import { checkNames } from './docs/links.js'
import { runBlocks } from './docs/run.js'
import { checkSettings } from './docs/settings.js'

const SETTINGS = ['json', 'yaml', 'yml']
const SHELLS = ['sh', 'bash', 'console', 'powershell']
/** What is shown and not done: output, a drawing, an edit, another tool's file. */
const SHOWN = ['', 'text', 'diff', 'dockerfile', 'http']

const pages = process.argv.length > 2 ? process.argv.slice(2).map((page) => relative(root, resolve(page))) : findPages()
const blocks = pages.flatMap(readBlocks)
const programs = blocks.filter(isProgram)
const isExcused = ({ mark }: Block): boolean => mark?.kind === 'not' || mark?.kind === 'in'
const excused = programs.filter(isExcused)
const run = programs.filter((block) => !isExcused(block))
const compiled = programs.filter((block) => isTypeScript(block.language) || isExcused(block))
const parsed = blocks.filter(({ language }) => SETTINGS.includes(language))
const known = [...SETTINGS, ...SHELLS, ...SHOWN]

const problems: readonly Problem[] = [
  ...pages.flatMap(checkNames),
  ...blocks.filter((block) => !isProgram(block) && !known.includes(block.language)).map(toUnknown),
  ...excused.filter(({ mark }) => mark?.kind === 'in' && !existsSync(join(root, 'test/integrations', mark.words))).map(toNowhere),
  ...parsed.flatMap(checkSettings),
  ...compileBlocks(compiled),
  ...(await runBlocks(
    run,
    blocks.filter(({ fileName }) => fileName !== undefined),
  )),
]

for (const { page, line, text } of problems) process.stdout.write(`${page}:${line} ${text}\n`)
const commands = blocks.filter(({ language, text }) => SHELLS.includes(language) && isCommand(text))
const others = excused.filter(({ mark }) => mark?.kind === 'in').length
process.stdout.write(
  `${pages.length} pages, ${blocks.length} blocks: ${run.length} run, ${compiled.length} compiled, ${parsed.length} parsed, ` +
    `${commands.length} with checked commands, ${others} run by test:integrations, ${excused.length - others} excused; ${problems.length} problems\n`,
)
process.exitCode = problems.length > 0 ? 1 : 0

function findPages(): readonly string[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const nested = ['docs', 'examples', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  return [...top, ...nested.filter((name) => name.endsWith('.md') && !/node_modules/.test(name))]
}

function toUnknown({ page, line, language }: Block): Problem {
  return { page, line, text: `nobody checks a block of "${language}". Call it text, or add the language to scripts/check-docs.ts` }
}

function toNowhere({ page, line, mark }: Block): Problem {
  return { page, line, text: `there is no test/integrations/${mark?.words} that would run this block` }
}
