// The core entry in other runtimes than Node.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ReceivedSpan, type Receiver, startReceiver } from '../fixtures/receiver.js'
import { installPlace, type Outcome, type Place } from './place.js'

interface Report {
  readonly sessions: readonly { readonly sessionId: string; readonly current: string; readonly length: number }[]
  readonly flushed: number
  readonly isClosed: readonly boolean[]
  readonly exported: readonly number[]
}

let place: Place
let receiver: Receiver

beforeAll(async () => {
  place = await installPlace('runtimes')
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await place.remove()
})

const runtimes: Readonly<Record<string, (program: string) => Promise<Outcome>>> = {
  node: (program) => start([program]),
  // Its command is put in place by an installation script, which does not run here.
  bun: async (program) => {
    const [name = ''] = await readdir(join(place.folder, 'node_modules/@oven'))
    return start([program], join(place.folder, 'node_modules/@oven', name, 'bin', process.platform === 'win32' ? 'bun.exe' : 'bun'))
  },
  deno: (program) => start([join(place.folder, 'node_modules/deno/bin.cjs'), 'run', '--allow-all', program]),
}

describe.for(Object.keys(runtimes))('in %s', (name) => {
  test('two tracers deliver whole trees with their sessions, and nothing of one is with the other', async () => {
    receiver.spans.length = 0
    receiver.calls.length = 0
    const { code, stdout, stderr } = await (runtimes[name]?.('program.mjs') ?? Promise.reject(new Error(name)))
    expect(code, stderr).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report).toMatchObject({ flushed: 4, isClosed: [true, true], exported: [4, 2] })
    expect(report.sessions.map(({ length }) => length)).toEqual([1, 2])
    for (const { sessionId, current } of report.sessions) expect(current).toBe(sessionId)

    const red = spansOf('red')
    const outer = red.filter((span) => span.name === 'outer')
    expect(outer.map(sessionOf).toSorted()).toEqual(report.sessions.map(({ sessionId }) => sessionId).toSorted())
    for (const span of outer) {
      expect(span.parentSpanId).toBeUndefined()
      const [child, ...others] = red.filter(({ parentSpanId }) => parentSpanId === span.spanId)
      expect([child?.name, child?.traceId, child && sessionOf(child)]).toEqual(['inner', span.traceId, sessionOf(span)])
      expect(others).toEqual([])
    }
    const blue = spansOf('blue')
    expect(blue.map((span) => [span.name, span.parentSpanId])).toEqual([
      ['between', undefined],
      ['between', undefined],
    ])
    const [own] = new Set(blue.map(sessionOf))
    expect(report.sessions.map(({ sessionId }) => sessionId)).not.toContain(own)
    expect(red.length + blue.length).toBe(receiver.spans.length)
    expect(receiver.calls.map(({ path, headers }) => [path, headers.authorization]).toSorted()).toEqual([
      ['/events', 'Bearer key-of-blue'],
      ['/events', 'Bearer key-of-red'],
      ['/events', 'Bearer key-of-red'],
      ['/session/start', 'Bearer key-of-blue'],
      ['/session/start', 'Bearer key-of-red'],
      ['/session/start', 'Bearer key-of-red'],
    ])
  })

  test('createSession makes its session current, or says at once that this runtime cannot', async () => {
    const { code, stdout, stderr } = await (runtimes[name]?.('create-session.mjs') ?? Promise.reject(new Error(name)))
    expect(code, stderr).toBe(0)
    const expected =
      name === 'node'
        ? { isCurrent: true, lines: [] }
        : { isCurrent: false, lines: [expect.stringMatching(/needs the promise hooks of Node.*is current nowhere. Use withSession\(\)/)] }
    expect(JSON.parse(stdout)).toEqual(expected)
  })

  test('what is pending when the program is at its end is delivered', async () => {
    receiver.spans.length = 0
    const { code, stderr } = await (runtimes[name]?.('natural-end.mjs') ?? Promise.reject(new Error(name)))
    expect(code, stderr).toBe(0)
    expect(receiver.spans.map((span) => span.name)).toEqual(['at the end'])
  })
})

function start(args: readonly string[], command: string = process.execPath): Promise<Outcome> {
  return place.run(args, { command, env: { RECEIVER: receiver.url } })
}

function spansOf(color: string): readonly ReceivedSpan[] {
  return receiver.spans.filter(({ authorization }) => authorization === `Bearer key-of-${color}`)
}

function sessionOf({ attributes }: ReceivedSpan): unknown {
  return attributes['honeyhive.session_id']
}
