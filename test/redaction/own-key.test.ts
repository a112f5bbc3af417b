import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createTraceState, SpanKind } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TracerOptions } from '../../src/config/options.js'
import { createDiagnostics } from '../../src/diagnostics.js'
import { evaluate } from '../../src/experiments/evaluate.js'
import { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { trace } from '../../src/tracer/tracing.js'
import { startWire, type Wire } from '../hostile/wire.js'

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
  const tracer = HoneyHiveTracer.init({ apiKey: KEY, serverUrl: wire.url, sessionName: 'own key', ...options })
  tracers.push(tracer)
  return tracer
}

/** Where the key stands in what was sent, headers of its own aside. */
const leaks = (): string[] =>
  wire.requests.flatMap(({ body, path, headers }) => {
    const { authorization: _, ...others } = headers
    return [body.toString('latin1'), path, JSON.stringify(others)].filter((text) => text.includes(KEY)).map((text) => text.slice(0, 200))
  })

class KeyError extends Error {
  override readonly name = `Error of ${KEY}`
}

async function writeEverywhere(tracer: HoneyHiveTracer): Promise<void> {
  await tracer.withSession({ sessionName: KEY, sessionId: `session ${KEY}`, metadata: { [KEY]: KEY } }, async () => {
    const traceState = createTraceState(`vendor=${KEY}`)
    const library = tracer.provider.getTracer(`library ${KEY}`, KEY)
    const span = library.startSpan(KEY, { kind: SpanKind.CLIENT, attributes: { [KEY]: KEY, [`a.${KEY}.b`]: [KEY] } })
    span.setAttribute('honeyhive_event_type', KEY).setAttribute('honeyhive_event_id', KEY).setAttribute('honeyhive_event_name', KEY)
    span.addEvent(KEY, { [KEY]: KEY })
    span.addLink({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, traceState }, attributes: { [KEY]: KEY } })
    span.setStatus({ code: 2, message: KEY }).recordException(new KeyError(KEY))
    span.end()
    const fail = trace({ tracer, eventId: KEY, eventType: 'tool', eventName: KEY })((given: object) => {
      throw Object.assign(new KeyError(KEY), { code: KEY, given })
    })
    expect(() => fail({ [KEY]: { deep: [{ [`x${KEY}`]: 1 }] } })).toThrow(KEY)
    tracer.startActiveSpan('enriched', () => void tracer.enrichSpan({ metadata: { [KEY]: { [KEY]: KEY } }, eventId: KEY, error: KEY }))
    await tracer.enrichSession({ metadata: { [KEY]: KEY }, userProperties: { base64: Buffer.from(`user:${KEY}`).toString('base64') } })
    await tracer.updateEvent(KEY, { metadata: { [KEY]: 1 } })
    await tracer.createEvent({ eventName: KEY, eventType: KEY as 'tool', parentId: KEY, inputs: { [KEY]: KEY } })
  })
  await tracer.forceFlush(60_000)
}

const LABELS: TracerOptions = {
  project: `project ${KEY}`,
  source: `source ${KEY}`,
  resourceAttributes: { 'service.name': KEY, [KEY]: 'x' },
  resource: resourceFromAttributes({ late: Promise.resolve(KEY) as never, 'service.version': KEY }),
  runId: `run ${KEY}`,
  datasetId: KEY,
  datapointId: KEY,
}

