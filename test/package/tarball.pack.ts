import { readdir, readFile, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import { build } from 'esbuild'
import { formatMessage } from 'publint/utils'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryPoints } from '../../scripts/entry-points.js'
import { evaluate, installPackage, lendPackages, readTree, repository, resolveTool, run, sizeOf } from './installed.js'
import type { Installed } from './installed.js'

interface Manifest {
  readonly exports: Record<string, unknown>
  readonly bin: Record<string, string>
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
  readonly optionalDependencies: Record<string, string>
}

/**
 * This package with the local server's page in both formats (0.6 MB), the REST client and the old package's names with their types (0.3 MB), the API, YAML, the command line; for experiments a watcher (two packages), CSV (1.6 MB) and edit distances,
 * the pages and examples (0.9 MB).
 * SDK and exporter installed by hand are 14 packages and 17 MB.
 */
const MOST_PACKAGES = 8
const MOST_MEGABYTES = 9.6

const DELIVER = `
  import { createServer } from 'node:http'
  let text = ''
  const server = createServer((request, response) => {
    request.on('data', (chunk) => { text += chunk }).on('end', () => response.setHeader('content-type', 'application/json').end('{}'))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const serverUrl = 'http://127.0.0.1:' + server.address().port
  const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', serverUrl, protocol: 'http/json', skipSessionCreation: true })
  tracer.startActiveSpan('delivered', () => undefined)
  const isClosed = await tracer.shutdown()
  console.log(JSON.stringify({ isClosed, exported: tracer.stats().exported, arrived: text.includes('"delivered"') }))
  process.exit(0)`

/** Scripts evaluated this way have no `import()`. */
const LOAD_WITH_VM = `
  import { readFileSync } from 'node:fs'
  import { createRequire } from 'node:module'
  import { Script } from 'node:vm'
  const loaded = new Map()
  function load(file) {
    if (loaded.has(file)) return loaded.get(file).exports
    const module = { exports: {} }
    loaded.set(file, module)
    const own = createRequire(file)
    const need = (id) => (/[.]c?js$/.test(own.resolve(id)) ? load(own.resolve(id)) : own(id))
    const script = new Script('(function (exports, require, module, __filename) {' + readFileSync(file, 'utf8') + '\\n})', { filename: file })
    script.runInThisContext()(module.exports, Object.assign(need, { resolve: own.resolve }), module, file)
    return module.exports
  }
  const { HoneyHiveTracer } = load(createRequire(import.meta.url).resolve('honeyhive-tracer'))`

let installed: Installed
let manifest: Manifest

beforeAll(async () => {
  installed = await installPackage()
  manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as Manifest
})
afterAll(() => installed.remove())

