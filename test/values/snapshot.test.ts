import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Plain, type Snapshot, toResultSnapshot, toSnapshot } from '../../src/values/snapshot.js'
import { cpuMs, leastBelow, leastCpuMsOfEach, toReferenceMs } from '../fixtures/cost.js'
import { OUTSIDE_COVERAGE } from '../fixtures/coverage.js'
import { checkPrototypesUntouched, hostileErrors, hostileValues } from '../fixtures/hostile.js'

const LIMITS = { maxBytes: 1_048_576 }
const plainOf = (value: unknown, maxBytes = LIMITS.maxBytes): Plain => toSnapshot(value, { maxBytes }).value

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** JSON-safe: only JSON types, finite numbers, no cycles. */
function expectPlain(value: unknown): void {
  const seen: unknown[] = [value]
  for (let at = seen.pop(); seen.length > 0 || at !== undefined; at = seen.pop()) {
    if (typeof at === 'number') expect(Number.isFinite(at)).toBe(true)
    else if (typeof at === 'object' && at !== null) {
      expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(at))
      for (const item of Object.values(at)) seen.push(item)
    } else expect(['string', 'boolean', 'object']).toContain(typeof at)
  }
}

describe('toSnapshot against the hostile corpus', () => {
  for (const { id, title, make, heavy } of [...hostileValues, ...hostileErrors]) {
    it(`${id} ${title}: bounded plain data in bounded time`, () => {
      const check = checkPrototypesUntouched()
      const value = make()
      const before = cpuMs()
      const result: Snapshot = toSnapshot(value, LIMITS)
      expect(toReferenceMs(cpuMs() - before, heavy === true ? 800 : 400)).toBeLessThan(heavy === true ? 800 : 400)
      const text = JSON.stringify(result.value)
      expect(text.length).toBeLessThan(2 * LIMITS.maxBytes)
      if (text.length < 10_000) expectPlain(result.value)
      expect(JSON.parse(text)).toEqual(result.value)
      check()
    })

    it(`${id} ${title}: survives as a field beside good ones`, () => {
      if (heavy === true) return expect(id).toMatch(/^H/)
      const { value } = toSnapshot({ before: 1, hostile: make(), list: [make()], after: 'kept' }, { maxBytes: 65_536 })
      expect(value).toMatchObject({ before: 1 })
      JSON.stringify(value)
    })
  }
})

describe('toResultSnapshot', () => {
  const isSame = (make: () => unknown, limits: Parameters<typeof toSnapshot>[1]): void => {
    // Both from the same place, which errors tell.
    const copies = [toResultSnapshot, (result: unknown) => toSnapshot({ result }, limits)].map((copy) => copy(make(), limits))
    expect(copies[0]).toEqual(copies[1])
  }

  for (const { id, title, make, heavy } of [...hostileValues, ...hostileErrors]) {
    // What counts how often it is asked gives another answer the second time.
    it.skipIf(heavy)(`${id} ${title}: is the copy of an object with that result`, () => {
      for (const maxBytes of [LIMITS.maxBytes, 200]) isSame(make, { maxBytes })
    })
  }

  it('has the same bounds', () => {
    fc.assert(
      fc.property(
        fc.anything({ maxDepth: 4 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 4 }),
        (value, maxBytes, maxDepth) => isSame(() => value, { maxBytes, maxDepth, maxNodes: 2 * maxBytes }),
      ),
      { numRuns: 500 },
    )
  })
})

