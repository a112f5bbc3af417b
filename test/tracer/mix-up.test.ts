import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { trace, traceFn } from '../../src/index.js'
import { type Fleet, startFleet } from '../fixtures/fleet.js'

let fleet: Fleet
beforeEach(async () => {
  fleet = await startFleet(['a', 'b', 'c', 'd'])
})
afterEach(() => fleet.close())

const REQUESTS = 10_000
const SESSIONS = 4

// One helper for everybody: it records on whoever is active where it runs.
const helper = trace({ eventName: 'helper' })((mark: string) => mark)

test('10,000 interleaved requests over 4 tracers and 4 sessions each: no span with a wrong session or key', async () => {
  const sessions = fleet.members.map(({ name }) => Array.from({ length: SESSIONS }, (_, i) => `${name}-session-${i}`))
  const expectedSession = new Map<string, string>()

  const handle = async (request: number): Promise<void> => {
    const who = request % 4
    const { tracer, name } = fleet.members[who] ?? fail()
    const sessionId = sessions[who]?.[(request >> 2) % SESSIONS] ?? ''
    const mark = `${name}:${request}`
    await tracer.withSession({ sessionId, skipSessionCreation: true }, async (session) => {
      expectedSession.set(mark, session.sessionId)
      await traceFn(
        tracer,
        async () => {
          helper(mark)
          await ways[request % ways.length]?.(() => helper(mark))
          await Promise.all(
            [1, 2].map(async (i) => {
              await sleep(i)
              helper(mark)
            }),
          )
        },
        { eventName: 'request' },
      )()
    })
  }

  for (let from = 0; from < REQUESTS; from += 500) await Promise.all(Array.from({ length: 500 }, (_, i) => handle(from + i)))
  const arrived = await fleet.arrived()
  let helpers = 0
  for (const { name } of fleet.members) {
    for (const span of arrived[name] ?? []) {
      const mark = span.attributes['honeyhive_inputs.arg0']
      if (span.name !== 'helper') continue
      helpers++
      expect(String(mark).startsWith(`${name}:`)).toBe(true)
      expect(span.attributes['honeyhive.session_id']).toBe(expectedSession.get(String(mark)))
    }
  }
  expect(helpers).toBe(REQUESTS * 4)
})

const ways: readonly ((call: () => void) => Promise<unknown>)[] = [
  async (call) => {
    await sleep(0)
    call()
  },
  (call) =>
    new Promise<void>((resolve) =>
      setImmediate(() => {
        call()
        resolve()
      }),
    ),
  async (call) => {
    const emitter = new EventEmitter()
    const fired = once(emitter, 'done')
    emitter.on('go', () => {
      call()
      emitter.emit('done')
    })
    setTimeout(() => emitter.emit('go'), 1)
    await fired
  },
  async (call) => {
    for await (const _ of Readable.from([1])) call()
  },
]

function fail(): never {
  throw new Error('no such tracer')
}