describe('the tarball', () => {
  test('S24 holds the build, the licences of what is built in, a folder per entry point, the schema, the pages and examples, nothing else', () => {
    const others = installed.files.filter(
      (path) =>
        !/^(dist\/.+\.(js|cjs|d\.ts|d\.cts)|dist\/page\/[\w-]+\.(html|js|css|svg|txt)|dist\/THIRD-PARTY-LICENSES\.txt|schema\/[\w.-]+\.json|[a-z]+\/package\.json|docs\/[\w/.-]+\.(md|svg|png)|examples\/[\w/.-]+)$/.test(
          path,
        ),
    )
    expect(others.toSorted()).toEqual([
      'CHANGELOG.md',
      'CODE_OF_CONDUCT.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'llms.txt',
      'package.json',
    ])
    process.stdout.write(
      `tarball: ${installed.files.length} files, ${kilobytes(installed.packedBytes)} packed, ${kilobytes(installed.unpackedBytes)} unpacked\n`,
    )
  })

  test('has no link from a page to a file that stayed behind', async () => {
    const folders = new Set(installed.files.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))))
    const pages = installed.files.filter((path) => path.endsWith('.md') || path === 'llms.txt')
    const dead: string[] = []
    for (const page of pages) {
      const text = await readFile(join(repository, page), 'utf8')
      for (const [, target = ''] of text.replace(/```[\s\S]*?```|`[^`]*`/g, '').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        const path = posix.join(posix.dirname(page), decodeURIComponent(target)).replace(/\/$/, '')
        if (!/^[a-z]+:/.test(target) && !installed.files.includes(path) && !folders.has(path)) dead.push(`${page}: ${target}`)
      }
    }
    expect(pages.length).toBeGreaterThan(30)
    expect(dead).toEqual([])
  })

  test('has a manifest in a folder for each entry point, whose files are there', async () => {
    const root = join(installed.folder, 'node_modules/honeyhive-tracer')
    for (const { key, name } of entryPoints.filter((entry) => entry.key !== '.')) {
      const redirect = JSON.parse(await readFile(join(root, key, 'package.json'), 'utf8')) as Record<string, string>
      expect(redirect).toEqual({ main: `../dist/${name}.cjs`, module: `../dist/${name}.js`, types: `../dist/${name}.d.cts` })
    }
  })

  test('contains every file its manifest points at, types for both formats included', () => {
    // Values only: a key such as "./fetch" is a name, not a file.
    const targets = [...JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"\.\/([\w./-]+)"(?!:)/g)].map(([, path = '']) => path)
    expect(targets.length).toBeGreaterThan(4 * entryPoints.length)
    expect(targets.filter((path) => !installed.files.includes(path))).toEqual([])
  })

  test('S24 shows no path of the machine it was built on', async () => {
    const telltale = [repository, process.env['HOME'] ?? repository].filter((path) => path.length > 5)
    const found: string[] = []
    for (const { path, text } of await readDist()) if (telltale.some((part) => text.includes(part))) found.push(path)
    expect(found).toEqual([])
  })

  test('S26 makes no code from text, except to compile a JSON Schema in a file that only jsonSchema loads', async () => {
    const files = await readDist(/\.(js|cjs)$/)
    const makers = files.filter(({ text }) => /\beval\(|\bnew Function\(/.test(text)).map(({ path }) => path)
    expect(makers.filter((path) => !/^json-schema-\w+\.c?js$/.test(path))).toEqual([])
    // Loaded by `import()`, of which `require` inside a promise is the CommonJS form; never on the way in.
    const early = files.filter(({ text }) =>
      /^(?:import|export)\b.*\bfrom ['"].*json-schema-|^(?:import|var .*require\() ?['"].*json-schema-/m.test(text),
    )
    expect(early.map(({ path }) => path)).toEqual([])
  })

  test('S26 starts no process, except that experiments, and who gives them on, ask git for the commit', async () => {
    const files = new Map((await readDist(/\.(js|cjs)$/)).map(({ path, text }) => [path, text]))
    const starters = entryPoints
      .flatMap(({ specifier }) => {
        const name = specifier.split('/')[1] ?? 'index'
        return [`${name}.js`, `${name}.cjs`]
      })
      .filter((entry) => [...reach(entry, files)].some((path) => files.get(path)?.includes('child_process')))
    expect(starters).toEqual(['experiments.js', 'experiments.cjs', 'compat.js', 'compat.cjs'])
  })

  test('imports at run time and in types only what a plain install provides', async () => {
    const allowed = new Set([
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
      ...Object.keys(manifest.optionalDependencies),
    ])
    const strangers = new Set<string>()
    for (const { path, specifier } of [...(await importsOfCode()), ...(await importsOfTypes())]) {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      if (/^[a-z@]/.test(name) && !name.startsWith('node:') && !builtinModules.includes(name) && !allowed.has(name))
        strangers.add(`${path}: ${specifier}`)
    }
    expect([...strangers]).toEqual([])
  })

  test('has parts of the SDK, the local server’s HTTP and the validator of JSON Schema built in and nothing else, each with its licence', async () => {
    const bundled = new Map<string, string>()
    for (const { text } of await readDist(/\.(js|cjs)$/)) {
      for (const [, folder = '', name = ''] of text.matchAll(/^\/\/ (.*node_modules\/((?:@[^/\s]+\/)?[^/\s]+))\//gm))
        bundled.set(name, folder)
    }
    expect([...bundled.keys()]).toContain('@opentelemetry/otlp-transformer')
    const known =
      /^(?:@opentelemetry\/(?!api$)|hono$|@hono\/node-server$|ajv(?:-formats)?$|fast-deep-equal$|fast-uri$|json-schema-traverse$)/
    expect([...bundled.keys()].filter((name) => !known.test(name))).toEqual([])

    const [licences] = await readDist(/^THIRD-PARTY-LICENSES\.txt$/)
    for (const [name, folder] of bundled) {
      const { version } = JSON.parse(await readFile(join(repository, folder, 'package.json'), 'utf8')) as { version: string }
      const text = await readFile(join(repository, folder, 'LICENSE'), 'utf8')
      expect(licences?.text).toContain(`\n${name} ${version} (`)
      expect(licences?.text).toContain(text.trim())
    }
  })

  test('names no variable of OpenTelemetry but the two it documents', async () => {
    const names = (await readDist(/\.(js|cjs)$/)).flatMap(({ text }) => text.match(/\bOTEL_[A-Z_]+\b(?=['"])/g) ?? [])
    expect([...new Set(names)].toSorted()).toEqual(['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME'])
  })

  test('loads its own files in ways that bundlers and vm know', async () => {
    const files = await readDist(/\.(js|cjs)$/)
    const missing = files.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:from|import|require)\s*\(?\s*['"](\.\.?\/[\w./-]+)['"]/g)]
        .map(([, target = '']) => join(path, '..', target))
        .filter((target) => !files.some((file) => file.path === target)),
    )
    expect(missing).toEqual([])
    const wrong = files.filter(({ path, text }) => (path.endsWith('.cjs') ? /\bimport\(\s*['"]/ : /(?<!function )\b__require\(/).test(text))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('keeps the process-wide state in one file of each format', async () => {
    const holders = (await readDist(/\.(js|cjs)$/)).filter(({ text }) =>
      /Symbol\.for\(["']honeyhive-tracer\.process-state\.\d+["']\)/.test(text),
    )
    expect(holders.map(({ path }) => path.slice(path.lastIndexOf('.'))).toSorted()).toEqual(['.cjs', '.js'])
  })

  test('satisfies publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(installed.folder, 'node_modules/honeyhive-tracer'), pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that agree with its files in every module system', async () => {
    const attw = join(resolveTool('@arethetypeswrong/cli/package.json'), '..', 'dist/index.js')
    const { code, stdout, stderr } = await run(
      process.execPath,
      [attw, installed.tarball, '--format', 'ascii', '--no-color', '--no-emoji', '--exclude-entrypoints', './schema.json'],
      installed.folder,
    )
    expect(code, stdout + stderr).toBe(0)
  })
})

describe('the installed package', () => {
  test('S23 brings few packages, one copy of the API and no install script', async () => {
    const tree = await readTree(installed.folder)
    const required = tree.filter(({ optional }) => !optional)
    const megabytes = (await sizeOfPackages(required.map(({ path }) => path))) / 1e6
    const allMegabytes = (await sizeOfPackages(tree.map(({ path }) => path))) / 1e6
    process.stdout.write(
      `install: ${required.length} packages, ${megabytes.toFixed(1)} MB; with optional ones ${tree.length} packages, ${allMegabytes.toFixed(1)} MB\n`,
    )
    expect(tree.filter(({ hasInstallScript }) => hasInstallScript).map(({ path }) => path)).toEqual([])
    expect(tree.filter(({ path }) => path.endsWith('/@opentelemetry/api')).length).toBe(1)
    expect(required.length).toBeLessThanOrEqual(MOST_PACKAGES)
    expect(megabytes).toBeLessThanOrEqual(MOST_MEGABYTES)
  })

  test.for(entryPoints)('loads $specifier with import and with require, under the same names', async ({ specifier }) => {
    const names = await evaluate<{ esm: string[]; cjs: string[] }>(
      installed.folder,
      `import { createRequire } from 'node:module'
      const esm = Object.keys(await import('${specifier}'))
      const cjs = Object.keys(createRequire(import.meta.url)('${specifier}'))
      console.log(JSON.stringify({ esm: esm.sort(), cjs: cjs.sort() }))`,
    )
    expect(names.esm).toEqual(names.cjs)
    expect(names.esm.length).toBeGreaterThan(0)
  })

  test('L16 leaves no listener, global or open handle behind when it is loaded', async () => {
    const left = await evaluate<Record<string, unknown>>(
      installed.folder,
      `const events = ['beforeExit', 'exit', 'SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection', 'warning']
      const count = () => events.map((name) => process.listenerCount(name)).join()
      const globals = () => Object.getOwnPropertyNames(globalThis).join()
      const before = [count(), globals()]
      for (const name of ${JSON.stringify(entryPoints.map(({ specifier }) => specifier))}) await import(name)
      await new Promise(setImmediate)
      const otel = globalThis[Symbol.for('opentelemetry.js.api.1')] ?? {}
      console.log(JSON.stringify({
        same: before[0] === count() && before[1] === globals(),
        handles: process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|FSReqPromise/.test(name)),
        globals: Object.keys(otel).filter((name) => name !== 'version'),
      }))`,
    )
    expect(left).toEqual({ same: true, handles: [], globals: [] })
  })

  test('L16 loads in a quarter of a second of CPU and 25 MB', async () => {
    const cost = await evaluate<{ ms: number; megabytes: number }>(
      installed.folder,
      `const from = process.cpuUsage()
      const rss = process.memoryUsage().rss
      await import('honeyhive-tracer')
      const { user, system } = process.cpuUsage(from)
      console.log(JSON.stringify({ ms: (user + system) / 1e3, megabytes: (process.memoryUsage().rss - rss) / 1e6 }))`,
    )
    process.stdout.write(`import: ${cost.ms.toFixed(0)} ms of CPU, ${cost.megabytes.toFixed(1)} MB\n`)
    expect(cost.ms).toBeLessThan(250)
    expect(cost.megabytes).toBeLessThan(25)
  })

  test('reads no variable of OpenTelemetry but the two it documents', async () => {
    const read = await evaluate<string[]>(
      installed.folder,
      `const read = new Set()
      const documented = { OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'team=a' }
      process.env = new Proxy({ ...process.env, ...documented, OTEL_TRACES_SAMPLER: 'always_off', OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1' }, {
        get: (env, name) => (read.add(name), env[name]),
        has: (env, name) => (read.add(name), name in env),
        getOwnPropertyDescriptor: (env, name) => (read.add(name), Reflect.getOwnPropertyDescriptor(env, name)),
      })
      const { HoneyHiveTracer } = await import('honeyhive-tracer')
      const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', serverUrl: 'http://127.0.0.1:9', skipSessionCreation: true })
      tracer.startActiveSpan('step', (span) => span.setAttributes({ one: 1, two: 2 }))
      await tracer.shutdown({ timeoutMs: 100 })
      console.log(JSON.stringify([...read].filter((name) => /^OTEL_/.test(String(name))).sort()))
      process.exit(0)`,
    )
    expect(read).toEqual(['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME'])
  })

  test.for([
    ['an ES module that esbuild bundled', 'bundle'],
    ['a script that vm evaluates, as Jest does', 'vm'],
  ] as const)('delivers from %s', async ([, kind]) => {
    await writeFile(join(installed.folder, 'deliver.mjs'), `import { HoneyHiveTracer } from 'honeyhive-tracer'\n${DELIVER}`)
    if (kind === 'bundle') {
      await build({
        entryPoints: [join(installed.folder, 'deliver.mjs')],
        outfile: join(installed.folder, 'bundled.mjs'),
        bundle: true,
        platform: 'node',
        format: 'esm',
        logLevel: 'error',
      })
    }
    const program = kind === 'bundle' ? `await import('./bundled.mjs')` : `${LOAD_WITH_VM}\n${DELIVER}`
    expect(await evaluate(installed.folder, program)).toEqual({ isClosed: true, exported: 1, arrived: true })
  })

  test.for(['import', 'require'])('loads with %s what could not be loaded at first for want of a file descriptor', async (way) => {
    const file = join(installed.folder, `shortage-${way}.mjs`)
    const load =
      way === 'import' ? `await import('honeyhive-tracer/experiments')` : `createRequire(import.meta.url)('honeyhive-tracer/experiments')`
    await writeFile(
      file,
      `import { closeSync, openSync } from 'node:fs'
      import { createRequire } from 'node:module'
      const { jsonSchema } = ${load}
      const check = jsonSchema({ type: 'object' })
      const held = []
      try { for (;;) held.push(openSync('/dev/null')) } catch {}
      const during = await check({}, {}, {}).catch(({ message }) => message)
      for (const descriptor of held) closeSync(descriptor)
      console.log(JSON.stringify([during.slice(0, 6), await check({}, {}, {})]))`,
    )
    const { stdout, stderr } = await run('bash', ['-c', 'ulimit -n 60; exec "$0" "$1"', process.execPath, file], installed.folder)
    expect(JSON.parse(stdout || 'null'), stderr).toEqual(['EMFILE', { score: true }])
  })

  test('serves from its CommonJS copy, with whichever SQLite there is', async () => {
    const status = await evaluate<number>(
      installed.folder,
      `import { createRequire } from 'node:module'
      const { startDevServer } = createRequire(import.meta.url)('honeyhive-tracer/dev')
      const server = await startDevServer({ port: 0 })
      const { status } = await fetch(server.url)
      await server.close()
      console.log(JSON.stringify(status))
      process.exit(0)`,
    )
    expect(status).toBe(200)
  })

  test('S26 works where code may not be made from text', async () => {
    const enabled = await evaluate<boolean>(
      installed.folder,
      `import { HoneyHiveTracer } from 'honeyhive-tracer'
      const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', testMode: true })
      const value = tracer.startActiveSpan('step', () => 7)
      await tracer.shutdown()
      console.log(JSON.stringify(value === 7))`,
      ['--disallow-code-generation-from-strings'],
    )
    expect(enabled).toBe(true)
  })

  test('shares tracers between its ESM and its CommonJS copy', async () => {
    const shared = await evaluate<Record<string, boolean>>(
      installed.folder,
      `import { createRequire } from 'node:module'
      import * as esm from 'honeyhive-tracer'
      const cjs = createRequire(import.meta.url)('honeyhive-tracer')
      const one = esm.HoneyHiveTracer.init({ apiKey: 'test-key-one', testMode: true, sessionName: 'one' })
      const two = cjs.HoneyHiveTracer.init({ apiKey: 'test-key-two', testMode: true, sessionName: 'two' })
      const result = {
        copies: esm.HoneyHiveTracer !== cjs.HoneyHiveTracer,
        esmSeenByCjs: one.startActiveSpan('a', () => cjs.getActiveTracer() === one),
        cjsSeenByEsm: two.startActiveSpan('b', () => esm.getActiveTracer() === two),
        nested: one.startActiveSpan('a', () => two.startActiveSpan('b', () => esm.getActiveTracer() === two)),
      }
      cjs.setDefaultTracer(one)
      result.defaultTracer = esm.getDefaultTracer() === one
      await esm.shutdownAll()
      result.shutDown = !two.isEnabled || cjs.getActiveTracer() === undefined
      console.log(JSON.stringify(result))`,
    )
    expect(shared).toEqual({ copies: true, esmSeenByCjs: true, cjsSeenByEsm: true, nested: true, defaultTracer: true, shutDown: true })
  })

  test('has a command that explains itself', async () => {
    const { code, stdout, stderr } = await run(join(installed.folder, 'node_modules/.bin/honeyhive-tracer'), ['--help'], installed.folder)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/Usage: honeyhive-tracer/)
  })

  test('offers its schema and its manifest by name', async () => {
    const found = await evaluate<string[]>(
      installed.folder,
      `import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      console.log(JSON.stringify([require('honeyhive-tracer/package.json').name, typeof require('honeyhive-tracer/schema.json')]))`,
    )
    expect(found).toEqual(['honeyhive-tracer', 'object'])
  })
})

describe('its types, with every library checked', () => {
  const frameworks = new Set(['honeyhive-tracer/express', 'honeyhive-tracer/fastify'])
  const plain = entryPoints.filter(({ specifier }) => !frameworks.has(specifier))
  const resolutions = [
    { module: 'node16', moduleResolution: 'node16', extension: 'mts' },
    { module: 'node16', moduleResolution: 'node16', extension: 'cts' },
    { module: 'nodenext', moduleResolution: 'nodenext', extension: 'mts' },
    { module: 'nodenext', moduleResolution: 'nodenext', extension: 'cts' },
    { module: 'esnext', moduleResolution: 'bundler', extension: 'ts' },
  ]

  test.for(resolutions)('compile in a .$extension file with module $module', async (resolution) => {
    await lendPackages(installed.folder, ['@types/node'])
    await compiles(
      resolution,
      plain.map(({ specifier }) => specifier),
    )
  })

  test('compile beside express and fastify', async () => {
    await lendPackages(installed.folder, ['@types/node', '@types/express', 'express', 'fastify'])
    await compiles({ module: 'nodenext', moduleResolution: 'nodenext', extension: 'mts' }, [...frameworks])
  })
})

async function compiles(
  { module, moduleResolution, extension }: { module: string; moduleResolution: string; extension: string },
  specifiers: readonly string[],
): Promise<void> {
  const imports = specifiers.map(
    (specifier, i) => `import * as entry${i} from '${specifier}'\nexport const names${i}: string[] = Object.keys(entry${i})`,
  )
  const use = specifiers.includes('honeyhive-tracer')
    ? `import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
       const tracer = HoneyHiveTracer.init({ apiKey: 'k', testMode: true })
       export const double: (n: number) => number = traceFn(tracer, (n: number) => n * 2)`
    : ''
  const name = `types-${module}-${specifiers.length}.${extension}`
  await writeFile(join(installed.folder, name), `${imports.join('\n')}\n${use}\n`)
  const config = {
    compilerOptions: {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    },
    files: [name],
  }
  await writeFile(join(installed.folder, `tsconfig.${name}.json`), JSON.stringify(config))
  const { code, stdout } = await run(process.execPath, [resolveTool('typescript/bin/tsc'), '-p', `tsconfig.${name}.json`], installed.folder)
  expect(code, stdout).toBe(0)
}

/** Files of the build that loading `entry` may load, at once or later. */
function reach(entry: string, files: ReadonlyMap<string, string>): ReadonlySet<string> {
  const reached = new Set([entry])
  for (const path of reached) {
    for (const [, next = ''] of (files.get(path) ?? '').matchAll(/(?:from|import|require)\s*\(?\s*['"](?:\.\.?\/)+([\w./-]+)['"]/g))
      reached.add(next)
  }
  return reached
}

async function readDist(pattern = /\.(js|cjs|ts|cts|json)$/): Promise<{ path: string; text: string }[]> {
  const dist = join(installed.folder, 'node_modules/honeyhive-tracer/dist')
  const names = (await readdir(dist, { recursive: true })).filter((name) => pattern.test(name))
  return Promise.all(names.map(async (path) => ({ path, text: await readFile(join(dist, path), 'utf8') })))
}

interface Import {
  readonly path: string
  readonly specifier: string
}

/** As the bundler reads them, since the command line has imports in the texts it prints. */
async function importsOfCode(): Promise<Import[]> {
  const dist = join(installed.folder, 'node_modules/honeyhive-tracer/dist')
  const entryPaths = (await readDist(/\.(js|cjs)$/)).map(({ path }) => path).filter((path) => !path.startsWith('page'))
  const options = {
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  } as const
  const { metafile } = await build({
    ...options,
    absWorkingDir: dist,
    entryPoints: entryPaths,
    entryNames: '[dir]/[name]-[hash]',
    outdir: 'out',
  })
  return Object.entries(metafile.inputs).flatMap(([path, { imports }]) =>
    imports.filter(({ external }) => external === true).map(({ path: specifier }) => ({ path, specifier })),
  )
}

async function importsOfTypes(): Promise<Import[]> {
  return (await readDist(/\.d\.(ts|cts)$/)).flatMap(({ path, text }) => {
    // Examples in comments may use whatever they like.
    const code = text.replace(/\/\*\*[\s\S]*?\*\//g, '')
    const found = code.matchAll(/(?:^|[\s;}])(?:from|import|require)\s*\(?\s*['"]([^'"\n]+)['"]/g)
    return [...found].map(([, specifier = '']) => ({ path, specifier }))
  })
}

async function sizeOfPackages(paths: readonly string[]): Promise<number> {
  const outer = paths.filter((path) => !paths.some((other) => other !== path && path.startsWith(`${other}/`)))
  const sizes = await Promise.all(outer.map((path) => sizeOf(join(installed.folder, path))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1e3).toFixed(0)} kB`
}
