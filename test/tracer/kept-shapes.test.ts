import { queryObjects, setFlagsFromString } from 'node:v8'
import { setImmediate } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { GuardedSpan } from '../../src/provider/guarded-span.js'
import { CallRecording } from '../../src/tracer/call-recording.js'
import { startReceiver } from '../fixtures/receiver.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('an object of each class of a call outlives every tracer, so that its machine code does', async () => {
  const receiver = await startReceiver()
  const data = await (async () => {
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: receiver.url })
    await setImmediate()
    await traceFn(tracer, async () => 'answer', { eventName: 'call' })()
    const span = tracer.startSpan('by hand')
    const recorded = GuardedSpan.recordOf(span)?.data
    span.end()
    await tracer.shutdown()
    return recorded?.constructor as new () => object
  })()
  for (let round = 0; round < 4; round++) {
    await setImmediate()
    collect()
  }
  for (const made of [GuardedSpan, CallRecording, data]) {
    expect(queryObjects(made as never, { format: 'count' }), made.name).toBeGreaterThan(0)
  }
  // It is nobody's: what it says reaches no server and no list of tracers.
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['by hand', 'call'])
  await receiver.close()
})
