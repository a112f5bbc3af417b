import { describe, expect, test } from 'vitest'
import {
  parseBaggage,
  parseTraceparent,
  readHeader,
  readRemoteContext,
  toBaggageHeader,
  toBaggageMember,
  toTraceparent,
  writeHeader,
} from '../../src/context/propagation.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const PARENT = `00-${TRACE}-${SPAN}-01`

describe('carriers', () => {
  test.each<[string, unknown]>([
    ['a plain object', { traceparent: PARENT, baggage: 'session_id=s' }],
    ['Node’s header object', Object.assign(Object.create(null), { traceparent: PARENT, baggage: 'session_id=s', host: 'h' })],
    ['Headers', new Headers({ traceparent: PARENT, baggage: 'session_id=s' })],
    [
      'a Map',
      new Map([
        ['traceparent', PARENT],
        ['baggage', 'session_id=s'],
      ]),
    ],
    ['capitalised names', { Traceparent: PARENT, BAGGAGE: 'session_id=s' }],
    [
      'a Map with capitalised names',
      new Map([
        ['TraceParent', PARENT],
        ['Baggage', 'session_id=s'],
      ]),
    ],
    ['repeated baggage headers', { traceparent: PARENT, baggage: ['a=1', 'session_id=s'] }],
    ['a frozen object', Object.freeze({ traceparent: PARENT, baggage: 'session_id=s' })],
  ])('%s is read', (_, carrier) => {
    const remote = readRemoteContext(carrier)
    expect(remote.parent).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true })
    expect(remote.baggage.get('session_id')).toBe('s')
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a text', PARENT],
    ['an array', [PARENT]],
    ['a number', 7],
    [
      'getters that throw',
      {
        get traceparent(): never {
          throw new Error('x')
        },
        get baggage(): never {
          throw new Error('x')
        },
      },
    ],
    [
      'a proxy that throws',
      new Proxy(
        {},
        {
          getOwnPropertyDescriptor: () => {
            throw new Error('x')
          },
          ownKeys: () => {
            throw new Error('x')
          },
        },
      ),
    ],
    ['objects as values', { traceparent: {}, baggage: {} }],
    ['numbers as values', { traceparent: 1, baggage: 2 }],
    ['a prototype with headers', Object.create({ traceparent: PARENT })],
  ])('H84: %s gives nothing and throws nothing', (_, carrier) => {
    expect(readRemoteContext(carrier)).toEqual({ parent: undefined, baggage: new Map() })
  })

  test.each<[string, unknown, unknown]>([
    ['a plain object', {}, { baggage: 'b' }],
    ['an object with another spelling', { Baggage: 'old' }, { Baggage: 'b' }],
    ['a Map', new Map(), new Map([['baggage', 'b']])],
  ])('%s is written', (_, carrier, expected) => {
    expect(writeHeader(carrier, 'baggage', 'b')).toBe(true)
    expect(carrier).toEqual(expected)
  })

  test('bytes are read as text, as Kafka gives them', () => {
    const carrier = { traceparent: Buffer.from(PARENT), baggage: [new TextEncoder().encode('a=1'), 'b=2'] }
    expect(readRemoteContext(carrier)).toMatchObject({
      parent: { traceId: TRACE, spanId: SPAN },
      baggage: new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    })
    expect(readRemoteContext({ traceparent: Buffer.alloc(10_000, 'x'), baggage: Buffer.alloc(10_000, 'x') })).toEqual({
      parent: undefined,
      baggage: new Map(),
    })
  })

  test('Headers are written', () => {
    const headers = new Headers()
    expect(writeHeader(headers, 'baggage', 'b')).toBe(true)
    expect(headers.get('baggage')).toBe('b')
  })

  test('H85: frozen carriers and setters that throw are left alone', () => {
    expect(writeHeader(Object.freeze({}), 'baggage', 'b')).toBe(false)
    expect(
      writeHeader(
        {
          set baggage(_: string) {
            throw new Error('x')
          },
        },
        'baggage',
        'b',
      ),
    ).toBe(false)
    for (const carrier of [null, undefined, 'text', 5]) expect(writeHeader(carrier, 'baggage', 'b')).toBe(false)
  })
})

describe('tracestate', () => {
  test('comes with the parent, and means nothing without one', () => {
    const { parent } = readRemoteContext({ traceparent: PARENT, tracestate: 'vendor=1,other=2' })
    expect([parent?.traceId, parent?.traceState?.serialize()]).toEqual([TRACE, 'vendor=1,other=2'])
    expect(readRemoteContext({ tracestate: 'vendor=1' }).parent).toBeUndefined()
  })
})

