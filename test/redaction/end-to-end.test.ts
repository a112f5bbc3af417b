import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TracerOptions } from '../../src/config/options.js'
import { startDevServer } from '../../src/dev/server.js'
import { trace } from '../../src/tracer/tracing.js'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { cpuMs, leastBelow, toReferenceMs } from '../fixtures/cost.js'
import { startWire, type Wire } from '../hostile/wire.js'

const SECRET = 'swordfish-4711'
const KEY = 'hh-sentinel-key-8b1f2c77'

let wire: Wire
let tracers: HoneyHiveTracer[]

beforeEach(async () => {
  wire = await startWire()
  tracers = []
})
afterEach(async () => {
  await Promise.all(tracers.map((tracer) => tracer.shutdown(1_000)))
  await wire.close()
})

function start(options: TracerOptions = {}): HoneyHiveTracer {
  const tracer = HoneyHiveTracer.init({ apiKey: KEY, serverUrl: wire.url, protocol: 'http/json', sessionName: 'redaction', ...options })
  tracers.push(tracer)
  return tracer
}

const bodies = (): string => wire.requests.map(({ body }) => body.toString()).join('\n')

/** Where `text` stands in what was sent, with what surrounds it. */
const around = (text: string): string[] =>
  bodies()
    .split(text)
    .slice(0, -1)
    .map((before) => before.slice(-80))

/** Puts the secret into every place that takes text of a user. */
async function recordEverywhere(tracer: HoneyHiveTracer): Promise<void> {
  const text = `before ${SECRET} after`
  await tracer.withSession({ sessionName: text, inputs: { text }, metadata: { text }, userProperties: { text } }, async () => {
    trace({ tracer, eventName: text, metadata: { text }, config: { text } })((given: object) => ({ text, given }))({ text, list: [text] })
    tracer.startActiveSpan('enriched', (span) => {
      tracer.enrichSpan({
        metadata: { text },
        metrics: { text },
        feedback: { text },
        inputs: { text },
        outputs: { text },
        userProperties: { text },
      })
      span.setAttribute('plain', text).setAttribute('list', [text, text])
      span.addEvent(text, { text })
      span.addLink({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }, attributes: { text } })
      span.setStatus({ code: 2, message: text })
      span.updateName(text)
    })
    expect(() =>
      tracer.startActiveSpan('failing', () => {
        throw new Error(text)
      }),
    ).toThrow(text)
    tracer.otelTracer.startSpan('chat', { attributes: { 'llm.invocation_parameters': JSON.stringify({ user: text }) } }).end()
    await tracer.enrichSession({ metadata: { text }, feedback: { text }, inputs: { text }, outputs: { text } })
    await tracer.updateEvent('e', { metadata: { text }, error: text })
    await tracer.createEvent({ eventName: text, inputs: { text }, outputs: { text }, error: text, metadata: { text } })
  })
  await tracer.forceFlush(60_000)
}

