import { Readable, Transform } from 'node:stream'
import { ReadableStream, TextEncoderStream, TransformStream, WritableStream } from 'node:stream/web'
import { pipeline } from 'node:stream/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import { Stream } from 'openai/streaming'
import { describe, expect, it } from 'vitest'
import { compileCall } from '../../src/wrap/trace-options.js'
import { type Callable, type Recording, wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function create(maxBytes?: number) {
  const { recorder, spans, current } = createFakeRecorder(maxBytes)
  const wrap = <F extends Callable>(fn: F, name = fn.name): F => wrapFunction(fn, compileCall({}, name), () => recorder)
  return { wrap, spans, current }
}

function textStream(parts: readonly string[]): ReadableStream<string> {
  return new ReadableStream({
    start(c) {
      for (const part of parts) c.enqueue(part)
      c.close()
    },
  })
}

describe('generators', () => {
  it('H36 an abandoned generator leaves its span open and its body where it stands', () => {
    const { wrap, spans } = create()
    const items = wrap(function* () {
      yield 1
      yield 2
    })()
    expect(items.next().value).toBe(1)
    expect(spans[0]?.state).toBe('open')
  })

  it('H37 an early return of an async generator ends the span with what was seen', async () => {
    const { wrap, spans } = create()
    const items = wrap(async function* (): AsyncGenerator<number, number | undefined> {
      yield 1
      yield 2
      return undefined
    })()
    await items.next()
    expect(await items.return(9)).toEqual({ done: true, value: 9 })
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: { result: [1], returned: 9 } })
  })

  it('H38 a generator whose finally throws fails the span and the caller', () => {
    const { wrap, spans } = create()
    const error = new Error('cleanup')
    const cleanUp = (): never => {
      throw error
    }
    const items = wrap(function* (): Generator<number, void> {
      try {
        yield 1
      } finally {
        cleanUp()
      }
    })()
    items.next()
    expect(() => items.return(undefined)).toThrow(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('an error in the middle of an async generator reaches the consumer and fails the span', async () => {
    const { wrap, spans } = create()
    const error = new Error('middle')
    const items = wrap(async function* () {
      yield 1
      throw error
    })()
    await expect(
      (async () => {
        for await (const _ of items) await nextTurn()
      })(),
    ).rejects.toBe(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('keeps the identity of a generator, and follows it through every wrapper it passed', () => {
    const { wrap, spans, current } = create()
    const seen: unknown[] = []
    const made = (function* () {
      seen.push(current())
      yield 1
    })()
    const inner = wrap(() => made, 'inner')
    const outer = wrap(() => inner(), 'outer')
    expect(outer()).toBe(made)
    expect([...made]).toEqual([1])
    expect(Object.keys(made)).toEqual([])
    expect(seen).toEqual(['inner'])
    expect(spans.map(({ name, parent, state, output, ends }) => [name, parent, state, output, ends])).toEqual([
      ['outer', undefined, 'ok', [1], 1],
      ['inner', 'outer', 'ok', [1], 1],
    ])
  })

  it('a generator that is handed out again and again is followed for sixteen calls; those after them end at once', () => {
    const { wrap, spans } = create()
    const items = (function* () {
      yield 1
      yield 2
    })()
    const hand = wrap(() => items, 'hand')
    for (let i = 0; i < 17; i++) hand()
    expect(spans.map(({ state }) => state)).toEqual([...Array.from({ length: 16 }, () => 'open'), 'ok'])
    expect([...items]).toEqual([1, 2])
    expect(spans.slice(0, 16).map(({ state, output, ends }) => [state, output, ends])).toEqual(
      Array.from({ length: 16 }, () => ['ok', [1, 2], 1]),
    )
    expect(spans[16]).toMatchObject({ state: 'ok', ends: 1 })
    hand()
    expect(spans[17]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('nothing of a generator is current between its items', () => {
    const { wrap, current } = create()
    const items = wrap(function* () {
      yield current()
      yield current()
    }, 'items')()
    for (const inside of items) expect([inside, current()]).toEqual(['items', undefined])
  })

  it('a recording is told once that somebody begins to read, however many do', async () => {
    const told: string[] = []
    const recording: Recording = {
      maxBytes: 1_000,
      run: (fn, self, args) => Reflect.apply(fn, self, args as never[]),
      enter: () => undefined,
      leave: () => undefined,
      begin: () => void told.push('begin'),
      firstChunk: () => void told.push('first'),
      succeed: () => void told.push('ok'),
      fail: () => void told.push('error'),
    }
    const items = {
      async *[Symbol.asyncIterator]() {
        yield 1
        yield 2
      },
    }
    const made = wrapFunction(
      () => items,
      compileCall({}, 'f'),
      () => ({ record: () => recording }),
    )()
    expect(told).toEqual([])
    const readers = [made[Symbol.asyncIterator](), made[Symbol.asyncIterator]()]
    for (const reader of [...readers, ...readers]) await reader.next()
    for (const reader of readers) await reader.return()
    expect(told).toEqual(['begin', 'first', 'ok'])
  })

  it('a generator handed out 10,000 times stays as cheap as once', () => {
    const { wrap, spans } = create()
    const made = (function* () {
      yield 1
    })()
    const get = wrap(() => made)
    for (let i = 0; i < 10_000; i++) get()
    expect([...made]).toEqual([1])
    expect(spans.every(({ state, ends }) => state === 'ok' && ends === 1)).toBe(true)
  })

  it('H66 items are taken as they were when they were given', () => {
    const { wrap, spans } = create()
    const item = { n: 1 }
    for (const given of wrap(function* () {
      yield item
    })())
      given.n = 2
    expect(spans[0]?.output).toEqual([{ n: 1 }])
  })

  it('collects within its bytes and says how much is missing', () => {
    const { wrap, spans } = create(100)
    const items = wrap(function* () {
      for (let i = 0; i < 1000; i++) yield { t: 'x'.repeat(20) }
    })()
    expect([...items]).toHaveLength(1000)
    const output = spans[0]?.output as unknown[]
    expect(output.length).toBeLessThan(10)
    expect(output.at(-1)).toMatch(/^\[99\d more items\]$/)
  })

  it('two generators of one function keep their scopes apart when they are interleaved', () => {
    const { wrap, spans } = create()
    const step = wrap((n: number) => n, 'step')
    const items = (name: string) =>
      wrap(function* () {
        yield step(1)
        yield step(2)
      }, name)()
    const [a, b] = [items('a'), items('b')]
    for (let i = 0; i < 3; i++) {
      a.next()
      b.next()
    }
    expect(spans.filter(({ name }) => name === 'step').map(({ parent }) => parent)).toEqual(['a', 'b', 'a', 'b'])
  })
})

describe('async iterables', () => {
  const chunks = () =>
    Stream.fromReadableStream<{ t: string }>(
      textStream(['{"t":"a"}\n', '{"t":"b"}\n']).pipeThrough(new TextEncoderStream() as never) as never,
      new AbortController(),
    )

  it("a model client's stream keeps its identity and methods, its span covers the iteration", async () => {
    const { wrap, spans } = create()
    const made = chunks()
    const stream = await wrap(async () => made)()
    expect(stream).toBe(made)
    expect(stream).toBeInstanceOf(Stream)
    expect(stream.controller).toBeInstanceOf(AbortController)
    expect(spans[0]?.state).toBe('open')
    const got: unknown[] = []
    for await (const chunk of stream) got.push(chunk)
    expect(got).toEqual([{ t: 'a' }, { t: 'b' }])
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: [{ t: 'a' }, { t: 'b' }] })
  })

  it('tee gives two streams, each with everything, and one output', async () => {
    const { wrap, spans } = create()
    const [left, right] = (await wrap(async () => chunks())()).tee()
    const lefts: unknown[] = []
    for await (const chunk of left) {
      lefts.push(chunk)
      break
    }
    expect(spans[0]?.state).toBe('open')
    const rights: unknown[] = []
    for await (const chunk of right) rights.push(chunk)
    expect([lefts, rights]).toEqual([[{ t: 'a' }], [{ t: 'a' }, { t: 'b' }]])
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: [{ t: 'a' }, { t: 'b' }] })
  })

  it('toReadableStream works and is followed', async () => {
    const { wrap, spans } = create()
    const stream = await wrap(async () => chunks())()
    expect(await new Response(stream.toReadableStream()).text()).toBe('{"t":"a"}\n{"t":"b"}\n')
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: [{ t: 'a' }, { t: 'b' }] })
  })

  it('only the first iteration is the output', async () => {
    const { wrap, spans } = create()
    const twice = wrap(() => ({
      async *[Symbol.asyncIterator]() {
        yield 'a'
        yield 'b'
      },
    }))()
    for (let i = 0; i < 2; i++) for await (const _ of twice) await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1, output: 'ab' })
  })
})

