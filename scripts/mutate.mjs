// Mutation tests: changes one thing of a source file at a time and runs the tests that should notice.
//
//   node scripts/mutate.mjs FILE[:FROM-TO] ... [--since REF] [--tests TEST ...] [--sample N] [--list] [--survivors]
//
//   FILE:FROM-TO   only these lines
//   --since REF    the lines of src that differ from that commit: HEAD for what is not committed
//   --tests TEST   test files to run for every FILE; by default the one at the mirrored path (src/a/b.ts: test/a/b.test.ts),
//                  those named after it (test/a/b-*.test.ts) and those that import the file; without any of these, those that
//                  reach it over the fewest imports, which may be many and slow
//   --sample N     N mutants of each file, spread evenly over it; by default all
//   --list         prints mutants and tests, and runs nothing
//   --survivors    prints survivors only
//
// Nothing is written to disk: Vitest is given the changed text, so that a run that is stopped leaves nothing behind. A process that a
// test starts reads the file as it is, and cannot kill a mutant. One that does not end in time counts as killed. A survivor is a
// missing test, or a change that makes no difference. Exits with 1 when one survived, with 2 when the tests fail unchanged.
import { execFileSync, fork } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
/** A mutant may take this many times as long as the tests do without it, and a little more. */
const SLOWER = 3
const GRACE_MS = 5_000
const FIRST_RUN_MS = 600_000
/** Starts the process that runs the tests of mutants. */
const SERVE = '--serve'

// ---- the mutants of a file ------------------------------------------------------------------------------------------------

/** Every change of one file: `{ start, end, text }` says what replaces which part. `<T>(…) => …` is no JSX in a `.ts` file. */
function findMutants(source, fileName) {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true)
  const mutants = []
  const change = (node, text) => mutants.push({ start: node.getStart(file), end: node.getEnd(), text })
  const visit = (node) => {
    // Types and names of other files are gone when the tests run, or break every one of them.
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (node !== file) for (const text of changesOf(node, file)) change(node, text)
    ts.forEachChild(node, visit)
  }
  visit(file)
  // What does not parse fails every test and proves nothing.
  return mutants.filter(
    (mutant) => source.slice(mutant.start, mutant.end) !== mutant.text && canBeParsed(applyTo(source, mutant), fileName),
  )
}

function applyTo(source, { start, end, text }) {
  return source.slice(0, start) + text + source.slice(end)
}

function canBeParsed(source, fileName) {
  const { diagnostics } = ts.transpileModule(source, { reportDiagnostics: true, fileName, compilerOptions: COMPILER })
  return diagnostics.length === 0
}

const COMPILER = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, jsx: ts.JsxEmit.Preserve }

const BINARY = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
  '??=': ['='],
}
const METHODS = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
  push: 'unshift',
  shift: 'pop',
  pop: 'shift',
  add: 'delete',
}
/** Calls that are left out of a chain. */
const DROPPED = new Set(['filter', 'slice', 'sort', 'reverse', 'trim'])

/** What may stand in the place of a node. */
function changesOf(node, file) {
  const text = (part) => part.getText(file)
  if (ts.isBinaryExpression(node)) {
    const [left, right, operator] = [text(node.left), text(node.right), text(node.operatorToken)]
    if (operator === '??') return [left]
    // A text that is put together has no difference.
    if (operator === '+' && [node.left, node.right].some(isText)) return []
    return (BINARY[operator] ?? []).map((other) => `${left} ${other} ${right}`)
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const isSign = node.operator === ts.SyntaxKind.ExclamationToken || node.operator === ts.SyntaxKind.MinusToken
    return isSign ? [text(node.operand)] : []
  }
  if (ts.isNumericLiteral(node)) return [`${Number(node.text.replaceAll('_', '')) + 1}`]
  if (node.kind === ts.SyntaxKind.TrueKeyword) return ['false']
  if (node.kind === ts.SyntaxKind.FalseKeyword) return ['true']
  if (ts.isConditionalExpression(node)) return [`(${text(node.whenTrue)})`, `(${text(node.whenFalse)})`]
  if (isCondition(node)) return ['true', 'false']
  if (ts.isExpressionStatement(node) || ts.isThrowStatement(node) || ts.isContinueStatement(node)) return [';']
  if (ts.isBreakStatement(node)) return ts.isCaseClause(node.parent) ? [] : [';']
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { expression: target, name } = node.expression
    if (DROPPED.has(name.text)) return [text(target)]
    const other = METHODS[name.text]
    return other === undefined ? [] : [text(node).replace(text(node.expression), `${text(target)}.${other}`)]
  }
  return []
}