describe('redaction end to end', () => {
  it('S19 a pattern masks every text on every way out', async () => {
    await recordEverywhere(start({ redact: { patterns: [/swordfish-\d+/] } }))
    expect(wire.requests.length).toBeGreaterThan(4)
    expect(bodies()).toContain('before [REDACTED] after')
    expect(around(SECRET)).toEqual([])
  })

  it('S19 F45 a redactor that throws masks everything', async () => {
    await recordEverywhere(
      start({
        redact: () => {
          throw new Error('broken')
        },
      }),
    )
    expect(wire.requests.length).toBeGreaterThan(4)
    expect(around(SECRET)).toEqual([])
    expect(bodies()).not.toContain('before ')
  })

  it('S19 shows the secret when nothing asks to hide it, so the tests above can fail', async () => {
    await recordEverywhere(start())
    expect(bodies().split(SECRET).length).toBeGreaterThan(25)
  })

  it('S19 built-in names are masked in values, nested objects, JSON text and instrumented spans', async () => {
    const tracer = start()
    const ask = trace({ tracer })((given: object) => ({ token: SECRET, given }))
    ask({ headers: { Authorization: SECRET }, apiKey: SECRET, nested: [{ password: SECRET }] })
    const parameters = JSON.stringify({ model: 'm', api_key: SECRET, headers: { 'x-api-key': SECRET } })
    tracer.otelTracer.startSpan('chat', { attributes: { 'llm.invocation_parameters': parameters, 'llm.api_key': SECRET } }).end()
    tracer.startSpan('request', { inputs: { body: `prefix ${parameters}` } }).end()
    await tracer.enrichSession({ metadata: { client_secret: SECRET }, userProperties: { cookie: SECRET } })
    await tracer.createEvent({ eventName: 'e', inputs: { access_token: SECRET } })
    await tracer.forceFlush(60_000)
    expect(around(SECRET)).toEqual([])
    expect(bodies()).toContain('llm.invocation_parameters')
    expect(bodies()).toContain(String.raw`\"model\":\"m\"`)
  })

  it('S19 a map kept by key or address shows neither in its names, and loses none of its values', async () => {
    const tokens = [
      `sk-proj-${'a1B2c3D4'.repeat(6)}`,
      `ghp_${'Z9y8X7w6'.repeat(5)}`,
      `sk-proj-${'e5F6g7H8'.repeat(6)}`,
      `ghp_${'Q5r6S7t8'.repeat(5)}`,
    ] as const
    const login = `postgres://user:${SECRET}@db.test/x`
    const [first, second, third, fourth] = tokens
    const usage = {
      [first]: 'one',
      [second]: 'two',
      [`Bearer ${third}`]: 'three',
      [login]: 'four',
      'max_tokens:total': 'five',
      'card 4111': 'six',
      [fourth]: 'seven',
    }
    const tracer = start({ redact: { patterns: [/\b\d{4}\b/] } })
    trace({ tracer, eventName: 'by name' })((given: object) => given)({ usage, map: new Map(Object.entries(usage)), list: [usage] })
    const span = tracer.otelTracer.startSpan('by attribute', { attributes: { ...usage } })
    span.addEvent('event', { ...usage })
    span.addLink({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }, attributes: { ...usage } })
    span.end()
    tracer.startActiveSpan('enriched', () => tracer.enrichSpan({ metadata: usage, feedback: { usage } }))
    await tracer.withSession({ sessionName: 's' }, () => tracer.enrichSession({ metadata: { usage } }))
    await tracer.createEvent({ eventName: 'e', inputs: { usage } })
    await tracer.forceFlush(60_000)
    for (const secret of [...tokens, SECRET, '"honeyhive_inputs.card 4111']) expect(around(secret)).toEqual([])
    for (const name of [
      '.usage.[REDACTED]"',
      '.usage.[REDACTED] 2"',
      '.usage.[REDACTED] 3"',
      '"[REDACTED]"',
      '"[REDACTED] 2"',
      'Bearer [REDACTED]',
      'user:[REDACTED]@db.test/x',
    ])
      expect(bodies()).toContain(name)
    expect(bodies()).toContain('.usage.card [REDACTED]"')
    expect(bodies()).toContain('max_tokens:total')
    const counts = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'].map((value) => bodies().split(`"${value}"`).length)
    expect(new Set(counts).size).toBe(1)
  })

  it('S19 names that look like secrets stay where nothing is to be masked', async () => {
    const token = `ghp_${'Z9y8X7w6'.repeat(5)}`
    const login = 'pg://u:p@h'
    const namesShown = async (redact: NonNullable<TracerOptions['redact']>): Promise<string[]> => {
      const before = wire.requests.length
      const tracer = start({ redact })
      tracer.startSpan('request', { inputs: { [token]: 1, [login]: 2 } }).end()
      await tracer.forceFlush(60_000)
      const sent = wire.requests.slice(before).map(({ body }) => body.toString())
      return [token, login].filter((name) => sent.join('').includes(`honeyhive_inputs.${name}`))
    }
    expect(await namesShown({})).toEqual([])
    expect(await namesShown({ formats: false })).toEqual([token])
    expect(await namesShown({ builtIn: false, formats: true })).toEqual([login])
    expect(await namesShown({ builtIn: false })).toEqual([token, login])
  })

  it('S19 built-in names can be turned off', async () => {
    const tracer = start({ redact: { builtIn: false } })
    tracer.startSpan('request', { inputs: { password: SECRET } }).end()
    await tracer.forceFlush(60_000)
    expect(bodies()).toContain(SECRET)
  })

  it('S19 one tracer never uses the rules of another', async () => {
    const one = start({ redact: { patterns: [/swordfish-\d+/], keys: ['only_one'] }, project: 'one' })
    const other = start({ redact: { replacement: '***' }, project: 'other' })
    for (const tracer of [one, other]) {
      tracer.startActiveSpan('outer', () => {
        const inner = tracer === one ? other : one
        inner.startActiveSpan('inner', { inputs: { text: SECRET, only_one: 'visible', password: 'p' } }, () => undefined)
      })
    }
    await Promise.all([one.forceFlush(60_000), other.forceFlush(60_000)])
    const byProject = (project: string): string =>
      wire.requests
        .map(({ body }) => body.toString())
        .filter((body) => body.includes(`"${project}"`) && body.includes('resourceSpans'))
        .join()
    expect(byProject('one')).not.toMatch(/swordfish|visible|\*\*\*/)
    expect(byProject('one')).toContain('[REDACTED]')
    expect(byProject('other')).toContain(SECRET)
    expect(byProject('other')).toContain('visible')
    expect(byProject('other')).toContain('***')
  })

  it('S19 the rules of one wrapper apply to its spans only, errors included', async () => {
    const tracer = start()
    const hidden = trace({ tracer, eventName: 'hidden', redact: { patterns: [/swordfish-\d+/] } })((text: string) => {
      throw new Error(`no ${text}`)
    })
    expect(() => hidden(SECRET)).toThrow(SECRET)
    await tracer.forceFlush(60_000)
    expect(bodies()).toContain('no [REDACTED]')
    expect(around(SECRET)).toEqual([])
    trace({ tracer, eventName: 'shown' })((text: string) => text)(SECRET)
    await tracer.forceFlush(60_000)
    expect(bodies()).toContain(SECRET)
  })

  it('S19 masks before it cuts: a secret across the limit leaves no beginning behind', async () => {
    const tracer = start({ redact: { patterns: [/swordfish-\d+/] }, capture: { maxBytes: 1_000 }, limits: { maxSpanBytes: 1_000 } })
    for (let lead = 900; lead < 1_010; lead += 5) {
      trace({ tracer })((text: string) => text)(`${'x'.repeat(lead)}${SECRET}`)
    }
    await tracer.forceFlush(60_000)
    expect(bodies()).toContain('truncated')
    expect(bodies()).not.toMatch(/swordfish|xswo/)
  })

  it('S19 S13 the spool holds neither the secret nor the key', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'redaction-'))
    const dead = start({
      serverUrl: 'http://127.0.0.1:9',
      spool: directory,
      redact: { patterns: [/swordfish-\d+/] },
    })
    dead.startSpan(`name ${SECRET}`, { inputs: { text: SECRET, password: SECRET } }).end()
    await dead.shutdown(300)
    const texts = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')))
    expect(texts.join().length).toBeGreaterThan(100)
    expect(texts.join()).not.toContain(SECRET)
    expect(texts.join()).not.toContain(KEY)
    await rm(directory, { recursive: true, force: true })
  })

  it('S20 masks 1 MB of adversarial text per span in linear time', async () => {
    const tracer = start({ redact: { keys: ['x'], patterns: [/swordfish-\d+/] }, protocol: 'http/json' })
    // 50 ms each in the catalogue, times a factor for small machines; a quadratic pass takes minutes.
    const limitMs = 7 * 50 * 8
    const maskMs = async (): Promise<number> => {
      const before = cpuMs()
      for (const unit of ['a', '1-', 'eyJa', '"', '\\', '{', '":'])
        tracer.startSpan('big', { inputs: { text: unit.repeat(1_000_000 / unit.length) } }).end()
      expect(await tracer.forceFlush(60_000)).toBe(true)
      return toReferenceMs(cpuMs() - before, limitMs)
    }
    expect(await leastBelow(limitMs, maskMs)).toBeLessThan(limitMs)
  })
})

