import { describe, expect, it } from 'vitest'
import { createTracing, type TraceClassOptions } from '../../src/wrap/decorate.js'
import { compileCall, type TraceOptions } from '../../src/wrap/trace-options.js'
import type { CompiledCall } from '../../src/wrap/trace-options.js'
import { HoneyHiveConfigError, isHoneyHiveError } from '../../src/errors.js'
import { createFakeRecorder } from '../fixtures/conformance.js'

function create() {
  const { recorder, spans } = createFakeRecorder()
  const calls: CompiledCall[] = []
  const refs: unknown[] = []
  const tracing = createTracing((ref) => {
    refs.push(ref)
    return (call) => {
      calls.push(call)
      return recorder
    }
  })
  return { ...tracing, spans, calls, refs, names: () => spans.map(({ name }) => name) }
}

const problemsOf = (fn: () => unknown): readonly string[] => {
  try {
    fn()
  } catch (error) {
    if (error instanceof HoneyHiveConfigError) return error.problems.map(({ message }) => message)
  }
  return []
}

describe('options', () => {
  it('D-18: every namespace is accepted and reaches the recorder, once and frozen', () => {
    const { traceFn, calls } = create()
    const options: TraceOptions = {
      eventType: 'model',
      eventName: 'ask',
      eventId: 'e1',
      inputs: false,
      outputs: true,
      argNames: ['q'],
      config: { model: 'm' },
      metadata: { a: 1 },
      metrics: { b: 2 },
      feedback: { c: 3 },
      userProperties: { d: 4 },
      kind: 2,
      attributes: { e: 5 },
      redact: { keys: ['f'] },
    }
    traceFn('main', () => 1, options)()
    expect(calls[0]).toEqual({ name: 'ask', eventType: 'model', argNames: ['q'], options: { ...options, tracer: 'main' } })
    expect(Object.isFrozen(calls[0]) && Object.isFrozen(calls[0]?.options)).toBe(true)
  })

  it('D-18: unknown names and wrong values are refused together, with a suggestion', () => {
    const { trace } = create()
    const problems = problemsOf(() =>
      trace({ event_type: 'tool', eventType: 'llm', metrics: 3, zzz: 1, argNames: [1] } as unknown as TraceOptions),
    )
    expect(problems).toEqual([
      'Unknown option "event_type" from code. Did you mean "eventType"?',
      `Invalid "eventType": expected one of 'model', 'tool', 'chain', 'session', 'generic', got "llm" from code. Give e.g. EventType.chain.`,
      'Invalid "metrics": expected an object, got a number from code. Give fields by name.',
      expect.stringMatching(/^Unknown option "zzz" from code. Known: tracer, eventType/),
      `Invalid "argNames": expected an array of texts, got an array from code. Give names by position, e.g. ['question'].`,
    ])
  })

  it('options that are not given are left to the defaults', () => {
    const { traceFn, calls } = create()
    traceFn(
      undefined,
      function lookup() {
        return 1
      },
      { eventType: undefined, metadata: undefined },
    )()
    expect(calls[0]).toMatchObject({ name: 'lookup', eventType: 'tool', argNames: undefined, options: {} })
    expect(compileCall({}, '').name).toBe('anonymous')
  })

  it('a tracer may be given as an object, a function or a name', () => {
    const { trace, refs } = create()
    const tracer = { instance: {} } as never
    const later = () => tracer
    trace(tracer)
    trace(later)
    trace('named')
    trace({ tracer })
    trace()
    expect(refs).toEqual([tracer, later, 'named', tracer, undefined])
  })

  it('what cannot be recorded is refused where it is written', () => {
    const { trace, traceFn, traceClass } = create()
    for (const wrong of [
      () => trace()(1 as never),
      () => traceFn(undefined, undefined as never),
      () => traceClass()({} as never),
      () => trace(42 as never),
      () => (trace as (...args: unknown[]) => unknown)(() => 1, { kind: 'method', name: 'x' }),
      () => traceClass({ exclude: 'helper' } as unknown as TraceClassOptions),
      () => traceClass({ eventName: 'x' } as unknown as TraceClassOptions),
    ]) {
      expect(wrong).toThrow(HoneyHiveConfigError)
    }
  })

  it.each(['field', 'accessor', 'setter', 'class'])('a %s is refused with the way out', (kind) => {
    const { trace } = create()
    const decorate = trace() as unknown as (value: unknown, context: object) => unknown
    try {
      decorate(kind === 'field' ? undefined : () => 1, { kind, name: 'x', static: false, private: false })
      expect.unreachable()
    } catch (error) {
      expect(isHoneyHiveError(error) && error.message).toMatch(/@traceClass/)
    }
  })
})

