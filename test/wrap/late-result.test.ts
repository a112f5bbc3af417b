import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { from, lastValueFrom, Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { compileCall } from '../../src/wrap/trace-options.js'
import { type Callable, wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder, type SeenSpan } from '../fixtures/conformance.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function create(maxBytes?: number) {
  const { recorder, spans, current } = createFakeRecorder(maxBytes)
  const wrap = <F extends Callable>(fn: F, name = fn.name): F => wrapFunction(fn, compileCall({}, name), () => recorder)
  return { wrap, spans, current }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = []
  for await (const item of items) got.push(item)
  return got
}

async function* letters(): AsyncGenerator<string> {
  yield 'a'
  await nextTurn()
  yield 'b'
}

describe('results told by events', () => {
  /** An emitter that does `work` once whoever got it has gone on. */
  const emitter = (work: (emitter: EventEmitter) => void) => (): EventEmitter => {
    const made = new EventEmitter()
    setImmediate(() => work(made))
    return made
  }
  const heard = (made: EventEmitter, event: string): Promise<unknown> => new Promise((resolve) => made.once(event, resolve))

  it('the span lasts until the last event; the pieces are one text', async () => {
    const { wrap, spans } = create()
    const made = wrap(
      emitter((e) => {
        e.emit('text', 'Hel')
        e.emit('text', 'lo')
        e.emit('end')
      }),
    )()
    expect(spans[0]?.state).toBe('open')
    expect(made.eventNames()).toEqual([])
    await heard(made, 'end')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'Hello', chunkCount: 2, firstChunks: 1, ends: 1 })
  })

  it('an error event fails the span, with what came before, and reaches the host as before', async () => {
    const { wrap, spans } = create()
    const error = new Error('broke')
    const made = wrap(
      emitter((e) => {
        e.emit('data', 'half')
        e.emit('error', error)
      }),
    )()
    expect(await heard(made, 'error')).toBe(error)
    expect(spans[0]).toMatchObject({ state: 'error', error, output: 'half', ends: 1 })
  })

  it('counts beside a text are not part of it; what the last event brings is the answer where nothing else came', async () => {
    const { wrap, spans } = create()
    const busy = wrap(
      emitter((e) => {
        e.emit('progress', { percent: 10 })
        e.emit('token', 'a')
        e.emit('token', 'b')
        e.emit('done', { tokens: 2 })
      }),
    )()
    await heard(busy, 'done')
    const quiet = wrap(emitter((e) => e.emit('end', { answer: 42 })))()
    await heard(quiet, 'end')
    expect(spans.map(({ output }) => output)).toEqual(['ab', { answer: 42 }])
  })

  it('methods whose name says that they are its own affair make it no service', async () => {
    const { wrap, spans } = create()
    class Work extends EventEmitter {
      _step(): void {
        this.emit('text', 'a')
        this.emit('end')
      }
    }
    const work = wrap(() => new Work())()
    expect(spans[0]?.state).toBe('open')
    work._step()
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'a', ends: 1 })
  })

  it('an EventTarget tells by dispatching', async () => {
    const { wrap, spans } = create()
    const target = wrap(() => new EventTarget())()
    target.dispatchEvent(new MessageEvent('message', { data: 'x' }))
    target.dispatchEvent(new MessageEvent('message', { data: 'y' }))
    target.dispatchEvent(new Event('close'))
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'xy' })
  })

  it('a connection or service that has events is a value, and so is an object that a method gives back itself', () => {
    const { wrap, spans } = create()
    class Client extends EventEmitter {
      query(): void {}
    }
    const client = wrap(() => new Client())()
    const signal = wrap(() => new AbortController().signal)()
    class Chain extends EventEmitter {
      set = wrap(function (this: EventEmitter) {
        return this
      }, 'set')
    }
    const chain = new Chain()
    expect(chain.set()).toBe(chain)
    expect([client instanceof Client, signal instanceof AbortSignal]).toEqual([true, true])
    expect(spans.map(({ state, ends }) => [state, ends])).toEqual([
      ['ok', 1],
      ['ok', 1],
      ['ok', 1],
    ])
  })
})

