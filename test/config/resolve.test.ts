import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NoopSpanProcessor } from '@opentelemetry/sdk-trace'
import { describe, expect, it, vi } from 'vitest'
import type { TracerOptions } from '../../src/config/options.js'
import { resolveConfig } from '../../src/config/resolve.js'
import { type Environment, readSettingVariables } from '../../src/config/sources.js'
import { HoneyHiveConfigError } from '../../src/errors.js'
import { REPLACEMENTS } from '../../src/config/other-names.js'
import { leastBelow, leastCpuMsOf, toReferenceMs } from '../fixtures/cost.js'
import { ROWS, toOptions, toResolved } from './rows.js'

/** Wrong options on purpose: the compiler would refuse them. */
function resolveLoose(options: unknown, env: Record<string, string | undefined> = {}): ReturnType<typeof resolveConfig> {
  return resolveConfig(options as TracerOptions, env)
}

function problemsOf(options: unknown): readonly string[] {
  try {
    resolveLoose(options)
  } catch (error) {
    if (error instanceof HoneyHiveConfigError) return error.problems.map((problem) => problem.message)
    throw error
  }
  return []
}

const KEY = 'sentinel-9f31c2a7'
const isDestination = (option: string): boolean => option === 'serverUrl' || option === 'exportUrl'

describe.each(ROWS)('option $option', ({ option, initial, code: [given, resolved = given], wrong, env }) => {
  it('has its documented default', () => {
    const config = resolveLoose({}, {})
    if (option === 'sessionName') return expect(config.sessionName).toMatch(/^[\w.-]+$/)
    expect(toResolved(config, option)).toEqual(initial)
  })

  it('takes code over environment, and null as not given', () => {
    const variables = env === undefined ? {} : { [env.name]: env.text }
    expect(toResolved(resolveLoose(toOptions(option, given), variables), option)).toEqual(resolved)
    expect(toResolved(resolveLoose(toOptions(option, null), variables), option)).toEqual(toResolved(resolveLoose({}, variables), option))
  })

  it.each(wrong.map((value) => ({ value })))('H78 refuses a wrong value in code: $value', ({ value }) => {
    const problems = problemsOf(toOptions(option, value))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`"${option}`)
    expect(problems[0]?.length).toBeLessThan(500)
  })
})

describe.each(ROWS.flatMap(({ option, initial, env }) => (env === undefined ? [] : [{ option, initial, env }])))(
  'variable $env.name',
  ({ option, initial, env }) => {
    it('H80 takes the place of the default', () => {
      const config = resolveLoose({}, { [env.name]: env.text })
      expect(toResolved(config, option)).toEqual(env.value)
      expect(config.warnings).toEqual([])
    })

    it('H80 D-30 is ignored with one warning when it is wrong', () => {
      const config = resolveLoose({}, { [env.name]: env.wrong })
      expect(toResolved(config, option)).toEqual(option === 'sessionName' ? resolveLoose({}).sessionName : initial)
      const effect = isDestination(option) ? `Tracers that are not given "${option}" in code are disabled` : 'The variable is ignored'
      expect(config.warnings).toEqual([
        expect.stringMatching(new RegExp(`^Invalid "${option}": expected .+, got .+ from ${env.name}\\. .+ ${effect}\\.$`)),
      ])
      expect(config.disabled).toBe(isDestination(option))
    })
  },
)

