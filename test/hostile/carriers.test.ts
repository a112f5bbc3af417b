import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HeaderCarrier } from '../../src/context/propagation.js'
import { createOracle, type Oracle } from './oracle.js'

const TRACE = 'a'.repeat(32)
const PARENT = `00-${TRACE}-${'b'.repeat(16)}-01`
const many = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',')
const throwing = (name: string): unknown =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get() {
      throw new Error('hostile')
    },
  })

let oracle: Oracle
beforeAll(async () => {
  oracle = await createOracle()
})
afterAll(() => oracle.close())

describe('headers from outside', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a string', 'traceparent'],
    ['an array', [PARENT]],
    ['a throwing traceparent', throwing('traceparent')],
    ['a throwing baggage', throwing('baggage')],
    ['1 MB of baggage', { baggage: 'x'.repeat(1_048_576) }],
    ['10,000 members', { baggage: many(10_000) }],
    ['bad percent codes', { baggage: 'session_id=%E0%A4%A,a=%,b=%zz' }],
    ['__proto__', { baggage: '__proto__=x,constructor=y,polluted=z' }],
    ['tracestate of 100 KB', { traceparent: PARENT, tracestate: 'a=b,'.repeat(25_000) }],
    ['zero ids', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
    ['upper case', { traceparent: PARENT.toUpperCase() }],
    ['version ff', { traceparent: `ff${PARENT.slice(2)}` }],
    ['too long', { traceparent: `${PARENT}-more` }],
    ['a number', { traceparent: 5 }],
    ['an object', { traceparent: { toString: () => PARENT } }],
  ])('H84 %s: the function runs, its span is delivered, nothing else happens', async (name, carrier) => {
    let ran = 0
    const site = {
      name,
      act: () =>
        oracle.tracer.withRemoteContext(carrier as HeaderCarrier, () => {
          ran++
          oracle.tracer.startSpan('continued').end()
        }),
    }
    expect((await oracle.run([site], () => carrier)).complaints).toEqual([])
    expect(ran).toBe(1)
  })

  it.each<[string, HeaderCarrier]>([
    ['Headers', new Headers({ traceparent: PARENT })],
    ['a Map', new Map([['traceparent', PARENT]])],
    ['a frozen object', Object.freeze({ traceparent: PARENT })],
    ['capitals', { Traceparent: PARENT }],
    ['a list of one', { traceparent: [PARENT] }],
  ])('H84 %s continue the trace', async (_, carrier) => {
    const id = oracle.tracer.withRemoteContext(carrier, () => {
      const span = oracle.tracer.startSpan('continued')
      span.end()
      return span.spanContext().traceId
    })
    expect(id).toBe(TRACE)
  })
})

describe('headers to outside', () => {
  const hostile: readonly [string, string][] = [
    ['surrogate', 'a\ud800b'],
    ['newline', 'a\r\nx-injected: 1'],
    ['long', 'v'.repeat(5_000)],
    ['api_key', 'kept only where the user put it'],
    ['bad name\r\n', 'x'],
  ]

  it('H85 writes one well-formed header whatever the baggage is', () => {
    const headers = oracle.tracer.withSession({}, () => {
      for (const [name, value] of hostile) oracle.tracer.setBaggage(name, value)
      for (let i = 0; i < 200; i++) oracle.tracer.setBaggage(`key${i}`, 'v'.repeat(100))
      return oracle.tracer.injectContext({} as Record<string, string>)
    })
    const baggage = headers['baggage'] ?? ''
    expect(baggage).toMatch(/^[\x21-\x7e]+$/)
    expect(baggage.length).toBeLessThanOrEqual(8_192)
    expect(() => new Headers(headers)).not.toThrow()
    expect(Object.keys(headers)).not.toContain('x-injected')
  })

  it.each<[string, object]>([
    ['frozen', Object.freeze({})],
    [
      'with a throwing setter',
      Object.defineProperty({}, 'baggage', {
        set: () => {
          throw new Error('hostile')
        },
      }),
    ],
    ['sealed', Object.seal({})],
  ])('H85 a carrier that is %s comes back as it was', (_, carrier) => {
    const before = Object.getOwnPropertyNames(carrier)
    expect(oracle.tracer.injectContext(carrier as HeaderCarrier)).toBe(carrier)
    expect(Object.getOwnPropertyNames(carrier)).toEqual(before)
  })
})