describe('traceparent', () => {
  test.each([
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    PARENT.toUpperCase(),
    `${PARENT}-extra`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `0-${TRACE}-${SPAN}-01`,
    '',
    'x'.repeat(1_000_000),
    `${PARENT}${'0'.repeat(600)}`,
    `00_${TRACE}_${SPAN}_01`,
  ])('H84: %.60s is refused', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })

  test('later versions are read like 00, flags but "sampled" and "random" are dropped, what is written is read back', () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-ff-more`)).toMatchObject({ traceId: TRACE, spanId: SPAN, traceFlags: 3 })
    expect(parseTraceparent(` ${PARENT} `)).toBeDefined()
    expect(toTraceparent({ traceId: TRACE, spanId: SPAN, traceFlags: 0 })).toBe(`00-${TRACE}-${SPAN}-00`)
    expect(readHeader({ traceparent: [PARENT, PARENT] }, 'traceparent')).toBe(`${PARENT},${PARENT}`)
  })
})

describe('baggage', () => {
  test('D-35: values are percent-decoded, properties and spaces dropped, the last of equal names wins', () => {
    expect(Object.fromEntries(parseBaggage('session_id = up%20stream;p=1;q , a=1,a=2 ,b=x=y,empty='))).toEqual({
      session_id: 'up stream',
      a: '2',
      b: 'x=y',
      empty: '',
    })
  })

  test('H84: what is malformed is left out, what is too much is cut', () => {
    expect(Object.fromEntries(parseBaggage('a=%E0%A4%A,b=%zz,=v,noequals,sp ace=1,ok=1'))).toEqual({ ok: '1' })
    expect(parseBaggage(Array.from({ length: 10_000 }, (_, i) => `k${i}=v`).join()).size).toBeLessThanOrEqual(180)
    expect(parseBaggage(`a=${'x'.repeat(1_000_000)}`).size).toBe(0)
    const long = ['a', 'b', 'c'].map((name) => `${name}=${'x'.repeat(4000)}`).join()
    expect([...parseBaggage(long)].map(([name, value]) => [name, value.length])).toEqual([
      ['a', 4000],
      ['b', 4000],
    ])
    expect(
      toBaggageHeader(
        Array.from({ length: 300 }, (_, i) => [`k${i}`, 'v']),
        undefined,
      ).split(','),
    ).toHaveLength(180)
    const parsed = parseBaggage('__proto__=x,constructor=y')
    expect([parsed.get('__proto__'), ({} as { x?: unknown }).x]).toEqual(['x', undefined])
  })

  test('our entries replace those of the same name and leave others, properties included', () => {
    expect(toBaggageHeader([['session_id', 'new']], 'host=1;secret=2, session_id = old ;p, more=%20')).toBe(
      'host=1;secret=2,more=%20,session_id=new',
    )
  })

  test('H85: any text survives the way there and back; what does not fit is left out whole', () => {
    const values = ['a b', 'ä,ö;ü=%', 'line\r\nbreak', '日本語', '\ud800 lone', '"quoted"\\', '']
    const header = toBaggageHeader(
      values.map((value, i) => [`k${i}`, value]),
      undefined,
    )
    expect(header).toMatch(/^[\x21-\x7e]*$/)
    expect([...parseBaggage(header).values()]).toEqual(values.map((value) => value.toWellFormed()))
    const large = toBaggageHeader(
      [
        ['a', 'x'.repeat(4000)],
        ['b', 'y'.repeat(4000)],
        ['c', 'z'.repeat(400)],
        ['d', 'z'.repeat(5000)],
        ['e', 'z'],
      ],
      undefined,
    )
    expect([...parseBaggage(large).keys()]).toEqual(['a', 'b', 'e'])
    expect(
      toBaggageHeader(
        [
          ['bad name', 'v'],
          ['', 'v'],
          ['ok', 'v'],
        ],
        undefined,
      ),
    ).toBe('ok=v')
  })

  /** Entries of so many bytes, each with a name of its own. */
  const entriesOf = (...sizes: number[]): [string, string][] => sizes.map((size, i) => [`k${i}`, 'x'.repeat(size - 3)])
  const textOf = (entries: readonly [string, string][]): string => entries.map((entry) => entry.join('=')).join()

  test.each([
    ['an entry of 4096 bytes', [4096], ['k0']],
    ['no entry of 4097, and what follows it', [4097, 10], ['k1']],
    ['8192 bytes, commas counted', [4096, 4095], ['k0', 'k1']],
    ['no entry that ends in byte 8193', [4096, 4096], ['k0']],
  ])('reads and writes %s', (_, sizes, names) => {
    const entries = entriesOf(...sizes)
    expect([...parseBaggage(textOf(entries)).keys()]).toEqual(names)
    expect([...parseBaggage(toBaggageHeader(entries, undefined)).keys()]).toEqual(names)
    // What the carrier had counts too, and comes first.
    expect([...parseBaggage(toBaggageHeader(entries.slice(1), textOf(entries.slice(0, 1)))).keys()]).toEqual(names)
  })

  test('leaves what the carrier had, however much it is, and what of ours does not fit beside it', () => {
    for (const host of [
      `host=${'x'.repeat(5_000)}`,
      `host=${'x'.repeat(9_000)}`,
      Array.from({ length: 200 }, (_, i) => `k${i}=v`).join(),
    ]) {
      const header = toBaggageHeader([['session_id', 'ours']], host)
      const hasRoom = host.length < 6_000 && !host.startsWith('k0')
      expect(header).toBe(hasRoom ? `${host},session_id=ours` : host)
    }
  })

  test('properties of an entry are written with it, and left out where they would begin another entry', () => {
    expect(toBaggageMember('a (b)', 'x y', 'p=1; q')).toBe('a%20%28b%29=x%20y;p=1; q')
    expect(toBaggageMember('a', '1', undefined)).toBe('a=1')
    for (const wrong of ['p=1,session_id=other', 'ä', '', ' p', 'p\r\n']) expect(toBaggageMember('a', '1', wrong)).toBe('a=1')
  })

  test('a header that is repeated more often than there may be entries is left out', () => {
    const repeated = (count: number): { baggage: string[] } => ({ baggage: Array.from({ length: count }, (_, i) => `k${i}=v`) })
    expect(readRemoteContext(repeated(180)).baggage.size).toBe(180)
    expect(readRemoteContext(repeated(181)).baggage.size).toBe(0)
    expect(readRemoteContext({ baggage: ['a=1', 2] }).baggage.size).toBe(0)
  })
})