describe('messages', () => {
  it('are exact for the usual mistakes', () => {
    const sampler = { shouldSample: () => ({ decision: 0 }) }
    const options = {
      apiKey: 42,
      serverUrl: 'ftp://x',
      batch: { maxQueueSize: '5s', concurency: 2 },
      apikey: KEY,
      sampler,
      sampleRate: 1,
      zzz: 1,
    }
    expect(() => resolveLoose(options)).toThrow(
      [
        'HoneyHiveTracer.init: 7 invalid settings.',
        '  - Invalid "apiKey": expected a string of printable latin1 characters, or a function that gives one, got a number from code. Copy the API key again from the settings of your HoneyHive project.',
        '  - Invalid "serverUrl": expected an http or https URL without user, password, query and fragment, got "ftp://x" from code. Give the base URL of the server, e.g. "https://api.dp1.us.honeyhive.ai".',
        '  - Invalid "batch.maxQueueSize": expected a positive integer, got "5s" from code. Give a number of spans, e.g. 50000.',
        '  - Unknown option "batch.concurency" from code. Did you mean "batch.concurrency"?',
        '  - Unknown option "apikey" from code. Did you mean "apiKey"?',
      ].join('\n'),
    )
    expect(problemsOf(options).slice(5)).toEqual([
      expect.stringMatching(/^Unknown option "zzz" from code\. Known: apiKey, project, /),
      'Invalid "sampleRate": expected either "sampler" or "sampleRate", got both from code. Remove one of them.',
    ])
  })

  it('suggest the near name in every group', () => {
    expect(problemsOf({ sesionName: 'x' })).toEqual(['Unknown option "sesionName" from code. Did you mean "sessionName"?'])
    expect(problemsOf({ api_key: 'x' })).toEqual(['Unknown option "api_key" from code. Did you mean "apiKey"?'])
    expect(problemsOf({ redact: { pattern: [] } })).toEqual(['Unknown option "redact.pattern" from code. Did you mean "redact.patterns"?'])
    expect(problemsOf({ spanFilter: { exlcude: [] } })).toEqual([
      'Unknown option "spanFilter.exlcude" from code. Did you mean "spanFilter.exclude"?',
    ])
  })

  it.each([
    ['disable_http_tracing', /HTTP is traced only by an instrumentation of yours\. .+ "instrumentations"/],
    ['disableHttpTracing', /HTTP is traced only by an instrumentation of yours\. .+ "instrumentations"/],
    ['instrumentModules', /^Give instances in "instrumentations"/],
    ['span_name_filters', /^Use "spanFilter"\.$/],
    ['baseURL', /^Use "serverUrl"\.$/],
    ['environment', /^Use "source"\.$/],
    ['secretKey', /^One key is enough: give it as "apiKey"\.$/],
    ['timeout_ms', /^Use "batch\.exportTimeoutMs"\.$/],
    ['tracingSamplingRate', /^Use "sampleRate"\.$/],
    ['maxQueueBytes', /^Did you mean "batch\.maxQueueBytes"\?$/],
  ])('answer %s of another SDK with what replaces it', (name, advice) => {
    const [message = '', ...more] = problemsOf({ [name]: 'x' })
    expect(more).toEqual([])
    expect(message.replace(`Unknown option "${name}" from code. `, '')).toMatch(advice)
  })

  it('name options that exist when they replace those of another SDK', () => {
    const advice = Object.values(REPLACEMENTS)
      .join(' ')
      .replace(/\{.*?\}/g, '')
    const named = [...advice.matchAll(/"([a-zA-Z]+)(?:\.([a-zA-Z]+))?[":]/g)]
    expect(named.length).toBeGreaterThan(40)
    for (const [, option = '', member] of named) expect(problemsOf(toOptions(member ? `${option}.${member}` : option, null))).toEqual([])
  })

  it('say which of several collaborators is wrong, and what it lacks', () => {
    const processor = { onStart() {}, onEnd() {}, shutdown() {} }
    expect(problemsOf({ spanProcessors: [new NoopSpanProcessor(), processor], resourceDetectors: [null], idGenerator: {} })).toEqual([
      'Invalid "spanProcessors": expected an array of OpenTelemetry span processors, got an object without forceFlush() at index 1 from code. Give instances, e.g. [new BatchSpanProcessor(exporter)].',
      'Invalid "resourceDetectors": expected an array of OpenTelemetry resource detectors, got null without detect() at index 0 from code. Give e.g. [hostDetector] of "@opentelemetry/resources".',
      'Invalid "idGenerator": expected an OpenTelemetry id generator, got an object without generateTraceId() from code. Give an object with generateTraceId() and generateSpanId().',
    ])
  })

  it.each([
    [{ apiKey: `${KEY}\u0000`, source: KEY }],
    [{ apiKey: `${KEY}\r\nX-Evil: 1` }],
    [{ apiKey: `${KEY}😀` }],
    [{ apiKey: KEY, serverUrl: KEY, sampleRate: KEY, [KEY]: 1, protocol: KEY }],
    [{ apiKey: { toString: (): string => KEY } }],
    [{ apiKey: [KEY] }],
    [{ serverUrl: `https://user:${KEY}@host/` }],
    [{ serverUrl: `user:${KEY}@host` }],
    [{ serverUrl: `https://host/?token=${KEY}` }],
    [{ exportUrl: `https://user:${KEY}@host/v1/traces` }],
    [{ exportUrl: `https://host/v1/traces?token=${KEY}` }],
    [{ resourceAttributes: { a: { b: KEY } } }],
    [{ headers: { authorization: KEY, 'x-a': `${KEY}\n` } }],
    [{ metadata: KEY, inputs: [KEY], resourceAttributes: { a: [KEY] }, redact: { keys: KEY } }],
    [KEY],
    [
      {
        get apiKey() {
          throw new Error(KEY)
        },
      },
    ],
  ])('E9 S14 H76 never show a key or another secret (%#)', (options) => {
    const problems = problemsOf(options)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join('\n')).not.toContain(KEY)
  })

  it.each([`${KEY}\u0007`, `${KEY}\nX: 1`, `${KEY}\u20ac`])('S14 name a wrong key in the environment without showing it', (text) => {
    const config = resolveLoose({}, { HH_API_KEY: text })
    expect(config.apiKey).toBeUndefined()
    expect(config.warnings).toHaveLength(1)
    expect(config.warnings[0]).toMatch(/from HH_API_KEY\./)
    expect(config.warnings[0]).not.toContain(KEY)
  })
})