describe('the key of a tracer', () => {
  it.each(['http/json', 'http/protobuf'] as const)('is in no request, wherever a caller wrote it (%s)', async (protocol) => {
    await writeEverywhere(start({ ...LABELS, protocol }))
    expect(wire.requests.length).toBeGreaterThan(4)
    expect(leaks()).toEqual([])
  })

  it('is masked as well when nothing else is', async () => {
    await writeEverywhere(start({ ...LABELS, redact: false }))
    expect(leaks()).toEqual([])
  })

  it('is in no span that an exporter of the user gets', async () => {
    const seen: ReadableSpan[] = []
    const exporter = {
      export: (spans: ReadableSpan[], done: (result: { code: number }) => void) => {
        seen.push(...spans)
        done({ code: 0 })
      },
      shutdown: () => Promise.resolve(),
    }
    await writeEverywhere(start({ ...LABELS, exporter }))
    expect(seen.length).toBeGreaterThan(2)
    for (const span of seen) {
      await span.resource.waitForAsyncAttributes?.()
      const shown = [span.name, span.attributes, span.events, span.links, span.status, span.resource.attributes, span.instrumentationScope]
      expect(
        JSON.stringify([...shown, span.spanContext(), span.links.map(({ context }) => context.traceState?.serialize())]),
      ).not.toContain(KEY)
    }
  })

  it('is in no header for other services and in nothing that a tracer says of itself', async () => {
    const tracer = start(LABELS)
    tracer.setBaggage('note', KEY)
    const headers = tracer.startActiveSpan('call', () => tracer.injectContext({}))
    await writeEverywhere(tracer)
    const shown = [JSON.stringify(headers), inspect(tracer, { depth: 6, showHidden: true }), JSON.stringify(tracer), String(tracer)]
    expect([...shown, JSON.stringify(tracer.stats()), tracer.explain(KEY)].join('\n')).not.toContain(KEY)
  })

  it('is in no line of a log and in no report of a loss', async () => {
    const lines: string[] = []
    const push = (line: string): void => void lines.push(line)
    const losses: string[] = []
    const tracer = start({
      ...LABELS,
      verbose: true,
      logger: { debug: push, warn: push, error: push },
      onDrop: ({ detail }) => losses.push(detail),
      redact: () => {
        throw new Error(KEY)
      },
      exporter: {
        export: () => {
          throw new Error(`exporter ${KEY}`)
        },
        shutdown: () => Promise.reject(new Error(KEY)),
      },
    })
    await writeEverywhere(tracer)
    await tracer.shutdown(1_000)
    expect(lines.length).toBeGreaterThan(0)
    expect([...lines, ...losses, JSON.stringify(tracer.stats())].join('\n')).not.toContain(KEY)
  })

  it('is in no file of a spool', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'own-key-'))
    const tracer = start({ ...LABELS, serverUrl: 'http://127.0.0.1:9', spool: directory })
    tracer.otelTracer
      .startSpan(KEY, { attributes: { [KEY]: KEY } })
      .addEvent(KEY, { [KEY]: KEY })
      .end()
    await tracer.shutdown(300)
    const files = await readdir(directory)
    expect(files.length).toBeGreaterThan(0)
    for (const name of files) expect(await readFile(join(directory, name), 'latin1')).not.toContain(KEY)
    await rm(directory, { recursive: true, force: true })
  })

  it('is in no report and no journal of an experiment', async () => {
    const journal = await mkdtemp(join(tmpdir(), 'own-key-'))
    const result = await evaluate({
      name: `run ${KEY}`,
      function: ({ inputs }) => {
        if ((inputs as { n: number }).n === 2) throw new KeyError(KEY)
        return { [KEY]: KEY }
      },
      dataset: [{ id: `row ${KEY}`, inputs: { n: 1, [KEY]: KEY } }, { inputs: { n: 2 } }],
      evaluators: [Object.defineProperty(() => 1, 'name', { value: `score ${KEY}` })],
      apiKey: KEY,
      serverUrl: wire.url,
      journal,
      git: false,
      printResults: false,
      progress: false,
    })
    const reports = [JSON.stringify(result.toJSON()), result.toTable(), result.toMarkdown(), result.toJUnit(), result.toHTML()]
    expect(reports.join('\n')).not.toContain(KEY)
    for (const name of await readdir(journal)) expect(await readFile(join(journal, name), 'utf8')).not.toContain(KEY)
    expect(leaks()).toEqual([])
    await rm(journal, { recursive: true, force: true })
  })
})

describe('text from outside', () => {
  it('reaches a log without control sequences, and makes no line of its own there', () => {
    const lines: string[] = []
    const push = (line: string): void => void lines.push(line)
    const diagnostics = createDiagnostics({ logger: { debug: push, warn: push, error: push }, label: 'a\u001b[2J', verbose: true })
    diagnostics.warn('t', 'name \u001b]0;owned\u0007 and\nFAKE LINE \u202e\u009b31m')
    diagnostics.debug(() => 'x\ry\u0000')
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect(lines[0]).toContain('FAKE LINE')
  })

  it('reaches the answer of explain() as one line', () => {
    const tracer = HoneyHiveTracer.init({ testMode: true })
    tracer.startSpan('step\u001b[31m\nFAKE').end()
    expect(tracer.explain('step\u001b[31m\nFAKE')).not.toMatch(/[\u0000-\u001f]/)
  })
})
