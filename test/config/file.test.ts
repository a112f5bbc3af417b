import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest'
import { loadTracerDefinitions } from '../../src/config/file.js'
import type { TracerOptions } from '../../src/config/options.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { HoneyHiveConfigError, HoneyHiveError } from '../../src/errors.js'
import { cpuMs, toReferenceMs } from '../fixtures/cost.js'

const folder = mkdtempSync(join(tmpdir(), 'tracers-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const KEY = 'sentinel-9f31c2a7'
const env = { KEY_A: KEY, COUNT: '20', YES: 'yes', EMPTY: '', URL_B: 'https://b.example', NESTED: '${KEY_A}' }
let files = 0

function write(content: string | Uint8Array, name = `tracers-${files++}.yaml`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function load(content: string | Uint8Array, name?: string): ReadonlyMap<string, TracerOptions> {
  return loadTracerDefinitions(write(content, name), { env })
}

function failureOf(run: () => unknown): HoneyHiveError {
  try {
    run()
  } catch (error) {
    if (error instanceof HoneyHiveError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** Messages with the path of the file shortened to `FILE`. */
function problemsOf(content: string | Uint8Array): readonly string[] {
  const path = write(content)
  const error = failureOf(() => loadTracerDefinitions(path, { env }))
  if (!(error instanceof HoneyHiveConfigError)) return [error.message.replaceAll(path, 'FILE')]
  expect(error.message).toContain(`loadTracers("${path}"): `)
  return error.problems.map((problem) => problem.message.replaceAll(path, 'FILE'))
}

describe('loadTracerDefinitions', () => {
  it('reads the documented YAML, snake_case included, in order', () => {
    const tracers = load(`
tracers:
  production:
    api_key: "\${KEY_A}"
    session_name: prod-session
    source: production
    server_url: \${URL_B}
    batch:
      max_queue_size: \${COUNT}
  staging:
    apiKey: "\${KEY_A}"
    verbose: \${YES}
    sampleRate: \${RATE:-0.5}
    protocol: \${PROTOCOL:-http/protobuf}
`)
    expect([...tracers]).toEqual([
      [
        'production',
        { apiKey: KEY, sessionName: 'prod-session', source: 'production', serverUrl: 'https://b.example', batch: { maxQueueSize: 20 } },
      ],
      ['staging', { apiKey: KEY, verbose: true, sampleRate: 0.5, protocol: 'http/protobuf' }],
    ])
    expect(resolveConfig(tracers.get('production'), {})).toMatchObject({ apiKey: KEY, batch: { maxQueueSize: 20, maxExportBatchSize: 20 } })
  })

  it('reads JSON, through a URL too', () => {
    const path = write(
      JSON.stringify({ $schema: 'x', tracers: { a: { apiKey: '${KEY_A}', limits: { maxEvents: 5 } } } }, null, '\t'),
      'a.json',
    )
    expect([...loadTracerDefinitions(pathToFileURL(path), { env })]).toEqual([['a', { apiKey: KEY, limits: { maxEvents: 5 } }]])
  })

  it('gives every tracer the defaults, joined member by member', () => {
    const tracers = load(`
defaults: { source: shared, batch: { concurrency: 2, maxQueueSize: 10 }, headers: { x-a: "1", x-b: "1" }, capture: { inputs: false }, metadata: { a: 1 } }
tracers:
  a:
  b: { source: own, batch: { maxQueueSize: 30 }, headers: { x-b: "2" }, metadata: { b: 2 }, project: null }
`)
    const shared = {
      source: 'shared',
      batch: { concurrency: 2, maxQueueSize: 10 },
      headers: { 'x-a': '1', 'x-b': '1' },
      capture: { inputs: false },
      metadata: { a: 1 },
    }
    expect(tracers.get('a')).toEqual(shared)
    expect(tracers.get('b')).toEqual({
      ...shared,
      source: 'own',
      batch: { concurrency: 2, maxQueueSize: 30 },
      headers: { 'x-a': '1', 'x-b': '2' },
      metadata: { b: 2 },
    })
    expect(Object.isFrozen(tracers.get('a'))).toBe(true)
  })

  it('expands variables in text at any depth, once, and keeps the escape', () => {
    const tracers = load(`
tracers:
  a:
    project: "$\${KEY_A} and $5 {x}"
    source: "\${EMPTY:-fallback}-\${NESTED}-\${NONE:-}"
    metadata: { list: ["\${COUNT}", 1, true, null], deep: { text: "\${KEY_A}" } }
    redact: { keys: [ssn], patterns: ['\\d{4}'] }
`)
    expect(tracers.get('a')).toEqual({
      project: '${KEY_A} and $5 {x}',
      source: 'fallback-${KEY_A}-',
      metadata: { list: ['20', 1, true, null], deep: { text: KEY } },
      redact: { keys: ['ssn'], patterns: [/\d{4}/g] },
    })
  })

  it('keeps the names of an object as types and leaves the object alone', () => {
    const source = { production: { apiKey: '${KEY_A}', metadata: { text: '${COUNT}' } }, staging: { source: 's' } } as const
    const before = structuredClone(source)
    const tracers = loadTracerDefinitions(source, { env })
    expectTypeOf(tracers).toEqualTypeOf<ReadonlyMap<'production' | 'staging', TracerOptions>>()
    expect([...tracers.keys()]).toEqual(['production', 'staging'])
    expect(tracers.get('production')).toEqual({ apiKey: KEY, metadata: { text: '20' } })
    expect(source).toEqual(before)

    const shaped = loadTracerDefinitions({ defaults: { source: 'x' }, tracers: { a: { project: 'p' }, b: {} } }, { env })
    expectTypeOf(shaped).toEqualTypeOf<ReadonlyMap<'a' | 'b', TracerOptions>>()
    expect([...shaped]).toEqual([
      ['a', { source: 'x', project: 'p' }],
      ['b', { source: 'x' }],
    ])
  })

  it('takes functions and objects of code as they are', () => {
    const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
    const redact = (_: string, value: unknown): unknown => value
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const options = loadTracerDefinitions({ a: { logger, redact, metadata: { cycle, date: new Date(0) } } }, { env }).get('a')
    expect(options?.logger).toBe(logger)
    expect(options?.redact).toBe(redact)
    expect(options?.metadata?.['date']).toEqual(new Date(0))
  })

  it('names getters that throw and wrong entries of an object', () => {
    const error = failureOf(() =>
      loadTracerDefinitions(
        {
          a: {
            get source(): string {
              throw new Error(KEY)
            },
          },
          b: 5,
          c: { sorce: 'x' },
        } as never,
        { env },
      ),
    )
    expect(error.message).toBe(
      [
        'loadTracers: 3 invalid settings.',
        '  - Invalid "tracers.a.source": reading it threw. Give a plain value.',
        '  - Invalid "tracers.b": expected an object, got a number from code. Give options by name.',
        '  - Unknown option "tracers.c.sorce" from code. Did you mean "tracers.c.source"?',
      ].join('\n'),
    )
  })
})

describe('mistakes in a file', () => {
  it('are all reported at once, each with its place', () => {
    expect(
      problemsOf(`
trackers: 1
defaults: { sampleRate: 2 }
tracers:
  a:
    apiKey: "\${MISSING_KEY}"
    sorce: x
    source: 5
    batch:
      max_queue_size: "5s"
      maxExportBatchSize: \${COUNT}
      concurrency: \${KEY_A}
    serverUrl: "x-\${KEY_A}"
    redact: { patterns: ["("] }
  b:
    source: one
    source: two
    project: "\${\${KEY_A}}"
    session_name: x
    sessionName: y
    verbose: "yes"
  c: [1]
  " ": {}
`),
    ).toEqual([
      'Repeated key "source" at FILE:17:5: it is already given at FILE:16:5. Remove one of them.',
      'Unknown option "trackers" from FILE:2:1. Did you mean "tracers"?',
      'Invalid "defaults.sampleRate": expected a number from 0 to 1, got 2 from FILE:3:25. Give the share of traces to keep, e.g. 0.1.',
      'Invalid "tracers.a.apiKey" from FILE:6:13: variable MISSING_KEY is not set. Set it, or give a default: ${MISSING_KEY:-default}.',
      'Unknown option "tracers.a.sorce" from FILE:7:5. Did you mean "tracers.a.source"?',
      'Invalid "tracers.a.source": expected a string of whole characters, got 5 from FILE:8:13. Give the name of the environment, e.g. "production".',
      'Invalid "tracers.a.batch.maxQueueSize": expected a positive integer, got "5s" from FILE:10:23. Give a number of spans, e.g. 50000.',
      'Invalid "tracers.a.batch.concurrency": expected a positive integer up to 256, got "${KEY_A}" from FILE:12:20. Give a number of requests, e.g. 4.',
      expect.stringContaining('got "x-${KEY_A}" from FILE:13:16.'),
      expect.stringMatching(/^Invalid "tracers\.a\.redact\.patterns": expected an array of RegExps, got an array from FILE:14:25\./),
      expect.stringMatching(/^Invalid "tracers\.b\.project" from FILE:18:14: "\$\{" starts no variable\./),
      expect.stringMatching(/^Repeated option "tracers\.b\.sessionName": "sessionName" from FILE:20:5 is the same\./),
      'Invalid "tracers.b.verbose": expected true or false, got "yes" from FILE:21:14. Give true or false.',
      'Invalid "tracers.c": expected an object, got an array from FILE:22:6. Give options by name.',
      'Invalid tracer name " " from FILE:23:3. Give a word, e.g. "production".',
    ])
  })

  it('S14 never show a key, literal or from a variable', () => {
    const contents = [
      `tracers: { a: { apiKey: "${KEY}", serverUrl: "${KEY}", sampleRate: "${KEY}" } }`,
      `tracers: { a: { apiKey: "${KEY}" "${KEY}" } }`,
      `tracers:\n  a:\n    apiKey: ${KEY}\n   ${KEY}: [`,
      'tracers: { a: { protocol: "${KEY_A}", headers: { "x-a": ["${KEY_A}"] }, metadata: "${KEY_A}" } }',
      `tracers: { a: { api_keys: "${KEY}" } }`,
    ]
    for (const content of contents) expect(problemsOf(content).join('\n')).not.toContain(KEY)
  })

  it('say when two options of one tracer and its defaults contradict each other', () => {
    expect(problemsOf('defaults:\n  batch: { maxQueueSize: 10 }\ntracers:\n  a:\n    batch:\n      maxExportBatchSize: 100\n')).toEqual([
      'Invalid "tracers.a.batch.maxExportBatchSize": expected at most "batch.maxQueueSize", which is 10, got 100 from FILE:6:27. Lower the one or raise the other.',
    ])
  })
})

describe('hostile files', () => {
  const shape = (found: string, place: string): string =>
    `Invalid "tracers": expected tracers by name, got ${found} from FILE:${place}. Start with "tracers:", then one name per tracer with its options.`

  it.each([
    ['empty', '', shape('undefined', '1:1')],
    ['only a comment', '# nothing\n', shape('undefined', '1:1')],
    ['a list', '- a\n- b\n', shape('an array', '1:1')],
    ['text', 'hello', shape('a string', '1:1')],
    ['without tracers', 'defaults: {}\n', shape('undefined', '1:1')],
    ['with no tracer', 'tracers: {}\n', shape('undefined', '1:10')],
  ])('H90 %s', (_, content, message) => {
    expect(problemsOf(content)).toEqual([message])
  })

  it('H90 reads a byte order mark and CRLF', () => {
    expect([...load('\uFEFFtracers:\r\n  a:\r\n    source: x\r\n')]).toEqual([['a', { source: 'x' }]])
  })

  it('H90 names tabs, two documents, unknown tags and anchors', () => {
    expect(problemsOf('tracers:\n\ta: {}\n')).toEqual([
      expect.stringMatching(/^Invalid YAML or JSON at FILE:2:1: Tabs are not allowed as indentation\. Check indentation/),
    ])
    expect(problemsOf('tracers: {}\n---\ntracers: {}\n')[0]).toMatch(
      /^Invalid YAML or JSON at FILE:\d+:\d+: Source contains multiple documents/,
    )
    expect(problemsOf('tracers:\n  a: !!js/function "x"\n  b: !env KEY\n')).toEqual([
      'Invalid YAML or JSON at FILE:2:6: Unresolved tag. Remove the tag.',
      'Invalid YAML or JSON at FILE:3:6: Unresolved tag. Remove the tag.',
    ])
    expect(problemsOf('tracers:\n  a: *nowhere\n')).toHaveLength(1)
  })

  it('H90 stops billions of laughs, cycles and deep nesting quickly', () => {
    const laughs = [
      'l0: &l0 [lol, lol]',
      ...Array.from(
        { length: 30 },
        (_, index) => `l${index + 1}: &l${index + 1} [${Array.from({ length: 9 }, () => `*l${index}`).join(', ')}]`,
      ),
    ]
    const before = cpuMs()
    expect(problemsOf(`${laughs.join('\n')}\ntracers: { a: { metadata: { x: *l30 } } }\n`)).toEqual([
      'Cannot load tracers from "FILE": it uses anchors too often, or ones that are not there. Give a plain list of tracers and their options.',
    ])
    expect(problemsOf(`tracers: { a: { metadata: ${'['.repeat(20_000)} } }`)).toHaveLength(1)
    expect(load('tracers: { a: { metadata: &m { self: *m } } }').size).toBe(1)
    expect(toReferenceMs(cpuMs() - before, 5_000)).toBeLessThan(5_000)
  })

  it('H90 lets an anchor serve many tracers', () => {
    const names = Array.from({ length: 500 }, (_, index) => `  t${index}: { <<: *base, project: p${index} }`)
    const tracers = load(`x: &base { source: shared }\ntracers:\n${names.join('\n')}\n`.replace('x: &base', 'defaults: &base'))
    expect(tracers.size).toBe(500)
    expect(tracers.get('t499')).toEqual({ source: 'shared', project: 'p499' })
  })

  it('H90 is not fooled by __proto__', () => {
    const tracers = load('tracers:\n  a:\n    metadata: { __proto__: { disabled: true } }\n')
    expect(Object.keys(tracers.get('a')?.metadata ?? {})).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>)['disabled']).toBeUndefined()
    expect(problemsOf('tracers:\n  __proto__: { disabled: true }\n')).toEqual([
      'Invalid tracer name "__proto__" from FILE:2:3. Give a word, e.g. "production".',
    ])
    expect(problemsOf('tracers:\n  a: { __proto__: { disabled: true } }\n')).toEqual([
      expect.stringMatching(/^Unknown option "tracers\.a\.__proto__" from FILE:2:8\./),
    ])
  })

  it('H90 refuses 50 MB and other encodings', () => {
    expect(problemsOf(new Uint8Array(50_000_000).fill(0x20))).toEqual([
      'Cannot load tracers from "FILE": it has 50000000 bytes, more than the 4194304 a configuration may have. Split it, or give an object.',
    ])
    expect(problemsOf(new Uint8Array([0xff, 0xfe, 0x74, 0]))).toEqual([expect.stringContaining('it is not UTF-8 text')])
  })

  it('H90 finds repeated keys among 20,000 without comparing every pair', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `      k${index}: 1`)
    const before = cpuMs()
    expect(load(`tracers:\n  a:\n    metadata:\n${lines.join('\n')}\n`).size).toBe(1)
    expect(toReferenceMs(cpuMs() - before, 5_000)).toBeLessThan(5_000)
  })

  it('H90 says what is in the way of reading', () => {
    const closed = write('tracers: {}')
    chmodSync(closed, 0)
    const loop = join(folder, 'loop.yaml')
    symlinkSync(loop, loop)
    const directory = join(folder, 'directory.yaml')
    mkdirSync(directory)
    const reasonOf = (path: string): string => {
      const error = failureOf(() => loadTracerDefinitions(path, { env }))
      expect(error.code).toBe('CONFIG_FILE')
      return error.message.replaceAll(path, 'FILE')
    }
    expect(reasonOf(join(folder, 'nope.yaml'))).toBe(
      'Cannot load tracers from "FILE": it does not exist. Give the path of a YAML or JSON file this process may read.',
    )
    expect(reasonOf(directory)).toContain('it is a directory')
    expect(reasonOf(loop)).toContain('it is a loop of symbolic links')
    expect(reasonOf('a\0b')).toContain('it has a name no file can have')
    expect(reasonOf('/dev/null')).toContain('it is not a regular file')
    // The superuser may read everything.
    if (process.getuid?.() !== 0) expect(reasonOf(closed)).toContain('may not be read by this process')
  })
})

describe('start cost', () => {
  it('leaves the YAML parser unloaded until a file is read', () => {
    const module = new URL('../../src/config/file.ts', import.meta.url).href
    const isLoaded = `Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('node_modules/yaml/'))`
    const script = `
      import { createRequire } from 'node:module'
      import { loadTracerDefinitions } from ${JSON.stringify(module)}
      loadTracerDefinitions({ a: {} })
      const before = ${isLoaded}
      loadTracerDefinitions(${JSON.stringify(write('tracers: { a: {} }'))})
      process.stdout.write(JSON.stringify([before, ${isLoaded}]))`
    expect(execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })).toBe(
      '[false,true]',
    )
  })
})
