import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/values/redact.js'
import type { Plain } from '../../src/values/plain.js'
import { toSnapshot } from '../../src/values/snapshot.js'
import { createTestTracer } from '../../src/testing/index.js'
import { traceFn } from '../../src/tracer/tracing.js'

const realm = createContext({ URL, URLSearchParams, Headers, FormData, Blob, File, Request, Response, AbortController, Buffer })
const there = (code: string): unknown => runInContext(code, realm)
const plainOf = (value: unknown): Plain => toSnapshot(value, { maxBytes: 100_000 }).value

/** What has to look the same wherever it was made. */
const EXPRESSIONS = [
  'new Map([["a", 1], ["b", { c: [1, "x"] }]])',
  'new Map([[1, 2]])',
  'new Set([1, "x", { a: 1 }])',
  'new Date(0)',
  'new Date(NaN)',
  '/a+/gi',
  '[1, [2, 3], undefined, -0, "x"]',
  '({ a: { b: [1, 2] }, u: undefined, n: null })',
  'Object.create(null)',
  'Object.assign(Object.create(null), { a: 1 })',
  'new Float32Array([0.5, 2])',
  'new Uint8Array([1, 2, 3])',
  'new Uint8ClampedArray(4)',
  'new BigInt64Array([1n, 2n])',
  'new ArrayBuffer(8)',
  'new SharedArrayBuffer(8)',
  'new DataView(new ArrayBuffer(4))',
  'Object("text")',
  'Object(2)',
  'Object(3n)',
  'Object(Symbol("s"))',
  'Promise.resolve(1)',
  'new WeakMap()',
  'new WeakSet()',
  'new WeakRef({})',
  '(function* () {})()',
  '(async function* () {})()',
  'new (class Point { x = 1; #hidden = 2; get sum() { return this.#hidden } })()',
  '({ toJSON: () => ({ a: 1 }) })',
  'new (class List extends Array {})(1, 2)',
  'class Named {}',
  'function named() {}',
  'Symbol("s")',
  '10n',
  'new URL("https://x.test/a?b=1")',
  'new URLSearchParams({ a: "1", b: "2" })',
  'new Headers([["accept", "a"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]])',
  '(() => { const form = new FormData(); form.append("a", "1"); form.append("a", "2"); form.append("f", new File(["xy"], "n.txt", { type: "text/plain" })); return form })()',
  'new Blob(["abc"], { type: "image/png" })',
  'new File(["abc"], "a.png")',
  'new Request("https://x.test/", { method: "POST", headers: { a: "b" } })',
  'new Response("x", { status: 201, statusText: "Made" })',
  'new AbortController().signal',
  '(() => { const stop = new AbortController(); stop.abort("done"); return stop })()',
]

describe('values of another realm', () => {
  it.each(EXPRESSIONS)('%s looks as one of this realm', (code) => {
    // biome-ignore lint/security/noGlobalEval: the same text has to run in both realms
    const here: unknown = (0, eval)(`(${code})`)
    expect(plainOf(there(`(${code})`))).toEqual(plainOf(here))
  })

  it.each([
    ['new Error("boom", { cause: new TypeError("root") })', 'Error'],
    ['Object.assign(new RangeError("boom"), { code: "E_X" })', 'RangeError'],
    ['new (class Own extends Error { name = "Own" })("boom")', 'Own'],
    ['new AggregateError([new Error("part")], "boom")', 'AggregateError'],
    ['Object.setPrototypeOf({ message: "boom" }, Error.prototype)', 'Error'],
    ['new Proxy(new Error("boom"), {})', 'Error'],
  ])('keeps name, message and stack of %s', (code, name) => {
    expect(plainOf(there(`(${code})`))).toMatchObject({ name, message: 'boom' })
  })

  it('keeps what an error of the DOM says', () => {
    expect(plainOf(new DOMException('stopped', 'AbortError'))).toMatchObject({ name: 'AbortError', message: 'stopped' })
  })

  it('does not walk the global object of another realm', () => {
    expect(plainOf(there('globalThis'))).toBe('[globalThis]')
  })

  it('runs no getter of a class: it may fetch, count or be traced itself', () => {
    let reads = 0
    class Money {
      get cents(): number {
        reads += 1
        return 250
      }
    }
    expect(plainOf([new Money(), there('new (class { get bad() { throw new Error("no") } })()')])).toEqual([{}, {}])
    expect(reads).toBe(0)
  })

  it('copies long lists of another realm whole', () => {
    const list = plainOf(there('Array.from({ length: 10_000 }, (_, i) => i)'))
    expect(list).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  })

  it('spreads one argument of another realm into inputs, as one of this realm', () => {
    const tracer = createTestTracer()
    traceFn(tracer, (given: unknown) => given, { eventName: 'call' })(there('({ question: "q" })'))
    expect(tracer.spans[0]?.attributes).toMatchObject({ 'honeyhive_inputs.question': 'q' })
  })
})

describe('objects of the web platform', () => {
  const shownOf = (value: unknown): string => JSON.stringify(createRedactor({}, []).value('inputs', plainOf(value)))

  it('are masked by the names that they show', () => {
    const form = new FormData()
    form.append('password', 'SECRET')
    form.append('city', 'Oslo')
    const headers = { authorization: 'Bearer SECRET', 'set-cookie': 'a=SECRET', accept: 'json' }
    for (const value of [
      form,
      new Headers(headers),
      new Request('https://u:SECRET@x.test/?token=SECRET'.replace('u:SECRET@', ''), { headers }),
    ]) {
      const shown = shownOf({ value })
      expect(shown).not.toContain('SECRET')
      expect(shown).toMatch(/Oslo|json/)
    }
    expect(shownOf(new Response(null, { headers }))).not.toContain('SECRET')
    expect(shownOf(new URLSearchParams({ password: 'SECRET', page: '2' }))).toBe('"password=[REDACTED]&page=2"')
  })

  it('are told by their tag, so those of other packages count too', () => {
    class Headers {
      readonly #map = new Map([['accept', 'json']])
      get [Symbol.toStringTag](): string {
        return 'Headers'
      }
      entries(): IterableIterator<[string, string]> {
        return this.#map.entries()
      }
    }
    expect(plainOf(new Headers())).toEqual({ accept: 'json' })
  })

  it('that lie about their tag do no harm', () => {
    for (const tag of ['Headers', 'FormData', 'Request', 'Response', 'URL', 'Blob', 'AbortSignal', 'HTMLElement'])
      JSON.stringify(
        plainOf({
          value: new (class Liar {
            get [Symbol.toStringTag](): string {
              return tag
            }
          })(),
        }),
      )
    const endless = {
      *entries(): Generator<[string, string]> {
        for (let i = 0; ; i += 1) yield [`k${i}`, 'v']
      },
      [Symbol.toStringTag]: 'Headers',
    }
    expect(Object.keys(plainOf(Object.create(endless)) as object).length).toBeLessThan(1_001)
  })

  it('stand in for a document, which holds all of a page', () => {
    class HTMLDivElement {
      nodeType = 1
      ownerDocument = { body: 'x'.repeat(1_000) }
      get [Symbol.toStringTag](): string {
        return 'HTMLDivElement'
      }
    }
    expect(plainOf(new HTMLDivElement())).toBe('[HTMLDivElement]')
  })
})
