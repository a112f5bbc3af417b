import { describe, expect, expectTypeOf, it } from 'vitest'
import { type ConfigProblem, HoneyHiveConfigError } from '../../src/errors.js'
import { checkOptions, readOptions } from '../../src/options/check.js'
import {
  ANYTHING,
  functionSpec,
  isListOf,
  isText,
  isWhole,
  methodsListSpec,
  methodsSpec,
  type SpecOf,
  type Specs,
} from '../../src/options/spec.js'

const SPECS: Specs = {
  run: { ...functionSpec('Give a function.'), isRequired: true },
  max: { accepts: isWhole(1, 10), expected: 'a whole number from 1 to 10', remedy: 'Give e.g. 5.' },
  names: { accepts: isListOf(isText), expected: 'an array of texts', remedy: 'Give names.', isCopied: true },
  key: { accepts: isText, expected: 'a text', remedy: 'Copy it again.', secret: true },
  group: {
    expected: 'an object or false',
    remedy: 'Give e.g. { on: true }.',
    members: { on: { accepts: (value) => typeof value === 'boolean', expected: 'true or false', remedy: 'Give true.' } },
    other: (value) => value === false,
  },
}

const run = (): number => 1

function problemsOf(options: unknown): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  readOptions(options, SPECS, { problems })
  return problems
}

const messagesOf = (options: unknown): readonly string[] => problemsOf(options).map(({ message }) => message)

describe('readOptions', () => {
  it('gives back what was given, frozen, without what was not', () => {
    const names = ['a']
    const read = readOptions({ run, max: null, key: undefined, names, group: { on: true } }, SPECS, { problems: [] })
    expect(read).toEqual({ run, names: ['a'], group: { on: true } })
    expect([read, read['names'], read['group']].every(Object.isFrozen)).toBe(true)
    names.push('b')
    expect(read['names']).toEqual(['a'])
    expect(readOptions({ run, group: false }, SPECS, { problems: [] })).toEqual({ run, group: false })
  })

  it('names option, expectation, value, place and remedy, all problems at once', () => {
    expect(messagesOf({ run: 1, max: 11, names: [1], key: 42, group: { on: 'yes', of: 1 }, mx: 5 })).toEqual([
      'Invalid "run": expected a function, got 1 from code. Give a function.',
      'Invalid "max": expected a whole number from 1 to 10, got 11 from code. Give e.g. 5.',
      'Invalid "names": expected an array of texts, got an array from code. Give names.',
      'Invalid "key": expected a text, got a number from code. Copy it again.',
      'Invalid "group.on": expected true or false, got "yes" from code. Give true.',
      'Unknown option "group.of" from code. Did you mean "group.on"?',
      'Unknown option "mx" from code. Did you mean "max"?',
    ])
    expect(messagesOf({ run, group: true })).toEqual([
      'Invalid "group": expected an object or false, got true from code. Give e.g. { on: true }.',
    ])
  })

  it('misses what is required once', () => {
    const missing = 'Invalid "run": expected a function, got undefined from code. Give a function.'
    expect([{}, undefined, null, { run: null }].map(messagesOf)).toEqual([[missing], [missing], [missing], [missing]])
  })

  it.each(['text', 5, [], () => 1, new Map()])('wants options by name, not %s', (options) => {
    expect(messagesOf(options)).toEqual([
      expect.stringMatching(/^Invalid "options": expected an object, got an? \w+ from code\. Give options by name\.$/),
    ])
  })

  it('says where a value came from and prefers what the caller knows of a name', () => {
    const problems: ConfigProblem[] = []
    readOptions({ run, max: 0, mx: 1 }, SPECS, {
      problems,
      prefix: 'tracers.a.',
      locate: (path) => ({ from: `${path}.yaml:1`, written: path === 'tracers.a.max' ? '${MAX}' : undefined }),
      adviseUnknown: (name) => (name === 'mx' ? 'Use "max".' : undefined),
    })
    expect(problems).toEqual([
      {
        option: 'tracers.a.max',
        message: 'Invalid "tracers.a.max": expected a whole number from 1 to 10, got "${MAX}" from tracers.a.max.yaml:1. Give e.g. 5.',
      },
      { option: 'tracers.a.mx', message: 'Unknown option "tracers.a.mx" from tracers.a.mx.yaml:1. Use "max".' },
    ])
  })

  it('survives getters and proxies that throw, and names every object has', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('boom')
        },
      },
    )
    const getter = {
      run,
      get max(): number {
        throw new Error('boom')
      },
    }
    expect(messagesOf(getter)).toEqual(['Invalid "max": reading it threw. Give e.g. 5.'])
    expect(messagesOf(hostile)[0]).toBe('Invalid "options": listing its names threw. Give a plain object.')
    expect(problemsOf(JSON.parse('{"__proto__": 1, "constructor": 1, "toString": 1}')).map(({ option }) => option)).toEqual([
      '__proto__',
      'constructor',
      'toString',
      'run',
    ])
  })
})

describe('checkOptions', () => {
  it('throws everything that is wrong as one error', () => {
    expect(() => checkOptions({ max: 0, zzz: 1 }, SPECS, 'createThing')).toThrow(HoneyHiveConfigError)
    expect(() => checkOptions({ max: 0, zzz: 1 }, SPECS, 'createThing')).toThrow(/^createThing: 3 invalid settings\.\n {2}- Invalid "max"/)
    expect(checkOptions({ run }, SPECS, 'createThing')).toEqual({ run })
  })
})

describe('specs of collaborators', () => {
  const one = methodsSpec<{ a(): void; b(): void }>(['a', 'b'], 'a thing', 'Give a thing.')
  const many = methodsListSpec<{ a(): void }>(['a'], 'things', 'Give things.')
  const method = (): void => undefined

  it('look for methods, inherited ones and those of functions included', () => {
    class Thing {
      a = method
      b(): void {}
    }
    expect([new Thing(), Object.assign(() => 1, { a: method, b: method })].every(one.accepts)).toBe(true)
    expect([{}, { a: method, b: 1 }, null, 'x', undefined].some(one.accepts)).toBe(false)
    expect(many.accepts([{ a: method }])).toBe(true)
    expect([{ a: method }, [null], [{ a: method }, {}]].some(many.accepts)).toBe(false)
  })

  it('say what is lacking, and where', () => {
    expect(one.found?.({ a: method })).toBe('an object without b()')
    expect(one.found?.(5)).toBe('5')
    expect(many.found?.([{ a: method }, null])).toBe('null without a() at index 1')
    expect(many.found?.('x')).toBe('"x"')
  })

  it('keep check and type in step', () => {
    expectTypeOf<SpecOf<string>>().not.toExtend<SpecOf<string | number>>()
    expectTypeOf<SpecOf<string | number>>().not.toExtend<SpecOf<string>>()
    expect(ANYTHING.accepts(Symbol('x'))).toBe(true)
  })
})