describe('helpers of model clients', () => {
  const chunk = (delta: object, more: object = {}) => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  })
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'Hel' }),
    chunk({ content: 'lo' }),
    chunk({}, { finish_reason: 'stop' }),
  ]
  const answer = {
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  }
  const helper = (lines: readonly object[] = chunks): ChatCompletionStream =>
    ChatCompletionStream.fromReadableStream(
      new ReadableStream({
        start(controller) {
          for (const line of lines) controller.enqueue(Buffer.from(`${JSON.stringify(line)}\n`))
          controller.close()
        },
      }) as never,
    )

  it.each<[string, (stream: ChatCompletionStream) => Promise<unknown>, unknown]>([
    ['finalContent()', (stream) => stream.finalContent(), 'Hello'],
    ['its events', (stream) => new Promise((resolve) => stream.on('finalContent', resolve)), 'Hello'],
    ['iteration', async (stream) => (await collect(stream)).length, 4],
    ['done()', (stream) => stream.done(), undefined],
    ['toReadableStream()', async (stream) => (await new Response(stream.toReadableStream()).text()).split('\n').length, 5],
  ])('read by %s', async (_way, read, expected) => {
    const { wrap, spans } = create()
    const made = helper()
    const stream = wrap(() => made)()
    expect(stream).toBe(made)
    expect(await read(stream)).toEqual(expected)
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: answer, chunkCount: 4, firstChunks: 1, ends: 1 })
  })

  it('a consumer that leaves early ends the span with what it read', async () => {
    const { wrap, spans } = create()
    for await (const { choices } of wrap(helper)(undefined)) if (choices[0]?.delta.content === 'Hel') break
    expect(spans[0]).toMatchObject({ state: 'ok', output: { choices: [{ message: { content: expect.stringMatching(/^Hel/) } }] }, ends: 1 })
  })

  it('a failure is that of the span, and still unhandled where the host handles none', async () => {
    const { wrap, spans } = create()
    const error = new Error('cut')
    const failing = (): ChatCompletionStream =>
      ChatCompletionStream.fromReadableStream(
        new ReadableStream({
          pull(controller) {
            controller.error(error)
          },
        }) as never,
      )
    await expect(wrap(failing)().done()).rejects.toThrow('cut')
    expect(spans[0]).toMatchObject({ state: 'error', error: { cause: error }, ends: 1 })
  })

  it.each<[string, (stream: ChatCompletionStream) => unknown]>([
    ['are iterated', collect],
    ['are asked for the last state', (stream) => stream.finalContent()],
    ['are left to the runner', () => undefined],
  ])('that a runner of tools hands out one by one and that %s are recorded with their answers', async (_way, read) => {
    const { wrap, spans } = create()
    const runner = wrap(async function* runner() {
      for (let turn = 0; turn < 2; turn++) {
        const stream = helper()
        const completion = stream.finalChatCompletion()
        yield stream
        await completion
      }
    })
    for await (const stream of runner()) await read(stream)
    expect(spans).toMatchObject([{ state: 'ok', output: [answer, answer], chunkCount: 2, firstChunks: 1, ends: 1 }])
  })
})