describe('H69: methods', () => {
  it('a method learns the name of the class that declares it, also when a subclass calls it', () => {
    const { trace, names } = create()
    class Base {
      @trace() hello(): string {
        return this.#secret()
      }
      @trace() static make(): Base {
        return new this()
      }
      @trace() #secret(): string {
        return 'x'
      }
      @trace() get size(): number {
        return 3
      }
    }
    class Sub extends Base {}
    expect([new Sub().hello(), Sub.make() instanceof Sub, new Sub().size]).toEqual(['x', true, 3])
    expect(names()).toEqual(['Base.hello', 'Sub.#secret', 'Base.make', 'Base.size'])
  })

  it('a method called without `this` is recorded under its own name, and learns the class later', () => {
    const { trace, names } = create()
    class Loose {
      @trace() free(): number {
        return 1
      }
    }
    const { free } = new Loose()
    free()
    new Loose().free()
    free()
    expect(names()).toEqual(['free', 'Loose.free', 'Loose.free'])
  })

  it('an instance with getters and proxies around it is not touched to find a name', () => {
    const { trace, names } = create()
    class Careful {
      @trace() go(): number {
        return 1
      }
      get constructor_(): never {
        throw new Error('read')
      }
    }
    const odd = Object.defineProperty(new Careful(), 'constructor', {
      get() {
        throw new Error('read')
      },
    })
    expect(odd.go()).toBe(1)
    expect(names()).toEqual(['Careful.go'])
    const hostile = new Proxy(new Careful(), {
      getPrototypeOf() {
        throw new Error('trap')
      },
    })
    expect(hostile.go()).toBe(1)
  })

  it('legacy: symbol keys, static methods and accessors, the descriptor otherwise kept', () => {
    const { trace, names } = create()
    const key = Symbol('find')
    class Legacy {
      [key](): number {
        return 1
      }
      static make(): number {
        return 2
      }
      get view(): number {
        return 3
      }
    }
    for (const [target, name] of [
      [Legacy.prototype, key],
      [Legacy, 'make'],
      [Legacy.prototype, 'view'],
    ] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
      const traced = trace()(target, name, descriptor)
      expect([traced.enumerable, traced.configurable, traced === descriptor]).toEqual([false, true, false])
      Object.defineProperty(target, name, traced)
    }
    expect([new Legacy()[key](), Legacy.make(), new Legacy().view]).toEqual([1, 2, 3])
    expect(names()).toEqual(['Legacy.[find]', 'Legacy.make', 'Legacy.view'])
    expect(() => trace()(Legacy.prototype, 'field', undefined as never)).toThrow(HoneyHiveConfigError)
  })

  it('D-64: options are not recorded twice: the recorder gets them in one place', () => {
    const { trace, calls } = create()
    class Once {
      @trace({ metadata: { a: 1 } }) go(): number {
        return 1
      }
    }
    new Once().go()
    expect(Object.keys(calls[0] ?? {}).sort()).toEqual(['argNames', 'eventType', 'name', 'options'])
  })
})

describe('D-17: classes', () => {
  it('records own public methods, static ones included, and nothing else', () => {
    const { traceClass, names } = create()
    class Parent {
      inherited(): number {
        return 1
      }
    }
    const Inner = class {
      deep(): number {
        return 1
      }
    }
    const symbol = Symbol('s')
    @traceClass({ exclude: ['helper'] })
    class Agent extends Parent {
      static Nested = Inner
      static create(): Agent {
        return new Agent()
      }
      static {
        Object.defineProperty(Agent, 'fixed', { value: () => 1 })
      }
      run(): number {
        return this.helper()
      }
      helper(): number {
        return 1
      }
      _private(): number {
        return 1
      }
      get view(): number {
        return 1
      }
      [symbol](): number {
        return 1
      }
    }
    const agent = Agent.create()
    expect(agent).toBeInstanceOf(Agent)
    expect([
      agent.run(),
      agent._private(),
      agent.view,
      agent.inherited(),
      agent[symbol](),
      new Agent.Nested().deep(),
      Agent.name,
      Agent.length,
    ]).toEqual([1, 1, 1, 1, 1, 1, 'Agent', 0])
    expect(Agent.Nested).toBe(Inner)
    expect(Object.keys(Object.getOwnPropertyDescriptors(Agent.prototype))).toEqual(['constructor', 'run', 'helper', '_private', 'view'])
    expect(names()).toEqual(['Agent.create', 'Agent.run'])
  })

  it('include records only the named methods, and options apply to each', () => {
    const { traceClass, names, calls } = create()
    class Tools {
      a(): number {
        return 1
      }
      _b(): number {
        return 2
      }
      c(): number {
        return 3
      }
    }
    const Traced = traceClass({ include: ['a', '_b'], eventType: 'chain' })(Tools)
    expect(Traced).toBe(Tools)
    const tools = new Traced()
    expect([tools.a(), tools._b(), tools.c()]).toEqual([1, 2, 3])
    expect(names()).toEqual(['Tools.a', 'Tools._b'])
    expect(calls.map(({ eventType }) => eventType)).toEqual(['chain', 'chain'])
  })

  it('refuses names that are no texts and names the class does not have; those of a superclass it has', () => {
    const { traceClass } = create()
    class Base {
      inherited(): void {}
    }
    class Tools extends Base {
      static build(): void {}
      answer(): void {}
    }
    const refuse = (options: object) => expect(() => traceClass(options as never)(Tools))
    refuse({ exclude: ['answer', 7] }).toThrow(/"exclude": expected an array of method names/)
    refuse({ include: 'answer' }).toThrow(/"include": expected an array of method names, got a string/)
    refuse({ exclude: ['anwser'] }).toThrow('"exclude" names "anwser", which the class Tools does not have. Did you mean "answer"?')
    refuse({ include: ['somethingElse'] }).toThrow('does not have. Name its methods; fields are not recorded.')
    expect(traceClass({ exclude: ['answer', 'build', 'inherited'] })(Tools)).toBe(Tools)
  })

  it('a subclass overrides, calls super and stays a subclass', () => {
    const { traceClass, names } = create()
    class Base {
      go(): string {
        return 'base'
      }
    }
    traceClass()(Base)
    class Sub extends Base {
      override go(): string {
        return `${super.go()}+sub`
      }
    }
    traceClass()(Sub)
    expect(new Sub().go()).toBe('base+sub')
    expect(new Sub()).toBeInstanceOf(Base)
    expect(names()).toEqual(['Sub.go', 'Base.go'])
  })
})