describe('resolveConfig', () => {
  it('H76 has no key when none is given or it is blank, and never takes the environment for a blank one', () => {
    expect(resolveLoose(undefined).apiKey).toBeUndefined()
    expect(resolveLoose({ apiKey: undefined }, { HH_API_KEY: 'from-env' }).apiKey).toBe('from-env')
    expect(resolveLoose({ apiKey: ' \n' }, { HH_API_KEY: 'from-env' }).apiKey).toBeUndefined()
    expect(resolveLoose({}, { HH_API_KEY: '  ' }).apiKey).toBeUndefined()
    expect(resolveLoose({}, { HH_API_KEY: '  ' }).warnings).toEqual([])
  })

  it('H76 trims what copying leaves around a key', () => {
    expect(resolveLoose({ apiKey: `${KEY}\r\n` }).apiKey).toBe(KEY)
  })

  it.each([
    ['nothing', {}, {}, 1_000, 5_000],
    ['code, even the default', { batch: { scheduledDelayMs: 1_000 } }, {}, 1_000, 1_000],
    ['code, another setting of the queue', { batch: { maxQueueSize: 100 } }, {}, 1_000, 5_000],
    ['the environment', {}, { HH_BATCH_SCHEDULED_DELAY_MS: '250' }, 250, 250],
    ['code before the environment', { batch: { scheduledDelayMs: 0 } }, { HH_BATCH_SCHEDULED_DELAY_MS: '250' }, 0, 0],
    ['null: as if not given', { batch: { scheduledDelayMs: null } }, { HH_BATCH_SCHEDULED_DELAY_MS: '250' }, 250, 250],
  ])('keeps to the delay that was set, by %s', (_, options, env, scheduledDelayMs, mostDelayMs) => {
    expect(resolveLoose(options, env).batch).toMatchObject({ scheduledDelayMs, mostDelayMs })
  })

  it('takes false, 0 and empty text as values', () => {
    const config = resolveLoose(
      { testMode: false, sampleRate: 0, source: '', batch: { scheduledDelayMs: 0 } },
      { HH_TEST_MODE: '1', HH_SAMPLE_RATE: '1', HH_SOURCE: 'env' },
    )
    expect(config).toMatchObject({ testMode: false, sampleRate: 0, source: '', batch: { scheduledDelayMs: 0 } })
  })

  it('freezes everything it gives back and leaves the options as they were', () => {
    const options = {
      metadata: { a: 1 },
      headers: { a: 'b' },
      batch: { concurrency: 2 },
      instrumentations: [],
      redact: { keys: ['a'] },
      spanFilter: { include: ['a'] },
    }
    const before = structuredClone(options)
    const config = resolveLoose(options)
    const parts = [
      config,
      config.metadata,
      config.headers,
      config.batch,
      config.limits,
      config.capture,
      config.instrumentations,
      config.redact,
      config.spanFilter,
    ]
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true)
    expect(options).toEqual(before)
    options.metadata.a = 2
    options.redact.keys.push('b')
    expect(config.metadata).toEqual({ a: 1 })
    expect(config.redact).toEqual({ keys: ['a'] })
  })

  it('accepts frozen options, options without prototype, and inherited ones', () => {
    expect(resolveLoose(Object.freeze({ source: 'a' })).source).toBe('a')
    expect(resolveLoose(Object.assign(Object.create(null), { source: 'b' })).source).toBe('b')
    expect(resolveLoose(Object.create({ source: 'c' })).source).toBe('c')
  })

  it('reads each option exactly once', () => {
    let reads = 0
    const options = {
      get apiKey() {
        reads += 1
        return KEY
      },
    }
    expect(resolveLoose(options).apiKey).toBe(KEY)
    expect(reads).toBe(1)
  })

  it('H78 names getters and proxies that throw instead of failing with them', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error(KEY)
        },
      },
    )
    expect(
      problemsOf({
        get project() {
          throw new Error('boom')
        },
      }),
    ).toEqual(['Invalid "project": reading it threw. Give the name of the project.'])
    expect(problemsOf(hostile)).toEqual(['Invalid "options": listing its names threw. Give a plain object.'])
    expect(problemsOf({ batch: hostile })).toEqual(['Invalid "batch": listing its names threw. Give a plain object.'])
    expect(
      problemsOf({
        metadata: {
          get a() {
            throw new Error('boom')
          },
        },
      }),
    ).toEqual(['Invalid "metadata": reading it threw. Give the metadata of the session by name.'])
    expect(problemsOf({ exporter: Proxy.revocable({}, {}).proxy })).toHaveLength(1)
  })

  it.each(['x', 5, [], () => 1, new Map()])('refuses options that are no object: %s', (options) => {
    expect(problemsOf(options)).toEqual([
      expect.stringMatching(/^Invalid "options": expected an object, got an? \w+ from code\. Give options by name/),
    ])
  })

  it('is not confused by names every object has', () => {
    expect(problemsOf(JSON.parse('{"__proto__": {"disabled": true}, "constructor": 1}'))).toHaveLength(2)
    expect(resolveLoose({}).disabled).toBe(false)
  })

  it('is an evaluation as soon as run, dataset and datapoint are known', () => {
    const ids = { runId: 'r', datasetId: 's', datapointId: 'p' }
    expect(resolveLoose(ids).isEvaluation).toBe(true)
    expect(resolveLoose({ ...ids, isEvaluation: false }).isEvaluation).toBe(false)
    expect(resolveLoose({ ...ids, runId: ' ' })).toMatchObject({ isEvaluation: false, runId: undefined })
  })

  it('H86 makes a session id of any text and none of a blank one', () => {
    expect(resolveLoose({ sessionId: 'order-42' }).sessionId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(resolveLoose({ sessionId: ' ' }).sessionId).toBeUndefined()
  })

  it('lets code win over the environment between sampler and rate', () => {
    const sampler = { shouldSample: () => ({ decision: 0 }) }
    expect(resolveLoose({ sampler }, { HH_SAMPLE_RATE: '0.1' })).toMatchObject({ sampler, sampleRate: 1 })
  })

  it('keeps one request within the queue, and refuses an order that was given wrong', () => {
    expect(resolveLoose({ batch: { maxQueueSize: 100 } }).batch.maxExportBatchSize).toBe(100)
    expect(resolveLoose({}, { HH_BATCH_MAX_QUEUE_BYTES: '1000' }).batch.maxExportBatchBytes).toBe(1000)
    expect(problemsOf({ batch: { maxQueueSize: 100, maxExportBatchSize: 512 } })).toEqual([
      'Invalid "batch.maxExportBatchSize": expected at most "batch.maxQueueSize", which is 100, got 512 from code. Lower the one or raise the other.',
    ])
  })

  it('redact: false and functions are taken as they are', () => {
    const redact = (_: string, value: unknown): unknown => value
    expect(resolveLoose({ redact: false }).redact).toBe(false)
    expect(resolveLoose({ redact }).redact).toBe(redact)
  })
})