describe('toSnapshot', () => {
  it('gives a deep copy of plain JSON data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const plain = plainOf(value)
        expect(JSON.stringify(plain)).toBe(JSON.stringify(value))
        expect(plain).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('equals structuredClone for plain data', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()))), (value) => {
        expect(plainOf(value)).toEqual(Object.fromEntries(Object.entries(structuredClone(value))))
      }),
    )
  })

  it('never throws and stays JSON-safe for anything fast-check can build', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withTypedArray: true,
          withSparseArray: true,
          withBoxedValues: true,
          withObjectString: true,
        }),
        (value) => {
          const plain = plainOf(value)
          expect(JSON.parse(JSON.stringify(plain))).toEqual(plain)
        },
      ),
    )
  })

  it('H66 keeps the values of the moment it was taken', () => {
    const value = { list: [1, 2, 3], inner: { text: 'then' }, map: new Map([['k', { v: 1 }]]) }
    const plain = plainOf(value)
    value.list.push(4)
    value.inner.text = 'now'
    value.map.get('k')!.v = 2
    expect(plain).toEqual({ list: [1, 2, 3], inner: { text: 'then' }, map: { k: { v: 1 } } })
  })

  it('never changes frozen or ordinary input', () => {
    const value = Object.freeze({ a: Object.freeze([1, undefined, -0, 'x']), b: Object.freeze({ c: undefined }) })
    const before = JSON.stringify(value)
    plainOf(value)
    expect(JSON.stringify(value)).toBe(before)
    expect(Object.is(value.a[2], -0)).toBe(true)
  })

  it('reads each getter once, those before and after a throwing one included', () => {
    const calls: string[] = []
    class Base {
      get inherited(): string {
        calls.push('inherited')
        return 'no'
      }
    }
    const add = (name: string, run: () => unknown): PropertyDescriptor => ({ enumerable: true, get: () => (calls.push(name), run()) })
    const fields = {
      first: add('first', () => 1),
      bad: add('bad', () => {
        throw new RangeError('no')
      }),
      last: add('last', () => ({ deep: true })),
      toJSON: add('toJSON', () => undefined),
    }
    const wanted = { first: 1, bad: '[Throws: RangeError]', last: { deep: true } }
    expect(plainOf(Object.defineProperties({}, fields))).toEqual(wanted)
    expect(calls.splice(0)).toEqual(['first', 'bad', 'last', 'toJSON'])
    expect(plainOf(Object.defineProperties(new Base(), fields))).toEqual(wanted)
    expect(calls.splice(0)).toEqual(['first', 'bad', 'last', 'toJSON'])
    const list = Object.defineProperty(
      [1, 2, 3],
      1,
      add('item', () => 5),
    )
    expect(plainOf(list)).toEqual([1, 5, 3])
    expect(calls).toEqual(['item'])
  })

  it('writes every special type as documented', () => {
    class Point {
      x = 1
      #hidden = 2
      sum(): number {
        return this.x + this.#hidden
      }
    }
    class AsyncPoint {
      x = 2
      async toJSON(): Promise<object> {
        return { x: this.x }
      }
    }
    const rules: [unknown, Plain][] = [
      [undefined, null],
      [{ a: undefined, b: null }, { b: null }],
      [
        // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
        [undefined, , 1],
        [null, null, 1],
      ],
      [10n, '10'],
      [Symbol('x'), '[Symbol x]'],
      [Point, '[Class Point]'],
      [function run() {}, '[Function run]'],
      [() => 1, '[Function]'],
      [new Map([['a', 1]]), { a: 1 }],
      [new Map<unknown, number>([[1, 2]]), [[1, 2]]],
      [new Set([1, 'x']), [1, 'x']],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [new Date(Number.NaN), '[Invalid Date]'],
      [/a+/gi, '/a+/gi'],
      [new URL('http://x.test/a?b=1'), 'http://x.test/a?b=1'],
      [Buffer.alloc(5), `[Buffer 5 bytes, sha256 ${sha256(Buffer.alloc(5))}]`],
      [new Uint8Array(3), `[Uint8Array 3 bytes, sha256 ${sha256(Buffer.alloc(3))}]`],
      [new Float32Array(2), `[Float32Array 2 items, 8 bytes, sha256 ${sha256(Buffer.alloc(8))}]`],
      [new ArrayBuffer(8), `[ArrayBuffer 8 bytes, sha256 ${sha256(Buffer.alloc(8))}]`],
      [new DataView(new ArrayBuffer(4)), `[DataView 4 bytes, sha256 ${sha256(Buffer.alloc(4))}]`],
      [new SharedArrayBuffer(8), `[SharedArrayBuffer 8 bytes, sha256 ${sha256(Buffer.alloc(8))}]`],
      [Promise.resolve(1), '[Promise]'],
      [new WeakMap(), '[WeakMap]'],
      [new WeakSet(), '[WeakSet]'],
      [new WeakRef({}), '[WeakRef]'],
      [new Response(null, { status: 201 }), { status: 201, headers: {} }],
      [new Request('http://x.test'), { method: 'GET', url: 'http://x.test/', headers: {} }],
      [new MessageEvent('message', { data: { text: 'hi' } }), { type: 'message', data: { text: 'hi' } }],
      [new CustomEvent('said', { detail: ['hi'] }), { type: 'said', detail: ['hi'] }],
      [new Proxy(new Map([['k', 1]]), {}), '[Proxy of a Map]'],
      [new Proxy({ seen: new Set([1]) }, {}), { seen: [1] }],
      [{ seen: new Proxy(new Set([1]), {}) }, { seen: '[Proxy of a Set]' }],
      [new ReadableStream(), '[ReadableStream]'],
      [(function* () {})(), '[Generator]'],
      [(async function* () {})(), '[AsyncGenerator]'],
      [Object('t'), 't'],
      [Object(2), 2],
      [Object(false), false],
      [Object(3n), '3'],
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
      [
        [-0, 0, 1.5],
        [0, 0, 1.5],
      ],
      [new Point(), { x: 1 }],
      [new AsyncPoint(), { x: 2 }],
      [{ toJSON: () => ({ a: 1, toJSON: () => 'twice' }) }, { a: 1, toJSON: '[Function toJSON]' }],
      [Object.assign(Object.create(null), { n: 1 }), { n: 1 }],
    ]
    for (const [input, output] of rules) expect(plainOf(input)).toEqual(output)
    expect(Object.is(plainOf(-0), 0)).toBe(true)
  })

  it('marks what is left out of forms, headers, requests, maps, sets and names', () => {
    const pairs = (count: number): [string, string][] => Array.from({ length: count }, (_, i) => [`h${i}`, 'x'])
    const form = new FormData()
    for (const [name, item] of pairs(1_500)) form.append(name, item)
    const same = new FormData()
    for (let i = 0; i < 1_500; i += 1) same.append('same', 'x')
    const long = 'n'.repeat(5_000)
    const cut: readonly (readonly [unknown, string])[] = [
      [form, '501 of 1500 fields left out]'],
      [same, '501 of 502 fields left out]'],
      [new Headers(pairs(1_500)), '501 of 1500 fields left out]'],
      [new Request('https://x.test/', { headers: pairs(1_001) }), '2 of 1001 fields left out]'],
      [new URLSearchParams(pairs(50_000)), ' characters]'],
      [new URL(`https://x.test/?q=${'a'.repeat(200_000)}`), ' characters]'],
      [new Map(pairs(50_000)), 'fields left out]'],
      [new Set(pairs(50_000).flat()), 'items left out]'],
      [new File(['x'], long), '5000 characters]'],
      [Symbol(long), '5000 characters]'],
    ]
    for (const [value, mark] of cut) {
      const { value: plain } = toSnapshot({ value }, { maxBytes: 100_000 })
      expect(JSON.stringify(plain)).toContain(mark)
    }
    for (const value of [form, new Headers(pairs(1_500)), new Map(pairs(50_000)), new URLSearchParams(pairs(50_000))])
      expect(toSnapshot({ value }, { maxBytes: 100_000 }).truncated).toBe(true)
    const whole = toSnapshot(new Headers(pairs(1_000)), { maxBytes: 100_000 })
    expect(whole.truncated).toBe(false)
    expect(Object.keys(whole.value as object)).toHaveLength(1_000)
  })

  it('keeps name, message, stack, cause and own fields of an error', () => {
    const error = Object.assign(new TypeError('broken', { cause: new Error('root') }), { code: 'E_X' })
    expect(plainOf(error)).toMatchObject({
      name: 'TypeError',
      message: 'broken',
      stack: expect.stringContaining('broken'),
      cause: { message: 'root' },
      code: 'E_X',
    })
  })

  it('H41 leaves the body of a Response unread', async () => {
    const response = new Response('body')
    expect(plainOf({ response })).toEqual({ response: { status: 200, headers: { 'content-type': 'text/plain;charset=UTF-8' } } })
    expect(response.bodyUsed).toBe(false)
    expect(await response.text()).toBe('body')
  })

  it('H33 never calls then', () => {
    let called = 0
    plainOf({ then: () => (called += 1) })
    expect(called).toBe(0)
  })

  describe('H11 promises that are rejected', () => {
    const reject = (): Promise<never> => Promise.reject(new Error('nobody waits'))
    const getting = (key: PropertyKey, get: () => unknown, holder: object = {}): object =>
      Object.defineProperty(holder, key, { enumerable: true, configurable: true, get })
    const tagged = (tag: string, fields: object): object =>
      Object.create({}, { [Symbol.toStringTag]: { value: tag }, ...described(fields) })
    const described = (fields: object): PropertyDescriptorMap =>
      Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [key, typeof value === 'function' ? { get: () => value() } : { value }]),
      )
    const rejectionsOf = async (make: () => object, limits = {}): Promise<number> => {
      const rejections: unknown[] = []
      const listen = (reason: unknown): number => rejections.push(reason)
      process.on('unhandledRejection', listen)
      toSnapshot(make(), { maxBytes: 10_000, ...limits })
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      process.off('unhandledRejection', listen)
      return rejections.length
    }

    it.each<[string, () => object]>([
      ['toJSON', () => ({ toJSON: reject })],
      ['a getter', () => getting('lazy', reject)],
      ['a getter of an item', () => [getting('lazy', reject)]],
      ['an accessor of a list', () => getting(0, reject, [])],
      ['the getter of toJSON of an item', () => [Object.create(getting('toJSON', reject))]],
      ['the getter of a tag', () => [Object.create(getting(Symbol.toStringTag, reject))]],
      [
        'the name of a class',
        () => Object.create({ constructor: getting('name', reject, class {}) }, { pipe: {}, on: {}, emit: {}, readable: {} }),
      ],
      ['the name of a function', () => [getting('name', reject, () => undefined)]],
      [
        'the name of what a getter throws',
        () =>
          getting('lazy', () => {
            throw getting('name', reject)
          }),
      ],
      ['the length of a proxied list', () => new Proxy([1], { get: reject })],
      ['the address of a URL', () => tagged('URL', { href: reject })],
      ['the type and size of a file', () => tagged('Blob', { type: reject, size: reject })],
      ['the entries of headers', () => tagged('Headers', { entries: () => () => [['a', reject()]] })],
      ['a field of what a getter gives', () => getting('lazy', () => ({ list: [reject()] }))],
      ['a collection that a getter gives', () => getting('lazy', () => new Map([['a', new Set([reject()])]]))],
      ['a field of what a trap gives', () => new Proxy({ lazy: 1 }, { get: () => ({ late: reject() }) })],
      ['a field of what toJSON gives', () => [{ toJSON: () => ({ late: { list: [reject()] } }) }]],
      ['a field of what toJSON gives that has no room', () => ({ toJSON: () => ({ text: Array(9000).fill('abc'), late: reject() }) })],
      ['a field of a cause that a getter gives', () => getting('cause', () => ({ late: reject() }), new Error('x'))],
    ])('by %s, which only we asked, do not end the process', async (_by, make) => {
      expect(await rejectionsOf(make)).toBe(0)
    })

    it.each<[string, () => object]>([
      ['an object', () => ({ list: [{ late: reject() }] })],
      [
        'a class',
        () =>
          new (class {
            late = { late: reject() }
          })(),
      ],
      ['collections', () => new Map([[{}, new Set([{ late: reject() }])]])],
      ['an error', () => new Error('x', { cause: { late: reject() } })],
      ['an event', () => new CustomEvent('x', { detail: { late: reject() } })],
      ['a reactive object', () => reactive({ state: { late: reject() } })],
    ])('are left to the host where %s holds them', async (_what, make) => {
      expect(await rejectionsOf(make)).toBe(1)
    })

    /** As those of Vue and others: what is read of it is reactive too. */
    function reactive(target: object): object {
      const get = (holder: object, key: string): unknown => {
        const field: unknown = Reflect.get(holder, key)
        return typeof field === 'object' && field !== null && !(field instanceof Promise) ? reactive(field) : field
      }
      return new Proxy(target, { get: get as never })
    }
  })

  it('H29 S22 keeps __proto__ as a plain field', () => {
    const plain = plainOf(JSON.parse('{"__proto__":{"polluted":true}}')) as Record<string, unknown>
    expect(Object.keys(plain)).toEqual(['__proto__'])
    expect(JSON.stringify(plain)).toBe('{"__proto__":{"polluted":true}}')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('marks cycles, and repeats what is only shared', () => {
    const shared = { s: 1 }
    const value: Record<string, unknown> = { a: shared, b: shared }
    value['self'] = value
    expect(plainOf(value)).toEqual({ a: { s: 1 }, b: { s: 1 }, self: '[Circular]' })
  })

  it('H20 cuts a long text, says its length and lets go of the parent', () => {
    const { value, truncated } = toSnapshot('x'.repeat(52_428_800), { maxBytes: 1000 })
    expect(value).toMatch(/^x{1900,2000}… \[truncated, 52428800 characters\]$/)
    expect(truncated).toBe(true)
  })

  it('says how much of a list, an object and a depth was left out', () => {
    const list = plainOf(
      Array.from({ length: 10_000 }, (_, i) => `item ${i}`),
      4196,
    ) as Plain[]
    expect(list.at(-1)).toBe(`[truncated, ${10_000 - list.length + 1} of 10000 items left out]`)
    const fields = plainOf(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i])), 4196) as Record<string, Plain>
    expect(fields['…']).toBe(`[truncated, ${5000 - Object.keys(fields).length + 1} of 5000 fields left out]`)
    expect(toSnapshot({ a: { b: { c: 1 } } }, { ...LIMITS, maxDepth: 2 })).toMatchObject({
      value: { a: { b: '[truncated, Object below depth 2]' } },
      truncated: true,
    })
    expect(
      toSnapshot(
        Array.from({ length: 100 }, () => ({})),
        { ...LIMITS, maxNodes: 50 },
      ).truncated,
    ).toBe(true)
    const set = plainOf(new Set(Array.from({ length: 100_000 }, (_, i) => i)), 4196) as Plain[]
    expect(set.at(-1)).toMatch(/^\[truncated, \d+ of 100000 items left out\]$/)
  })

  it('H67 survives a call stack that is nearly used up', () => {
    let deepest: unknown
    const dig = (): void => {
      deepest = toSnapshot({ a: [{ b: new Map([['c', new Error('d')]]) }] }, LIMITS).value
      dig()
    }
    expect(dig).toThrow(RangeError)
    expect(deepest).toBeDefined()
  })

  it('shows opaque objects as the given text and never asks for plain ones', () => {
    class Client {
      key = 'secret'
    }
    const asked: object[] = []
    const isOpaque = (value: object): string | undefined => {
      asked.push(value)
      return value instanceof Client ? '[Client]' : undefined
    }
    expect(
      toSnapshot(
        {
          client: new Client(),
          plain: { a: [1] },
          other: new (class Other {
            b = 2
          })(),
        },
        LIMITS,
        isOpaque,
      ).value,
    ).toEqual({ client: '[Client]', plain: { a: [1] }, other: { b: 2 } })
    expect(asked).toHaveLength(2)
    expect(
      toSnapshot(new Client(), LIMITS, () => {
        throw new Error('hook')
      }).value,
    ).toBe('[Unreadable]')
  })

  // Counting what runs makes our part slower, and the engine's not.
  it.skipIf(OUTSIDE_COVERAGE !== undefined)('copies a chat of 10 KB for less than a structured clone of it costs', async () => {
    const chat = { messages: Array.from({ length: 10 }, (_, i) => ({ role: 'user', content: `${i} `.repeat(500) })) }
    const manyOf = (copy: () => unknown) => (): void => {
      for (let i = 0; i < 250; i += 1) copy()
    }
    const copies = [manyOf(() => toSnapshot(chat, LIMITS)), manyOf(() => structuredClone(chat))]
    const ratio = (): number => {
      const [ours = 0, asClone = 0] = leastCpuMsOfEach(60, copies)
      return ours / asClone
    }
    expect(await leastBelow(1, ratio)).toBeLessThan(1)
  })
})