function isText(node) {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)
}

// Where the condition is a comparison, turning it round and moving its bound says more.
function isCondition(node) {
  const { parent } = node
  const isTested = (ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node
  return isTested && !ts.isPrefixUnaryExpression(node)
}

// ---- which tests ----------------------------------------------------------------------------------------------------------

function findTests(file) {
  const inside = relative(join(root, 'src'), file)
  const folder = join(root, 'test', dirname(inside))
  const name = basename(inside).replace(/\.[cm]?tsx?$/, '')
  const named = existsSync(folder) ? readdirSync(folder).filter((test) => test === `${name}.test.ts` || isNamedAfter(test, name)) : []
  return [...new Set([...named.map((test) => join(folder, test)), ...findImporters(file)])]
}

/** The tests that import the file; without any, those that import what imports it, and so on. */
function findImporters(file) {
  const sources = listFiles('src', /\.tsx?$/)
  const tests = listFiles('test', /\.test\.ts$/).filter((test) => !test.startsWith(join(root, 'test', 'browser')))
  const known = new Set([file])
  for (let level = [file]; level.length > 0; ) {
    const importing = (candidates) => candidates.filter((candidate) => importsOf(candidate).some((path) => level.includes(path)))
    const found = importing(tests)
    if (found.length > 0) return found
    level = importing(sources).filter((path) => !known.has(path))
    for (const path of level) known.add(path)
  }
  return []
}

function listFiles(folder, pattern) {
  const names = readdirSync(join(root, folder), { recursive: true })
  return names.filter((name) => pattern.test(name) && !name.includes('node_modules')).map((name) => join(root, folder, name))
}

function isNamedAfter(test, name) {
  return test.startsWith(`${name}-`) && test.endsWith('.test.ts')
}

const imports = new Map()

function importsOf(path) {
  const known = imports.get(path)
  if (known !== undefined) return known
  const { importedFiles } = ts.preProcessFile(readFileSync(path, 'utf8'))
  const found = importedFiles.map(({ fileName }) => resolve(dirname(path), fileName).replace(/\.js$/, '.ts'))
  imports.set(path, found)
  return found
}

// ---- running them ---------------------------------------------------------------------------------------------------------

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      since: { type: 'string' },
      tests: { type: 'string', multiple: true, default: [] },
      sample: { type: 'string' },
      list: { type: 'boolean', default: false },
      survivors: { type: 'boolean', default: false },
    },
  })
  const targets = [...positionals, ...(values.since === undefined ? [] : listChanged(values.since))]
  if (targets.length === 0 && values.since === undefined)
    return fail('Give source files, or --since and a commit: npm run mutate -- src/values/statistics.ts')
  if (targets.length === 0) process.stdout.write(`Nothing of src differs from ${values.since}.\n`)
  const counts = { killed: 0, 'timed out': 0, survived: 0 }
  for (const target of targets) {
    const [, path, from = '1', to = 'Infinity'] = /^(.+?)(?::(\d+)-(\d+))?$/.exec(target)
    const file = resolve(path)
    if (!existsSync(file)) return fail(`No such file: ${path}`)
    const source = readFileSync(file, 'utf8')
    const lineOf = (at) => source.slice(0, at).split('\n').length
    const inside = findMutants(source, file).filter(({ start }) => lineOf(start) >= Number(from) && lineOf(start) <= Number(to))
    const mutants = spread(inside, Number(values.sample ?? inside.length))
    const tests = values.tests.length > 0 ? values.tests.map((test) => resolve(test)) : findTests(file)
    process.stdout.write(`${relative(root, file)}: ${mutants.length} mutants, ${tests.map((test) => relative(root, test)).join(' ')}\n`)
    const describe = ({ start, end, text }) =>
      `${relative(root, file)}:${lineOf(start)}  ${line(source.slice(start, end))}  ->  ${line(text)}`
    if (values.list) for (const mutant of mutants) process.stdout.write(`${describe(mutant)}\n`)
    else {
      if (tests.length === 0) return fail(`No test imports ${path}, and none is at its mirrored path. Name them with --tests.`)
      await runMutants({ file, source, mutants, tests }, (mutant, outcome) => {
        counts[outcome] += 1
        if (outcome === 'survived' || !values.survivors) process.stdout.write(`${outcome.padEnd(9)} ${describe(mutant)}\n`)
      })
    }
  }
  if (values.list) return
  const { killed, survived } = counts
  process.stdout.write(`${killed + counts['timed out']} killed (${counts['timed out']} did not end), ${survived} survived\n`)
  if (survived > 0) process.exitCode = 1
}

