/** Compiled under TC39 standard decorators by tsc, esbuild and swc, then run: see ../decorators.test.ts. */
import { trace, traceClass, traceFn, report } from '../fixtures/tracing.js'

const KEY = Symbol('key')

class Api {
  factor = 2
  #secret = 40

  @trace() times(n: number): number {
    return this.factor * n
  }
  @trace({ eventName: 'answer', eventType: 'chain' }) async answer(q: string): Promise<string> {
    return `${q}!`
  }
  @trace() static make(): Api {
    return new Api()
  }
  @trace() #hidden(): number {
    return this.#secret + 2
  }
  @trace() get sum(): number {
    return this.#hidden()
  }
  @trace() [KEY](x: string): string {
    return x
  }
  @trace() *items(n: number): Generator<number, string, void> {
    yield n
    return 'done'
  }
  @trace() async *stream(): AsyncGenerator<string> {
    yield 'a'
    yield 'b'
  }
  pick(key: 'n'): number
  pick(key: 's'): string
  @trace() pick(key: 'n' | 's'): number | string {
    return key === 'n' ? 1 : 's'
  }
  @trace() same<T>(value: T): T {
    return value
  }
}

class Sub extends Api {
  @trace() override times(n: number): number {
    return super.times(n) + 1
  }
}

@traceClass({ exclude: ['helper'] })
class Agent {
  static count = 0
  static Nested = class Nested {
    deep(): number {
      return 1
    }
  }
  static create(): Agent {
    Agent.count += 1
    return new Agent()
  }
  run(): number {
    return this.helper() + 1
  }
  helper(): number {
    return 1
  }
  _internal(): number {
    return 3
  }
  get view(): string {
    return 'view'
  }
}

async function main(): Promise<void> {
  const api = Api.make()
  const results: unknown[] = [
    api instanceof Api,
    api.times(3),
    await api.answer('hi'),
    api.sum,
    api[KEY]('sym'),
    [...api.items(5)],
    api.pick('n'),
    api.same('x'),
  ]
  const parts: string[] = []
  for await (const part of api.stream()) parts.push(part)
  results.push(parts, new Sub().times(3))
  const agent = Agent.create()
  results.push(agent.run(), agent._internal(), agent.view, new Agent.Nested().deep(), Agent.count, Agent.name)
  const ask = traceFn(
    undefined,
    async function ask(q: string): Promise<number> {
      return q.length
    },
    { inputs: (q) => ({ question: q.trim() }), outputs: (n) => n + 1 },
  )
  const score = trace()(function score(a: number, b = 1): number {
    return a + b
  })
  results.push(await ask('four'), score(1))
  report(results)
}

// ---- types that must hold
export const asked: (q: string) => Promise<number> = traceFn(undefined, async (q: string) => q.length)
export const generic: <T>(value: T) => T = trace()(<T>(value: T): T => value)
interface Overloaded {
  (a: string): string
  (a: number): number
}
declare const overloaded: Overloaded
export const typesOnly = (): void => {
  const wrapped: Overloaded = trace()(overloaded)
  const text: string = wrapped('a')
  // @ts-expect-error the number overload gives a number
  const wrong: string = wrapped(1)
  // @ts-expect-error not an event type
  trace({ eventType: 'llm' })
  // @ts-expect-error unknown option
  trace({ event_name: 'x' })
  // @ts-expect-error not a function
  void trace()(1)
  // @ts-expect-error the argument is a string
  void asked(1)
  // @ts-expect-error `this` is kept
  void trace()(function (this: { a: number }) {
    return this.a
  })()
  const iterate: (n: number) => Generator<number, string, boolean> = traceFn(undefined, function* (n: number): Generator<
    number,
    string,
    boolean
  > {
    yield n
    return 'x'
  })
  const iterateLater: () => AsyncGenerator<string> = trace()(async function* () {
    yield 'a'
  })
  class Misplaced {
    // @ts-expect-error a field is no method
    @trace() field = 1
  }
  void [text, wrong, iterate, iterateLater, Misplaced]
}
await main()