describe('the key of a tracer', () => {
  it('S13 shows nowhere: inspect, JSON, spans, sessions, logs, errors, the database of the local server', async () => {
    const log: string[] = []
    const push = (line: string): void => void log.push(line)
    const directory = await mkdtemp(join(tmpdir(), 'secrets-'))
    const server = await startDevServer({ port: 0, database: join(directory, 'events.db') })
    const tracer = start({ serverUrl: server.url, verbose: true, logger: { debug: push, warn: push, error: push } })
    trace({ tracer })((...given: unknown[]) => given)(KEY, { key: KEY, tracer }, new Error(KEY))
    tracer.startSpan(KEY, { metadata: { note: KEY } }).end()
    await tracer.enrichSession({ metadata: { text: `Bearer ${KEY}` } })
    await tracer.createEvent({ eventName: KEY, inputs: { KEY } })
    expect(await tracer.forceFlush(60_000)).toBe(true)
    const shown = [
      inspect(tracer, { showHidden: true, depth: 10 }),
      JSON.stringify(tracer),
      String(tracer),
      JSON.stringify(tracer.stats()),
      tracer.explain('nothing'),
      ...log,
    ]
    expect(shown.join('\n')).not.toContain(KEY)
    await tracer.shutdown()
    await server.close()
    const files = await readdir(directory)
    const stored = await Promise.all(files.map((name) => readFile(join(directory, name), 'latin1')))
    expect(stored.join('').length).toBeGreaterThan(1_000)
    expect(stored.some((text) => text.includes(KEY))).toBe(false)
    await rm(directory, { recursive: true, force: true })
  })

  it.each(['\r\nx-injected: 1', '\n\nx', '\u0000x', '\u007fx'])('S14 init refuses %j inside the key and does not show it', (tail) => {
    let shown = ''
    try {
      start({ apiKey: `${KEY}${tail}` })
    } catch (error) {
      shown = inspect(error)
    }
    expect(shown).toContain('apiKey')
    expect(shown).not.toContain(KEY)
  })

  it('S15 is not sent over plain http to another machine: the tracer is off and says why', async () => {
    const log: string[] = []
    const push = (line: string): void => void log.push(line)
    const tracer = start({ serverUrl: 'http://198.51.100.7:9', logger: { debug: push, warn: push, error: push } })
    tracer.startSpan('x').end()
    expect(tracer.isEnabled).toBe(false)
    expect(tracer.stats()).toMatchObject({ requests: 0, dropped: { disabled: 1 } })
    expect(log.join()).toContain('allowInsecureUrl')
    expect(log.join()).not.toContain(KEY)
  })

  it('S17 travels in no baggage, and neither does what a user recorded', () => {
    const tracer = start({ metadata: { note: SECRET }, userProperties: { mail: 'a@example.org' } })
    const headers = tracer.startActiveSpan('call', { metadata: { text: SECRET } }, () =>
      tracer.injectContext({ baggage: 'host=1' } as Record<string, string>),
    )
    expect(Object.keys(headers).sort()).toEqual(['baggage', 'traceparent'])
    const names = (headers['baggage'] ?? '').split(',').map((member) => member.split('=')[0])
    expect(names).toEqual(['host', 'session_id', 'source'])
    expect(JSON.stringify(headers)).not.toMatch(/swordfish|sentinel|example/)
  })
})
