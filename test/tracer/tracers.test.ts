import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { defineTracers, HoneyHiveConfigError, HoneyHiveError, HoneyHiveTracer, loadTracers, trace, traceFn } from '../../src/index.js'
import { createTestTracer } from '../../src/testing/index.js'
import { startReceiver } from '../fixtures/receiver.js'

const opened: { shutdown(): Promise<boolean> }[] = []
const keep = <T extends { shutdown(): Promise<boolean> }>(made: T): T => {
  opened.push(made)
  return made
}
afterEach(() => Promise.all(opened.splice(0).map((each) => each.shutdown())))

const caught = (work: () => unknown): HoneyHiveError => {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(HoneyHiveError)
    return error as HoneyHiveError
  }
  throw new Error('nothing was thrown')
}
const spansOf = (tracer: HoneyHiveTracer): string[] => (tracer.instance.exporters.memory?.spans ?? []).map((span) => span.name)

describe('defineTracers', () => {
  test('makes one tracer per name; the names are a type', () => {
    const tracers = keep(
      defineTracers({ production: { apiKey: 'k-1', testMode: true }, staging: { apiKey: 'k-2', testMode: true, source: 'stage' } }),
    )
    expectTypeOf(tracers.get).parameter(0).toEqualTypeOf<'production' | 'staging'>()
    expect(tracers.names).toEqual(['production', 'staging'])
    expect(tracers.get('staging').source).toBe('stage')
    expect(tracers.get('staging')).toBe(tracers.get('staging'))
    expect(tracers.get('production')).not.toBe(tracers.get('staging'))
    expect([tracers.has('production'), tracers.has('toString'), tracers.has('nobody')]).toEqual([true, false, false])
    expect([...tracers].map(([name, tracer]) => [name, tracer instanceof HoneyHiveTracer])).toEqual([
      ['production', true],
      ['staging', true],
    ])
  })

  test('an unknown name throws UNKNOWN_TRACER and lists the known ones', () => {
    const tracers = keep(defineTracers({ one: { testMode: true }, two: { testMode: true } }))
    const error = caught(() => tracers.get('thre' as 'two'))
    expect([error.code, error.message]).toEqual(['UNKNOWN_TRACER', 'There is no tracer "thre". Known names: "one", "two".'])
    expect(caught(() => (defineTracers({}) as typeof tracers).get('one')).message).toBe('There is no tracer "one". None was defined.')
  })

  test('wrong options of all tracers are reported together, no key is shown, and none is made', () => {
    const secret = 'hh-secret-key-0123456789'
    const live = createTestTracer()
    const only = (): boolean => traceFn(undefined, () => live.enrichSpan({ metadata: { here: true } }), { eventName: 'only' })()
    const error = caught(() =>
      defineTracers({
        good: { testMode: true },
        bad: { apiKey: secret, serverUrl: 'ftp://x' },
        worse: { sampleRate: 2, sesionName: secret } as never,
      }),
    ) as HoneyHiveConfigError
    expect(error).toBeInstanceOf(HoneyHiveConfigError)
    expect(error.problems.map((problem) => problem.option)).toEqual(['bad.serverUrl', 'worse.sampleRate', 'worse.sesionName'])
    expect(error.message).toContain('Did you mean "worse.sessionName"?')
    expect(error.message).not.toContain(secret)
    // The only live tracer is still the only one.
    expect(only()).toBe(true)
    return live.shutdown()
  })

  test('`tracer: name` finds the tracer at each call, and no longer once it is shut down', async () => {
    const late = trace({ tracer: 'late-bound', eventName: 'late' })((n: number) => n + 1)
    expect(late(1)).toBe(2)
    const first = defineTracers({ 'late-bound': { apiKey: 'k', testMode: true } })
    expect(late(2)).toBe(3)
    expect(spansOf(first.get('late-bound'))).toEqual(['late'])
    await first.shutdown()
    expect(late(3)).toBe(4)
    const second = keep(defineTracers({ 'late-bound': { apiKey: 'k', testMode: true } }))
    expect(late(4)).toBe(5)
    expect(spansOf(second.get('late-bound'))).toEqual(['late'])
    expect(first.get('late-bound').stats().started).toBe(1)
  })

  test('a name that a live tracer has goes to the new one, and a line says so; the one before is delivered and goes on for who holds it', async () => {
    const receiver = await startReceiver()
    const lines: string[] = []
    const logger = { debug: () => undefined, warn: (line: string) => lines.push(line), error: () => undefined }
    const define = (apiKey: string) =>
      keep(defineTracers({ twice: { apiKey, serverUrl: receiver.url, skipSessionCreation: true, logger } })).get('twice')
    const ask = trace({ tracer: 'twice', eventName: 'by name' })(() => undefined)
    const first = define('key')
    first.startSpan('of the first').end()
    const open = first.startSpan('open')
    const second = define('key')
    ask()
    open.end()
    await vi.waitFor(() => expect(receiver.spans.map(({ name }) => name)).toEqual(['of the first', 'open']))
    expect(lines).toEqual([expect.stringContaining('the name "twice" was defined again: this tracer takes the place of the one before')])
    const third = define('key-of-somebody')
    expect(lines.at(-1)).toContain('it stands for another key or destination now')
    first.startSpan('by who holds it').end()
    await Promise.all([first, second, third].map((tracer) => tracer.forceFlush()))
    expect(receiver.spans.map(({ name, authorization }) => `${name} ${authorization}`).sort()).toEqual(
      ['by name Bearer key', 'by who holds it Bearer key', 'of the first Bearer key', 'open Bearer key'].sort(),
    )
    await receiver.close()
  })

  test('shutdown delivers what all of them hold; `await using` does the same', async () => {
    const receiver = await startReceiver()
    const options = { serverUrl: receiver.url, skipSessionCreation: true }
    {
      await using tracers = defineTracers({ a: { apiKey: 'key-a', ...options }, b: { apiKey: 'key-b', ...options } })
      for (const [name, tracer] of tracers) tracer.startSpan(`of-${name}`).end()
    }
    expect(receiver.spans.map((span) => [span.name, span.authorization]).sort()).toEqual([
      ['of-a', 'Bearer key-a'],
      ['of-b', 'Bearer key-b'],
    ])
    await receiver.close()
  })
})