describe('web streams', () => {
  it('H40 a cancelled stream ends its span, and the source learns of it', async () => {
    const { wrap, spans } = create()
    let reason: unknown
    const stream = wrap(
      () =>
        new ReadableStream<string>({
          start(c) {
            c.enqueue('a')
          },
          cancel(why) {
            reason = why
          },
        }),
    )()
    const reader = stream.getReader()
    expect((await reader.read()).value).toBe('a')
    await reader.cancel('enough')
    expect(reason).toBe('enough')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'a', ends: 1 })
  })

  it('H40 a locked stream refuses a second reader as before', () => {
    const { wrap } = create()
    const stream = wrap(() => textStream(['a']))()
    stream.getReader()
    expect(() => stream.getReader()).toThrow(TypeError)
    expect(stream.locked).toBe(true)
  })

  it('does not read ahead', async () => {
    const { wrap } = create()
    let pulls = 0
    const stream = wrap(
      () =>
        new ReadableStream<number>(
          {
            pull(c) {
              c.enqueue(++pulls)
            },
          },
          { highWaterMark: 0 },
        ),
    )()
    await nextTurn()
    expect(pulls).toBe(0)
    const reader = stream.getReader()
    await reader.read()
    await nextTurn()
    expect(pulls).toBe(1)
  })

  it('a failing stream fails the span and the reader', async () => {
    const { wrap, spans } = create()
    const error = new Error('source')
    const reader = wrap(
      () =>
        new ReadableStream({
          pull() {
            throw error
          },
        }),
    )().getReader()
    await expect(reader.read()).rejects.toBe(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('releasing a reader with a waiting read is no failure', async () => {
    const { wrap, spans } = create()
    let give: (text: string) => void = () => undefined
    const stream = wrap(
      () =>
        new ReadableStream<string>({
          start(c) {
            give = (text) => {
              c.enqueue(text)
              c.close()
            }
          },
        }),
    )()
    const first = stream.getReader()
    const waiting = first.read()
    first.releaseLock()
    await expect(waiting).rejects.toThrow(TypeError)
    expect(spans[0]?.state).toBe('open')
    give('x')
    for await (const _ of stream) await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'x' })
  })

  it('pipeTo and pipeThrough pass everything and end the span', async () => {
    const { wrap, spans } = create()
    const got: string[] = []
    await wrap(() => textStream(['a', 'b']))().pipeTo(
      new WritableStream({
        write(part) {
          got.push(part)
        },
      }),
    )
    const upper = new TransformStream<string, string>({
      transform(part, c) {
        c.enqueue(part.toUpperCase())
      },
    })
    const piped = wrap(() => textStream(['c']))().pipeThrough(upper)
    expect(piped).toBe(upper.readable)
    for await (const part of piped) got.push(part)
    await nextTurn()
    expect(got).toEqual(['a', 'b', 'C'])
    expect(spans.map(({ state, ends }) => [state, ends])).toEqual([
      ['ok', 1],
      ['ok', 1],
    ])
    expect(() => wrap(() => textStream([]))().pipeThrough({} as never)).toThrow(TypeError)
  })

  it('tee follows both halves', async () => {
    const { wrap, spans } = create()
    const [left, right] = wrap(() => textStream(['a', 'b']))().tee()
    // Settles with the other half only.
    void left.cancel()
    await nextTurn()
    expect(spans[0]?.state).toBe('open')
    expect(await new Response(right.pipeThrough(new TextEncoderStream() as never) as never).text()).toBe('ab')
    await nextTurn()
    expect(spans[0]).toMatchObject({ ends: 1 })
  })

  it('what was read before a stream was split is not left out of it, and what comes after neither', async () => {
    const { wrap, spans } = create()
    const stream = wrap(() => textStream(['a', 'b', 'c']))()
    const reader = stream.getReader()
    await reader.read()
    reader.releaseLock()
    expect(spans[0]?.state).toBe('open')
    const halves = stream.tee() as unknown as AsyncIterable<string>[]
    await Promise.all(
      halves.map(async (half) => {
        for await (const _ of half);
      }),
    )
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'abc', chunkCount: 3, ends: 1 })
  })

  it('two halves that are both cancelled end the span', async () => {
    const { wrap, spans } = create()
    const halves = wrap(() => textStream(['a', 'b']))().tee()
    await Promise.all(halves.map((half) => half.cancel()))
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('text that is cut inside a character is joined whole, other bytes are counted', async () => {
    const { wrap, spans } = create()
    const bytes = new TextEncoder().encode('né€')
    const open = (parts: readonly Uint8Array[]) =>
      wrap(
        () =>
          new ReadableStream<Uint8Array>({
            start(c) {
              for (const part of parts) c.enqueue(part)
              c.close()
            },
          }),
      )()
    for await (const _ of open([bytes.subarray(0, 2), bytes.subarray(2, 4), bytes.subarray(4)])) await nextTurn()
    for await (const _ of open([new Uint8Array([0xff, 0xfe, 0x00])])) await nextTurn()
    expect(spans.map(({ output }) => output)).toEqual(['né€', '[3 bytes]'])
  })

  it('a body handed to a Response is followed', async () => {
    const { wrap, spans } = create()
    const stream = wrap(
      () =>
        new ReadableStream<Uint8Array>({
          start(c) {
            c.enqueue(Buffer.from('hi'))
            c.close()
          },
        }),
    )()
    expect(await new Response(stream as never).text()).toBe('hi')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'hi', ends: 1 })
  })
})