describe('server URL', () => {
  it.each([
    ['https://h.example', 'https://h.example'],
    ['https://h.example/', 'https://h.example'],
    ['  https://H.example/v1//  ', 'https://h.example/v1'],
    ['https://[2001:db8::1]:8443/', 'https://[2001:db8::1]:8443'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ])('H77 D-33 normalises %s', (given, expected) => {
    expect(resolveLoose({ serverUrl: given }).serverUrl).toBe(expected)
    expect(resolveLoose({}, { HH_API_URL: given }).serverUrl).toBe(expected)
  })

  it.each([
    'http://localhost:4319',
    'http://app.localhost',
    'http://127.0.0.1:1',
    'http://127.9.9.9',
    'http://[::1]:80',
    'http://[::ffff:127.0.0.1]',
  ])('S15 lets plain http go to this machine: %s', (serverUrl) => {
    expect(resolveLoose({ apiKey: KEY, serverUrl })).toMatchObject({ disabled: false, warnings: [] })
  })

  it.each([
    'http://example.com',
    'http://10.0.0.1',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://0.0.0.0',
    'http://[2001:db8::1]',
  ])('S15 disables the tracer for plain http abroad: %s', (serverUrl) => {
    for (const config of [
      resolveLoose({ apiKey: KEY, serverUrl }),
      resolveLoose({ apiKey: KEY, disabled: false }, { HH_API_URL: serverUrl }),
    ]) {
      expect(config.disabled).toBe(true)
      expect(config.warnings).toEqual([
        `Disabled: "serverUrl" ${serverUrl} is plain http to another host and would send the API key readable to everyone on the way. Use https, or set allowInsecureUrl: true.`,
      ])
    }
    expect(resolveLoose({ apiKey: KEY, serverUrl, allowInsecureUrl: true })).toMatchObject({ disabled: false, warnings: [] })
  })
})

describe('a variable under another name', () => {
  const said = (options: TracerOptions, env: Record<string, string>): string => resolveConfig(options, env).warnings.join(' ')

  it.each([
    ['HONEYHIVE_API_KEY', 'HH_API_KEY'],
    ['HH_APIKEY', 'HH_API_KEY'],
    ['HH_SERVER_URL', 'HH_API_URL'],
    ['HONEYHIVE_SERVER_URL', 'HH_API_URL'],
    ['HH_DATA_PLANE_URL', 'HH_API_URL'],
  ])('%s is told apart from %s', (other, name) => {
    const own = { apiKey: KEY, serverUrl: 'https://hive.example' }
    expect(said({}, { [other]: KEY })).toBe(`${other} is set, and nothing reads it. Name it ${name}.`)
    expect(said({}, { [other]: ' ' })).toBe('')
    // Who reads it in code may name it as they like.
    expect(said(own, { [other]: KEY })).toBe('')
    expect(said({}, { HH_API_KEY: KEY, HH_API_URL: own.serverUrl, [other]: KEY })).toBe('')
  })
})

describe('export URL', () => {
  it.each(['http://collector.example:4318/v1/traces', 'http://10.0.0.1/'])('disables the tracer for plain http abroad: %s', (exportUrl) => {
    for (const config of [resolveLoose({ apiKey: KEY, exportUrl }), resolveLoose({ apiKey: KEY }, { HH_EXPORT_URL: exportUrl })]) {
      expect(config.disabled).toBe(true)
      expect(config.warnings).toEqual([
        `Disabled: "exportUrl" ${exportUrl} is plain http to another host and would send what was recorded readable to everyone on the way. Use https, or set allowInsecureUrl: true.`,
      ])
    }
    expect(resolveLoose({ apiKey: KEY, exportUrl, allowInsecureUrl: true })).toMatchObject({ disabled: false, exportUrl, warnings: [] })
  })

  it('lets plain http go to a collector on this machine', () => {
    expect(resolveLoose({ exportUrl: 'http://localhost:4318/v1/traces' })).toMatchObject({
      disabled: false,
      compression: 'none',
      warnings: [],
    })
  })
})

describe('a destination in the environment that cannot be read', () => {
  it.each([
    ['HH_API_URL', 'api.example'],
    ['HH_API_URL', 'undefined'],
    ['HH_API_URL', `https://user:${KEY}@api.example`],
    ['HH_EXPORT_URL', 'localhost:4318'],
    ['HH_EXPORT_URL', `https://collector.example/?token=${KEY}`],
  ])('disables the tracer, %s=%s', (name, text) => {
    const config = resolveLoose({ apiKey: KEY }, { [name]: text })
    expect(config.disabled).toBe(true)
    expect(config.warnings).toEqual([expect.stringMatching(/^Invalid .+ in code are disabled\.$/)])
    expect(config.warnings.join()).not.toContain(KEY)
  })

  it('is not missed when code names the destination', () => {
    const options = { serverUrl: 'https://api.example', exportUrl: 'https://collector.example/' }
    const config = resolveLoose(options, { HH_API_URL: 'x', HH_EXPORT_URL: 'y' })
    expect(config).toMatchObject({ ...options, disabled: false })
    expect(config.warnings).toHaveLength(2)
  })

  it('counts as not set when it is empty', () => {
    expect(resolveLoose({}, { HH_API_URL: ' ', HH_EXPORT_URL: '""' })).toMatchObject({
      disabled: false,
      exportUrl: undefined,
      warnings: [],
    })
  })
})

describe('resource attributes', () => {
  it('are copied, lists included', () => {
    const names = ['a']
    const { resourceAttributes } = resolveLoose({ resourceAttributes: { names, on: true } }, { OTEL_RESOURCE_ATTRIBUTES: 'team=t' })
    names.push('b')
    expect(resourceAttributes).toEqual({ names: ['a'], on: true, team: 't' })
  })
})

describe('compression', () => {
  it('is left out by default to a server on the same machine, and only there', () => {
    expect(resolveLoose({ serverUrl: 'http://127.0.0.1:4319' }).compression).toBe('none')
    expect(resolveLoose({ serverUrl: 'http://127.0.0.1:4319', compression: 'gzip' }).compression).toBe('gzip')
    expect(resolveLoose({ serverUrl: 'http://127.0.0.1:4319' }, { HH_OTLP_COMPRESSION: 'gzip' }).compression).toBe('gzip')
    expect(resolveLoose({ serverUrl: 'https://self.hosted' }).compression).toBe('gzip')
  })
})

describe('default session name', () => {
  const script = `import { resolveConfig } from ${JSON.stringify(new URL('../../src/config/resolve.ts', import.meta.url).href)}; process.stdout.write(resolveConfig({}, {}).sessionName)`
  const run = (...flags: string[]): string =>
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', ...flags], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    })

  it('is the base name of the main file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'main-name-'))
    const main = join(folder, 'check.out.mts')
    writeFileSync(main, script)
    expect(execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), main], { encoding: 'utf8' })).toBe('check.out')
    rmSync(folder, { recursive: true })
  })

  it('is node for a program without a file', () => {
    expect(run('-e', script, 'argument.js')).toBe('node')
  })
})