/** `FILE:FROM-TO` of each place of `src` that differs from the commit. */
function listChanged(since) {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 }
  const diff = execFileSync('git', ['diff', '--unified=0', '--no-prefix', '--diff-filter=AM', since, '--', 'src'], options)
  let file = ''
  return diff.split('\n').flatMap((text) => {
    file = /^\+\+\+ (.+\.tsx?)$/.exec(text)?.[1] ?? (text.startsWith('+++ ') ? '' : file)
    const [, from, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(text) ?? []
    return from === undefined || file === '' || count === '0' ? [] : [`${join(root, file)}:${from}-${Number(from) + Number(count) - 1}`]
  })
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 2
}

function spread(mutants, count) {
  if (count >= mutants.length) return mutants
  return Array.from({ length: count }, (_, i) => mutants[Math.floor((i * mutants.length) / count)])
}

function line(text) {
  const short = text.replace(/\s+/g, ' ')
  return short.length > 70 ? `${short.slice(0, 67)}...` : short
}

async function runMutants({ file, source, mutants, tests }, tell) {
  let runner = startRunner(file, tests)
  const startedMs = performance.now()
  const first = await runner.run(source, FIRST_RUN_MS)
  if (first !== 'survived') {
    runner.stop()
    if (first === 'not loaded') return fail(`No test of ${relative(root, file)} loads it in its own process.`)
    return fail(`The tests of ${relative(root, file)} fail, or do not end, without any change.`)
  }
  const limitMs = (performance.now() - startedMs) * SLOWER + GRACE_MS
  for (const mutant of mutants) {
    const outcome = await runner.run(applyTo(source, mutant), limitMs)
    if (outcome === 'not loaded') throw new Error(`The tests did not load ${relative(root, file)} again.`)
    tell(mutant, outcome)
    if (outcome !== 'timed out') continue
    runner.stop()
    runner = startRunner(file, tests)
  }
  runner.stop()
}

/** A process of its own, with those it starts: a mutant may never come back. */
function startRunner(file, tests) {
  const child = fork(import.meta.filename, [SERVE, file, ...tests], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
  process.once('exit', stop)
  return {
    run(text, limitMs) {
      return new Promise((resolveRun) => {
        const finish = (outcome) => {
          clearTimeout(timer)
          child.off('message', finish)
          child.off('exit', onExit)
          resolveRun(outcome)
        }
        // Out of memory, say.
        const onExit = () => finish('timed out')
        const timer = setTimeout(finish, limitMs, 'timed out')
        child.on('message', finish)
        child.on('exit', onExit)
        child.send(text)
      })
    },
    stop() {
      process.off('exit', stop)
      stop()
    },
  }
}

async function serve([file, ...tests]) {
  const { createVitest } = await import('vitest/node')
  let text
  let isLoaded = false
  const load = (id) => {
    if (id.split('?')[0] !== file) return undefined
    isLoaded = true
    return text
  }
  const plugin = { name: 'mutant', enforce: 'pre', load }
  const options = { root, config: join(root, 'vitest.config.ts'), watch: false, bail: 1, maxWorkers: 1, reporters: [{}] }
  const vitest = await createVitest('test', options, { plugins: [plugin] })
  const specifications = (await vitest.globTestSpecifications(tests)).filter(({ moduleId }) => tests.includes(moduleId))
  process.on('message', async (next) => {
    text = next
    isLoaded = false
    vitest.invalidateFile(file)
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
    const hasPassed = testModules.length > 0 && testModules.every((module) => module.ok()) && unhandledErrors.length === 0
    process.send(isLoaded ? (hasPassed ? 'survived' : 'killed') : 'not loaded')
  })
}

if (process.argv[2] === SERVE) await serve(process.argv.slice(3))
else await main()