describe('web streams that are transferred', () => {
  /** As to a worker, which gives back what it read. */
  const transfer = async (stream: object): Promise<string> => {
    const { port1, port2 } = new MessageChannel()
    const arrived = new Promise<ReadableStream<string>>((resolve) => {
      port2.onmessage = ({ data }) => resolve(data)
    })
    port1.postMessage(stream, [stream as never])
    const parts: string[] = []
    for await (const part of await arrived) parts.push(part)
    port1.close()
    return parts.join('')
  }

  it('end their spans with that, as they are read elsewhere', async () => {
    const { wrap, spans } = create()
    const read = transfer(wrap(() => textStream(['a', 'b']))())
    expect(spans).toMatchObject([{ state: 'ok', output: undefined, ends: 1 }])
    expect(await read).toBe('ab')
  })

  it('are recorded with what was read before', async () => {
    const { wrap, spans } = create()
    const stream = wrap(() => textStream(['a', 'b']))()
    const reader = stream.getReader()
    await reader.read()
    reader.releaseLock()
    expect(await transfer(stream)).toBe('b')
    expect(spans).toMatchObject([{ state: 'ok', output: 'a', ends: 1 }])
  })

  it('leave the other half of a stream that was split to go on', async () => {
    const { wrap, spans } = create()
    const [sent, kept] = wrap(() => textStream(['a', 'b']))().tee()
    const read = transfer(sent)
    expect(spans[0]?.state).toBe('open')
    for await (const _ of kept);
    expect(await read).toBe('ab')
    expect(spans).toMatchObject([{ state: 'ok', output: 'ab', ends: 1 }])
  })

  it('that are read already refuse as without us, and go on', async () => {
    const { wrap, spans } = create()
    const stream = wrap(() => textStream(['a', 'b']))()
    const reader = stream.getReader()
    await expect(transfer(stream)).rejects.toThrow('ReadableStream')
    expect((await reader.read()).value).toBe('a')
    expect(spans[0]?.state).toBe('open')
  })
})

