import { afterEach, beforeEach, expect, test } from 'vitest'
import { HoneyHiveTracer, type TracerOptions } from '../../src/index.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'

let receiver: Receiver
let lines: string[]
let status: number | undefined
beforeEach(async () => {
  status = undefined
  lines = []
  receiver = await startReceiver(({ url }, response) => {
    if (status === undefined || url?.endsWith('/v1/traces') !== true) return false
    response.writeHead(status).end()
    return true
  })
})
afterEach(() => receiver.close())

const keep = (line: string): void => void lines.push(line)
const init = (options: TracerOptions): HoneyHiveTracer =>
  HoneyHiveTracer.init({ apiKey: 'key-1234567890', serverUrl: receiver.url, logger: { debug: keep, warn: keep, error: keep }, ...options })

async function recordOne(tracer: HoneyHiveTracer): Promise<void> {
  tracer.startSpan('step key-1234567890').end()
  await tracer.forceFlush()
  await tracer.shutdown()
}

test('`verbose` tells the life of a span in a handful of lines, none of which holds the key', async () => {
  await recordOne(init({ verbose: true }))
  const expected = [
    /session started: \S+ \(/,
    /span ended: step \S+ \(\w{16}\) of session/,
    new RegExp(`sending 1 span \\(\\d+ bytes\\) to ${receiver.url}`),
    new RegExp(`1 span arrived at ${receiver.url}`),
    new RegExp(`POST /session/start arrived at ${receiver.url}, about`),
  ]
  for (const pattern of expected)
    expect(
      lines.filter((line) => pattern.test(line)),
      String(pattern),
    ).toHaveLength(1)
  expect(lines.length).toBeLessThanOrEqual(6)
  expect(lines.join('\n')).not.toContain('key-1234567890')
})

test('without it nothing is said', async () => {
  await recordOne(init({}))
  expect(lines).toEqual([])
})

test.each([
  ['a refusal', 403, {}, 'dropped (httpStatus): 1 of 1 so far, HTTP 403'],
  ['what the user left out', undefined, { spanFilter: { exclude: ['step'] } }, 'dropped (filtered): 1 of 1 so far'],
  ['a server that is not ready', 503, { batch: { retryBudgetMs: 1 } }, 'delivery: HTTP 503'],
] as const)('%s is said as well', async (_, answer, options, said) => {
  status = answer
  await recordOne(init({ verbose: true, ...options }))
  expect(lines.filter((line) => line.includes(said)).length).toBeGreaterThanOrEqual(1)
})

test('names are shown as they are exported: neither its lines nor `explain` tell what is redacted', async () => {
  const tracer = init({ verbose: true, redact: { patterns: [/patient \d+/] } })
  const name = 'visit of patient 42'
  const explained: string[] = []
  await tracer.withSession({ sessionName: name }, async () => {
    const span = tracer.startSpan(name)
    explained.push(tracer.explain(name))
    span.end()
    explained.push(tracer.explain(name))
    await tracer.forceFlush()
    explained.push(tracer.explain(name))
  })
  await tracer.shutdown()
  expect(explained.map((line) => line.split(/[: ]/, 1)[0])).toEqual(['open', 'pending', 'exported'])
  for (const line of explained) expect(line).toContain('visit of [REDACTED] (')
  expect(lines.join('\n')).toContain('span ended: visit of [REDACTED] (')
  expect(lines.join('\n')).toContain('session started: visit of [REDACTED] (')
  expect([...lines, ...explained].join('\n')).not.toContain('patient 42')
})