describe('loadTracers', () => {
  test('reads a file, with defaults and variables', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tracers-'))
    const file = join(directory, 'tracers.yaml')
    await writeFile(
      file,
      [
        'defaults:',
        '  testMode: true',
        'tracers:',
        '  eu:',
        '    apiKey: ${EU_KEY}',
        '    source: ${WHERE:-europe}',
        '  us:',
        '    apiKey: k',
        '',
      ].join('\n'),
    )
    const tracers = keep(loadTracers(file, { env: { EU_KEY: 'from-variable' } }))
    expectTypeOf(tracers.get).parameter(0).toEqualTypeOf<string>()
    expect([tracers.names, tracers.get('eu').source, tracers.get('us').source]).toEqual([['eu', 'us'], 'europe', 'dev'])
    expect(tracers.get('eu').isEnabled && tracers.get('eu').testMode).toBe(true)
    await rm(directory, { recursive: true })
  })

  test('takes an object whose names become a type, and expands its texts', () => {
    const tracers = keep(
      loadTracers({ tracers: { left: { apiKey: '${K}' }, right: { apiKey: 'k' } }, defaults: { testMode: true } }, { env: { K: 'key' } }),
    )
    expectTypeOf(tracers.get).parameter(0).toEqualTypeOf<'left' | 'right'>()
    expect(tracers.get('left').isEnabled).toBe(true)
    const short = keep(loadTracers({ alone: { testMode: true } }))
    expectTypeOf(short.get).parameter(0).toEqualTypeOf<'alone'>()
    expect(short.names).toEqual(['alone'])
  })

  test('a missing file and wrong entries are refused with their place', () => {
    expect(caught(() => loadTracers('nowhere/tracers.yaml')).code).toBe('CONFIG_FILE')
    expect(caught(() => loadTracers({ a: { source: 5 as never }, b: { apiKey: '${NOT_SET_ANYWHERE}' } }, { env: {} })).message).toMatch(
      /2 invalid settings.*tracers\.a\.source.*tracers\.b\.apiKey/s,
    )
  })
})