describe('Node streams', () => {
  it('stays paused until the host reads, in each way of reading', async () => {
    const ways: Record<string, (stream: Readable) => Promise<unknown>> = {
      iterate: async (stream) => {
        for await (const _ of stream) await nextTurn()
      },
      listen: (stream) => new Promise((resolve) => stream.on('data', () => undefined).on('end', resolve)),
      read: (stream) =>
        new Promise((resolve) =>
          stream
            .on('readable', () => {
              while (stream.read() !== null);
            })
            .on('end', resolve),
        ),
      pipe: (stream) =>
        pipeline(stream, async function (source) {
          for await (const _ of source) await nextTurn()
        }),
      transform: (stream) =>
        pipeline(stream, new Transform({ transform: (chunk, _e, done) => done(null, chunk) }), async (source) => {
          for await (const _ of source) await nextTurn()
        }),
    }
    for (const [way, consume] of Object.entries(ways)) {
      const { wrap, spans } = create()
      const made = Readable.from([Buffer.from('Hel'), Buffer.from('lo')])
      const stream = wrap(() => made)()
      expect(stream).toBe(made)
      await nextTurn()
      expect([way, stream.readableFlowing, stream.listenerCount('data'), spans[0]?.state]).toEqual([way, null, 0, 'open'])
      await consume(stream)
      expect([way, spans[0]?.state, spans[0]?.output, spans[0]?.ends]).toEqual([way, 'ok', 'Hello', 1])
    }
  })

  it('H39 a stream destroyed mid-way ends the span, with the error if there is one', async () => {
    const { wrap, spans } = create()
    const quiet = wrap(() => Readable.from(['a', 'b', 'c']))()
    for await (const _ of quiet) break
    await nextTurn()
    const loud = wrap(() => Readable.from(['a']))()
    const error = new Error('cut')
    const heard = new Promise((resolve) => loud.on('error', resolve))
    loud.destroy(error)
    expect(await heard).toBe(error)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
    expect(spans[1]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('the body of a reply that is read whole past its listeners is recorded whole', async () => {
    /** As the body of undici: what comes after the first piece goes to who reads it whole, and not to listeners. */
    class Body extends Readable {
      override _read(): void {
        // Pieces are pushed.
      }
      async text(): Promise<string> {
        this.push('{"a":')
        for await (const first of this) return `${String(first)}1}`
        return ''
      }
      async json(): Promise<unknown> {
        return JSON.parse(await this.text())
      }
    }
    const { wrap, spans } = create()
    expect(await wrap(() => new Body(), 'text')().text()).toBe('{"a":1}')
    expect(await wrap(async () => new Body(), 'json')().then((body) => body.json())).toEqual({ a: 1 })
    await nextTurn()
    expect(spans.map(({ state, output, ends }) => [state, output, ends])).toEqual([
      ['ok', '{"a":1}', 1],
      ['ok', { a: 1 }, 1],
    ])
  })

  it('a stream that has methods of these names for something else is followed as any other', async () => {
    class Named extends Readable {
      text(): string {
        return 'about it'
      }
      json(): never {
        throw new Error('not now')
      }
    }
    const { wrap, spans } = create()
    const stream = wrap(() => Object.setPrototypeOf(Readable.from(['a', 'b']), Named.prototype) as Named)()
    expect(stream.text()).toBe('about it')
    expect(() => stream.json()).toThrow('not now')
    for await (const _ of stream);
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'ab', ends: 1 })
  })

  it('H42 an IncomingMessage is followed, a Socket is a plain value', async () => {
    const { wrap, spans } = create()
    const server = createServer((_req, res) => res.end('pong')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const message = await wrap(() => new Promise<IncomingMessage>((resolve) => get({ port, host: '127.0.0.1', agent: false }, resolve)))()
    message.setEncoding('utf8')
    let body = ''
    for await (const part of message) body += part
    expect(body).toBe('pong')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'pong', ends: 1 })
    const socket = wrap(() => new net.Socket())()
    expect(spans[1]).toMatchObject({ state: 'ok', ends: 1 })
    socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
})