describe('results with members', () => {
  class Answer {
    started = 0
    get textStream(): AsyncIterable<string> {
      this.started += 1
      return letters()
    }
    get text(): Promise<string> {
      this.started += 1
      return nextTurn().then(() => 'ab')
    }
    get usage(): Promise<object> {
      return nextTurn().then(() => ({ tokens: 2 }))
    }
    get id(): Promise<string> {
      return Promise.resolve('id-1')
    }
  }

  it('getters start nothing before the host reads them, and the object looks as it did', async () => {
    const { wrap, spans } = create()
    const made = new Answer()
    const answer = wrap(() => made)()
    await nextTurn()
    expect(answer).toBe(made)
    expect([answer.started, spans[0]?.state, Object.keys(answer), JSON.stringify(answer)]).toEqual([
      0,
      'open',
      ['started'],
      '{"started":0}',
    ])
    expect(structuredClone(answer)).toEqual({ started: 0 })
    expect(answer).toBeInstanceOf(Answer)
  })

  it.each<[string, (answer: Answer) => Promise<unknown>, unknown, unknown]>([
    ['a stream', ({ textStream }) => collect(textStream), ['a', 'b'], 'ab'],
    ['a promise', ({ text }) => text, 'ab', 'ab'],
    ['several promises', (answer) => Promise.all([answer.text, answer.usage]), ['ab', { tokens: 2 }], { text: 'ab', usage: { tokens: 2 } }],
    ['an early promise first', async (answer) => [await answer.id, ...(await collect(answer.textStream))], ['id-1', 'a', 'b'], 'ab'],
  ])('read by %s', async (_way, read, expected, output) => {
    const { wrap, spans } = create()
    expect(await read(wrap(() => new Answer())())).toEqual(expected)
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output, ends: 1 })
  })

  it('spans of the work that a getter starts are inside', async () => {
    const { wrap, spans } = create()
    const step = wrap(() => 1, 'step')
    const ask = wrap(
      () =>
        new (class {
          get textStream(): AsyncIterable<number> {
            return (async function* () {
              yield step()
              await nextTurn()
              yield step()
            })()
          }
        })(),
      'ask',
    )
    await collect(ask().textStream)
    expect(spans.map(({ name, parent }) => [name, parent])).toEqual([
      ['ask', undefined],
      ['step', 'ask'],
      ['step', 'ask'],
    ])
  })

  it('what a promise is made of, where it is a stream in a field, is seen piece by piece', async () => {
    const { wrap, spans } = create()
    class Answer {
      readonly base = new ReadableStream<string>({
        start(controller) {
          for (const piece of ['a', 'b']) controller.enqueue(piece)
          controller.close()
        },
      })
      get textStream(): ReadableStream<string> {
        return this.base
      }
      get text(): Promise<string> {
        return collect(this.base as unknown as AsyncIterable<string>).then((pieces) => pieces.join(''))
      }
    }
    expect(await wrap(() => new Answer())().text).toBe('ab')
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'ab', chunkCount: 2, firstChunks: 1, ends: 1 })
  })

  it('a literal with a getter that gives a stream is one too', async () => {
    const { wrap, spans } = create()
    const answer = wrap(() => ({
      get textStream() {
        return letters()
      },
    }))()
    expect(Object.keys(answer)).toEqual(['textStream'])
    expect(await collect(answer.textStream)).toEqual(['a', 'b'])
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'ab', ends: 1 })
  })

  it('a private field works on, and what is frozen has no output', async () => {
    const { wrap, spans } = create()
    class Hidden {
      readonly #text = 'hidden'
      get stream(): AsyncIterable<string> {
        const text = this.#text
        return (async function* () {
          yield text
        })()
      }
    }
    expect(await collect(wrap(() => new Hidden())().stream)).toEqual(['hidden'])
    expect(await collect(wrap(() => Object.freeze(new Hidden()))().stream)).toEqual(['hidden'])
    expect(spans.map(({ state, output, ends }) => [state, output, ends])).toEqual([
      ['ok', 'hidden', 1],
      ['ok', undefined, 1],
    ])
  })
})

