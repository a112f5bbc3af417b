// Checks that README, changelog and docs tell the truth about this checkout: links and anchors lead somewhere, named files and
// npm scripts exist, and every `ts` block that imports the package compiles against the sources.
// node scripts/check-docs.mjs [file ...]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
const scripts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts
const files = (process.argv.length > 2 ? process.argv.slice(2) : findPages()).map((file) => relative(root, resolve(file)))
const problems = []
const blocks = new Map()

for (const file of files) checkPage(file)
const compiled = checkBlocks()

for (const { file, line, text } of problems) process.stdout.write(`${file}:${line} ${text}\n`)
process.stdout.write(`${files.length} pages, ${compiled} code blocks compiled, ${problems.length} problems\n`)
process.exitCode = problems.length > 0 ? 1 : 0

function findPages() {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = ['docs', 'examples', 'bench'].filter((folder) => existsSync(join(root, folder)))
  const nested = below.flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)))
  return [...top, ...nested.filter((name) => name.endsWith('.md') && !/node_modules|docs\/reference\//.test(name))].map((name) =>
    join(root, name),
  )
}

function checkPage(file) {
  const report = (line, text) => problems.push({ file, line, text })
  for (const { line, text, fence } of readLines(file)) {
    if (fence === undefined) {
      for (const [, target] of text.replace(/`[^`]*`/g, '').matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g))
        checkLink(file, target, (why) => report(line, why))
      for (const [, code] of text.matchAll(/`([^`]+)`/g)) checkCode(code, (why) => report(line, why))
    } else {
      checkScripts(text, (why) => report(line, why))
    }
  }
}

/** Lines of a page; inside a code fence with its language, and a `ts` fence is kept for the compiler. */
function readLines(file) {
  let fence
  let block
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .map((text, index) => {
      const mark = /^\s*(`{3,}|~{3,})(\S*)/.exec(text)
      if (mark && fence === undefined) {
        fence = { mark: mark[1], language: mark[2] }
        if (['ts', 'typescript', 'tsx'].includes(fence.language)) block = { from: index + 1, lines: [] }
        return { line: index + 1, text: '', fence: '' }
      }
      if (mark && fence !== undefined && mark[1] === fence.mark && mark[2] === '') {
        if (block) blocks.set(`${file}:${block.from}`, { file, ...block })
        fence = undefined
        block = undefined
        return { line: index + 1, text: '', fence: '' }
      }
      block?.lines.push(text)
      return { line: index + 1, text, fence: fence?.language }
    })
}

function checkLink(file, target, report) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return
  const [path, anchor] = target.split('#')
  const wanted = path ? join(root, dirname(file), decodeURIComponent(path)) : join(root, file)
  if (relative(root, wanted).startsWith('docs/reference')) return
  if (!existsSync(wanted)) return report(`the link ${target} leads nowhere`)
  if (anchor && wanted.endsWith('.md') && !anchorsOf(wanted).has(anchor)) report(`the link ${target} names no heading there`)
}

function anchorsOf(path) {
  const anchors = new Set()
  const seen = new Map()
  let fenced = false
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced
    for (const [, id] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
    const heading = fenced ? null : /^#{1,6}\s+(.*?)\s*#*$/.exec(line)
    if (!heading) continue
    const text = heading[1].replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

function checkCode(code, report) {
  checkScripts(code, report)
  const path = /^(?:\.\/)?((?:src|test|docs|examples|scripts|bench|schema|\.ci)\/[\w./@-]+?)(?::\d+)?$/.exec(code)?.[1]
  if (path === undefined || path.startsWith('docs/reference') || path.startsWith('bench/results')) return
  if (!existsSync(join(root, path))) report(`there is no ${path}`)
}

function checkScripts(text, report) {
  for (const [, name] of text.matchAll(/\bnpm (?:run|run-script) (?:-s |--silent )?([\w:.-]+)/g)) {
    if (!(name in scripts)) report(`there is no script "${name}"`)
  }
  for (const [, path] of text.matchAll(/\b(?:node|tsx|vitest run) ((?:src|test|examples|scripts|bench)\/[\w./-]+)/g)) {
    if (!existsSync(join(root, path))) report(`there is no ${path}`)
  }
}

/** Compiles the blocks as files beside the sources, with their lines where they stand in the page. */
function checkBlocks() {
  const sources = new Map()
  for (const { file, from, lines } of blocks.values()) {
    const text = lines.join('\n')
    if (!/from ['"]honeyhive-tracer/.test(text)) continue
    sources.set(join(root, 'test', `docs-${basename(file, '.md')}-${from}.ts`), { file, text: `${'\n'.repeat(from)}${text}\nexport {}\n` })
  }
  if (sources.size === 0) return 0

  const { config } = ts.readConfigFile(join(root, 'test/tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, join(root, 'test'))
  const host = ts.createCompilerHost({ ...options, noEmit: true })
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => sources.has(path) || fileExists(path)
  host.readFile = (path) => sources.get(path)?.text ?? readFile(path)
  host.getSourceFile = (path, target, ...rest) =>
    sources.has(path) ? ts.createSourceFile(path, sources.get(path).text, target, true) : getSourceFile(path, target, ...rest)

  const program = ts.createProgram([...sources.keys()], { ...options, noEmit: true, noUnusedLocals: false }, host)
  for (const [path, { file }] of sources) {
    const source = program.getSourceFile(path)
    for (const { start, messageText } of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
      const line = source.getLineAndCharacterOfPosition(start ?? 0).line + 1
      problems.push({ file, line, text: ts.flattenDiagnosticMessageText(messageText, ' ') })
    }
  }
  return sources.size
}