describe('cost', () => {
  it('is small enough to resolve settings for every request', async () => {
    const options = { apiKey: KEY, source: 'production' }
    const work = (): void => {
      for (let i = 0; i < 1000; i++) resolveConfig(options)
    }
    // Microseconds for one, without what other processes take; about 11 on an idle core.
    expect(await leastBelow(40, () => toReferenceMs(leastCpuMsOf(20, work), 40))).toBeLessThan(40)
  })
})

describe('the variables of a tracer', () => {
  it('are read where each of them is asked for, and no other', () => {
    const asked = new Set<string>()
    const listen = new Proxy({} as Environment, {
      get: (_, name) => {
        asked.add(String(name))
        // So that proxies are asked for as well.
        return name === 'NODE_USE_ENV_PROXY' ? '1' : undefined
      },
    })
    resolveConfig(undefined, listen)
    expect(asked.size).toBeGreaterThan(30)
    for (const name of asked) {
      vi.stubEnv(name, `value of ${name}`)
      expect(readSettingVariables()[name], name).toBe(`value of ${name}`)
    }
    vi.stubEnv('HH_TEST_OTHER', 'x')
    expect(readSettingVariables()['HH_TEST_OTHER']).toBeUndefined()
    vi.unstubAllEnvs()
  })

  it('are those of the moment, with each tracer', () => {
    for (const project of ['one', 'two', undefined]) {
      vi.stubEnv('HH_PROJECT', project)
      expect(resolveConfig({ apiKey: 'key' }).project).toBe(project)
    }
    vi.unstubAllEnvs()
  })
})