describe('results with late parts', () => {
  it('a stream in a field: the output is the object with what the stream gave', async () => {
    const { wrap, spans } = create()
    const made = { model: 'm', data: { stream: letters() } }
    const result = await wrap(async () => made)()
    expect(result).toBe(made)
    expect(spans[0]?.state).toBe('open')
    expect(await collect(result.data.stream)).toEqual(['a', 'b'])
    expect(spans[0]).toMatchObject({ state: 'ok', output: { model: 'm', data: { stream: 'ab' } }, chunkCount: 2, ends: 1 })
  })

  it('promises in fields are waited for, and handled by nobody but the host', async () => {
    const { wrap, spans } = create()
    const result = wrap(() => ({ answer: nextTurn().then(() => 'yes'), sources: nextTurn().then(() => ['s']), n: 1 }))()
    expect(await Promise.all([result.answer, result.sources])).toEqual(['yes', ['s']])
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: { answer: 'yes', sources: ['s'], n: 1 }, ends: 1 })
    const error = new Error('no answer')
    const failing = wrap(() => ({ answer: Promise.reject(error) }))()
    await expect(failing.answer).rejects.toBe(error)
    expect(spans[1]).toMatchObject({ state: 'error', error, ends: 1 })
  })

  it('the answer beside a stream is enough; headers beside it are not', async () => {
    const { wrap, spans } = create()
    await wrap(() => ({ stream: letters(), response: Promise.resolve({ text: 'ab' }) }))().response
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: { response: { text: 'ab' } }, ends: 1 })
    const early = wrap(() => ({ stream: letters(), headers: Promise.resolve({ x: 1 }) }))()
    await early.headers
    await nextTurn()
    expect(spans[1]?.state).toBe('open')
    await collect(early.stream)
    expect(spans[1]).toMatchObject({ state: 'ok', output: { stream: 'ab', headers: { x: 1 } }, ends: 1 })
  })

  it('a list of streams lasts until the last of them', async () => {
    const { wrap, spans } = create()
    const [first, second] = wrap(() => [letters(), Readable.from(['x', 'y'])] as const)()
    await collect(first)
    expect(spans[0]?.state).toBe('open')
    await collect(second)
    expect(spans[0]).toMatchObject({ state: 'ok', output: ['ab', 'xy'], ends: 1 })
  })

  it('a field of a class is followed, its other fields are kept', async () => {
    const { wrap, spans } = create()
    class Answer {
      readonly model = 'm'
      readonly stream = letters()
    }
    await collect(wrap(() => new Answer())().stream)
    expect(spans[0]).toMatchObject({ state: 'ok', output: { model: 'm', stream: 'ab' }, ends: 1 })
  })

  it.each<[string, (stream: AsyncIterable<string>) => unknown]>([
    ['a literal to iterate', (stream) => ({ [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() })],
    ['a literal to iterate in a field', (stream) => ({ answer: { [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator]() } })],
    ['an Observable in a field', (stream) => ({ answer: from(stream) })],
  ])('%s is followed', async (_name, make) => {
    const { wrap, spans } = create()
    wrap(() => ({ n: 1 }))()
    const made = wrap(make)(letters()) as { answer?: AsyncIterable<string> & Observable<string> } & AsyncIterable<string>
    expect(spans[1]?.state).toBe('open')
    if (made.answer instanceof Observable) await lastValueFrom(made.answer)
    else await collect(made.answer ?? made)
    expect(spans[1]).toMatchObject({ state: 'ok', output: made.answer === undefined ? 'ab' : { answer: 'ab' }, ends: 1 })
  })

  it('an object that a method gives back itself is no answer, whatever it holds', () => {
    const { wrap, spans } = create()
    class Request {
      readonly body = letters()
      get textStream(): AsyncIterable<string> {
        return this.body
      }
      set(): this {
        return this
      }
    }
    const request = new Request()
    request.set = wrap(request.set)
    expect(request.set()).toBe(request)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('a proxy is not followed: its span ends at once', () => {
    const { wrap, spans } = create()
    const proxy = new Proxy(letters(), {})
    expect(wrap(() => proxy)()).toBe(proxy)
    expect(spans[0]).toMatchObject({ state: 'ok', ends: 1 })
  })

  it('an object of the host that can be iterated by hand is followed; one that has a method `next` alone is a value', () => {
    const { wrap, spans } = create()
    class Countdown {
      left = 2
      next(): IteratorResult<number, undefined> {
        return this.left === 0 ? { done: true, value: undefined } : { done: false, value: this.left-- }
      }
      [Symbol.iterator](): this {
        return this
      }
    }
    class Pager {
      next(): string {
        return 'page'
      }
    }
    expect([...(wrap(() => new Countdown())() as Iterable<number>)]).toEqual([2, 1])
    expect(wrap(() => new Pager())().next()).toBe('page')
    expect(spans[0]).toMatchObject({ state: 'ok', output: [2, 1], ends: 1 })
    expect(spans[1]).toMatchObject({ state: 'ok', ends: 1 })
    expect(spans[1]?.chunkCount).toBeUndefined()
  })

  it('what the function was given and hands on in a field is not its answer, and a stream that is read already not either', async () => {
    const { wrap, spans } = create()
    const items = letters()
    wrap((given: object) => ({ given }))(items)
    wrap(function (this: object) {
      return [this]
    }).call(items)
    const locked = new ReadableStream()
    locked.getReader()
    wrap(() => locked)()
    await wrap(async (given: object) => ({ given }))(items)
    await wrap(async function (this: object) {
      return [this]
    }).call(items)
    expect(spans.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    expect([Object.getOwnPropertyNames(items), Object.getOwnPropertyNames(locked)]).toEqual([[], []])
  })

  it('getters of a plain result are not read to look for parts', () => {
    const { wrap, spans } = create()
    let reads = 0
    wrap(() =>
      Object.defineProperty({ a: {} }, 'b', {
        enumerable: false,
        get() {
          reads += 1
          return 1
        },
      }),
    )()
    expect([reads, spans[0]?.state]).toEqual([0, 'ok'])
  })
})

describe('queries and requests', () => {
  it('one that is run by another method than `then` ends its span, once', async () => {
    const { wrap, spans } = create()
    class Query {
      runs = 0
      async exec(): Promise<string> {
        this.runs += 1
        await nextTurn()
        return 'rows'
      }
      then(...callbacks: never[]): unknown {
        return this.exec().then(...callbacks)
      }
    }
    const find = wrap(() => new Query())
    const first = find() as Query
    expect(await first.exec()).toBe('rows')
    await nextTurn()
    const second = find() as Query
    expect(await (second as unknown as PromiseLike<string>)).toBe('rows')
    expect([first.runs, second.runs]).toEqual([1, 1])
    expect(spans.map(({ state, output, ends }) => [state, output, ends])).toEqual([
      ['ok', 'rows', 1],
      ['ok', 'rows', 1],
    ])
  })

  it('a method that takes the answer with its headers gives the output, not the one it calls for a part', async () => {
    const { wrap, spans } = create()
    class Request {
      readonly raw = nextTurn().then(() => ({ status: 200 }))
      asResponse(): Promise<object> {
        return this.raw
      }
      withResponse(): Promise<object> {
        return Promise.all([this.asResponse(), this.asResponse()]).then(([response]) => ({ data: 'answer', response }))
      }
      then(...callbacks: never[]): unknown {
        return this.raw.then(...callbacks)
      }
    }
    const request = wrap(() => new Request())() as Request
    expect(await request.withResponse()).toEqual({ data: 'answer', response: { status: 200 } })
    await nextTurn()
    expect(spans[0]).toMatchObject({ state: 'ok', output: { data: 'answer', response: { status: 200 } }, ends: 1 })
    const second = wrap(() => new Request())() as Request
    expect(second.asResponse()).toBe(second.raw)
    expect(await second.raw).toEqual({ status: 200 })
    expect(spans[1]).toMatchObject({ state: 'ok', output: { status: 200 }, ends: 1 })
  })

  it('a method of such a name that gives no promise gives what it gave', async () => {
    const { wrap, spans } = create()
    const plan = { steps: 2 }
    class Query {
      exec(): this {
        return this
      }
      execPlan(): object {
        return plan
      }
      run(): null {
        return null
      }
      then(resolve: (rows: string) => void): void {
        resolve('rows')
      }
    }
    const query = wrap(() => new Query())() as Query
    expect([query.exec(), query.execPlan(), query.run()]).toEqual([query, plan, null])
    expect(query.execPlan()).toBe(plan)
    expect(await (query.exec() as unknown as PromiseLike<string>)).toBe('rows')
    expect(spans[0]).toMatchObject({ state: 'ok', output: 'rows', ends: 1 })
  })

  it('one that is read by its cursor ends its span too', async () => {
    const { wrap, spans } = create()
    class Query {
      [Symbol.asyncIterator](): AsyncIterator<string> {
        return letters()
      }
      then(resolve: (rows: string[]) => void): void {
        resolve(['a', 'b'])
      }
    }
    const find = wrap(() => new Query() as AsyncIterable<string>)
    expect(await collect(find())).toEqual(['a', 'b'])
    expect(await find()).toEqual(['a', 'b'])
    const both = find()
    await collect(both)
    await both
    expect(spans.map(({ state, output, ends }) => [state, output, ends])).toEqual([
      ['ok', 'ab', 1],
      ['ok', ['a', 'b'], 1],
      ['ok', 'ab', 1],
    ])
  })

  describe('a page of a list', () => {
    class Page {
      constructor(
        readonly data: readonly number[],
        readonly after?: Page,
      ) {}
      hasNextPage(): boolean {
        return this.after !== undefined
      }
      async getNextPage(): Promise<Page | undefined> {
        return this.after
      }
      async *[Symbol.asyncIterator](): AsyncGenerator<number> {
        for (let page: Page | undefined = this; page !== undefined; page = await page.getNextPage()) yield* page.data
      }
    }
    class PagePromise extends Promise<Page> {
      async *[Symbol.asyncIterator](): AsyncGenerator<number> {
        yield* await this
      }
    }
    const list = (): PagePromise => new PagePromise((resolve) => resolve(new Page([1, 2], new Page([3]))))

    it('is the answer, whoever wants the pages after it', async () => {
      const { wrap, spans } = create()
      const page = await wrap(async () => new Page([1, 2]))()
      await wrap(list)()
      expect(page.data).toEqual([1, 2])
      expect(spans).toMatchObject([
        { state: 'ok', output: { data: [1, 2] }, ends: 1 },
        { state: 'ok', output: { data: [1, 2], after: { data: [3] } }, ends: 1 },
      ])
    })

    describe('made by Speakeasy', () => {
      /** A literal of the first page, that gives its fields again as the first item. */
      const paged = (fields: object, after: object | null = null) => ({
        ...fields,
        next: () => (after === null ? null : Promise.resolve(after)),
        async *[Symbol.asyncIterator]() {
          yield fields
          if (after !== null) yield after
        },
      })

      it.each<[string, object]>([
        ['an answer', { result: { data: [1, 2] } }],
        ['an outcome', { ok: true, value: { data: [1, 2] } }],
        ['fields of its own', { data: [1, 2], '~next': undefined }],
      ])('is the answer, with %s', async (_what, fields) => {
        const { wrap, spans } = create()
        const page = await wrap(async () => paged(fields, { result: { data: [3] } }))()
        expect(spans).toMatchObject([{ state: 'ok', output: JSON.parse(JSON.stringify(fields)), ends: 1 }])
        expect(await collect(page)).toEqual([fields, { result: { data: [3] } }])
      })

      it('is the answer beside others and as an item of a stream too', async () => {
        const { wrap, spans } = create()
        const first = { result: { data: [1] } }
        await wrap(async () => ({ model: 'm', page: paged(first) }))()
        await collect(
          wrap(async function* pages() {
            yield paged(first)
          })(),
        )
        expect(spans).toMatchObject([
          { state: 'ok', output: { model: 'm', page: first }, ends: 1 },
          { state: 'ok', output: [first], ends: 1 },
        ])
      })

      it('is no iterator that has an answer beside it', async () => {
        const { wrap, spans } = create()
        const chunks = letters()
        const stream = wrap(() => ({
          result: {},
          next: () => chunks.next(),
          return: () => chunks.return(undefined),
          [Symbol.asyncIterator]() {
            return this
          },
        }))()
        expect(await collect(stream)).toEqual(['a', 'b'])
        expect(spans).toMatchObject([{ state: 'ok', output: 'ab', ends: 1 }])
      })
    })

    it('that is iterated while it is waited for lasts until the last page', async () => {
      const { wrap, spans } = create()
      expect(await collect(wrap(list)())).toEqual([1, 2, 3])
      expect(spans).toMatchObject([{ state: 'ok', output: [1, 2, 3], ends: 1 }])
    })
  })
})

describe('items that complete later than they are handed out', () => {
  async function* chapters(): AsyncGenerator<AsyncGenerator<string>> {
    yield letters()
    yield letters()
  }
  const stateOf = ([span]: readonly SeenSpan[]) => [span?.state, span?.output]

  it('are recorded with what was read of them', async () => {
    const { wrap, spans } = create()
    for await (const chapter of wrap(chapters)()) {
      expect(await collect(chapter)).toEqual(['a', 'b'])
    }
    expect(spans).toMatchObject([{ state: 'ok', output: ['ab', 'ab'], chunkCount: 2, firstChunks: 1, ends: 1 }])
  })

  it('hold the span when they are read after the end of the result', async () => {
    const { wrap, spans } = create()
    const held = wrap(chapters)()
    const { value: first } = await held.next()
    expect(await first?.next()).toMatchObject({ value: 'a' })
    const { value: second } = await held.next()
    await held.next()
    expect(spans[0]?.state).toBe('open')
    expect(await collect(first as AsyncGenerator<string>)).toEqual(['b'])
    expect(stateOf(spans)).toEqual(['ok', ['ab', '[AsyncGenerator]']])
    expect(await collect(second as AsyncGenerator<string>)).toEqual(['a', 'b'])
    expect(spans[0]?.ends).toBe(1)
  })

  it('that nobody reads do not hold it', async () => {
    const { wrap, spans } = create()
    await collect(wrap(chapters)())
    expect(spans).toMatchObject([{ state: 'ok', output: ['[AsyncGenerator]', '[AsyncGenerator]'], ends: 1 }])
  })

  it('are gathered as far as they were read where the result fails', async () => {
    const { wrap, spans } = create()
    const error = new Error('lost')
    const broken = wrap(async function* broken() {
      yield letters()
      throw error
    })()
    const { value: chapter } = await broken.next()
    await chapter?.next()
    await expect(broken.next()).rejects.toBe(error)
    expect(spans).toMatchObject([{ state: 'error', error, output: ['a'], ends: 1 }])
  })

  it('that fail make the span fail once the result has ended, with the rest of it', async () => {
    const { wrap, spans } = create()
    const error = new Error('cut off')
    async function* cut(): AsyncGenerator<string> {
      yield 'x'
      throw error
    }
    const mixed = wrap(async function* mixed() {
      yield cut()
      yield letters()
    })()
    for await (const chapter of mixed) await collect(chapter).catch(() => undefined)
    expect(spans).toMatchObject([{ state: 'error', error, output: ['x', 'ab'], ends: 1 }])
  })

  it('may be promises, streams of the web and of Node, and given by a Node stream', async () => {
    const { wrap, spans } = create()
    const promises = wrap(function* promises() {
      yield Promise.resolve('now')
      yield nextTurn().then(letters)
    })
    for (const promise of promises()) {
      const value = await promise
      if (typeof value !== 'string') await collect(value)
    }
    const streams = wrap(() => Readable.from([new Blob(['ab']).stream(), Readable.from(['c', 'd'])]))
    for await (const stream of streams()) await collect(stream as AsyncIterable<unknown>)
    expect(spans.map(({ state, output }) => [state, output])).toEqual([
      ['ok', ['now', 'ab']],
      ['ok', ['ab', 'cd']],
    ])
  })

  it('are told to each tracer that follows the result, and keep what they are', async () => {
    const [one, two] = [create(), create()]
    const made = letters()
    const giving = one.wrap(
      two.wrap(async function* giving() {
        yield made
      }),
    )
    for await (const chapter of giving()) {
      expect(chapter).toBe(made)
      await collect(chapter)
    }
    expect([stateOf(one.spans), stateOf(two.spans)]).toEqual([
      ['ok', ['ab']],
      ['ok', ['ab']],
    ])
  })

  it('may be the result itself', async () => {
    const { wrap, spans } = create()
    const self = wrap(() => ({
      name: 'first',
      async *[Symbol.asyncIterator]() {
        yield this
      },
    }))()
    expect(await collect(self)).toEqual([self])
    expect(spans).toMatchObject([{ state: 'ok', output: [{ name: 'first' }], ends: 1 }])
  })

  it('share the room of the result', async () => {
    const { wrap, spans } = create(100)
    async function* long(): AsyncGenerator<string> {
      for (let i = 0; i < 50; i++) yield 'abcdefghij'
    }
    const many = wrap(async function* many() {
      for (let i = 0; i < 10; i++) yield long()
    })()
    for await (const each of many) await collect(each)
    expect(JSON.stringify(spans[0]?.output).length).toBeLessThan(400)
    expect(spans).toMatchObject([{ state: 'ok', chunkCount: 10, ends: 1 }])
  })
})
