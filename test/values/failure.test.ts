import vm from 'node:vm'
import { describe, expect, test } from 'vitest'
import { describeFailure } from '../../src/values/failure.js'

const error = (message: string, more: object = {}, cause?: unknown): Error =>
  Object.assign(new Error(message, cause === undefined ? {} : { cause }), more)

describe('describeFailure', () => {
  test('an error with nothing behind it is its message and its stack', () => {
    const plain = new RangeError('too far')
    expect(describeFailure(plain)).toEqual({ type: 'RangeError', message: 'too far', summary: 'too far', stack: plain.stack })
  })

  test('causes follow one another, each with its codes', () => {
    const innermost = error('connect ECONNREFUSED ::1:1', { code: 'ECONNREFUSED', errno: -111, syscall: 'connect' })
    const { message, summary, stack } = describeFailure(error('outer', {}, error('middle', {}, innermost)))
    expect(message).toBe('outer')
    expect(summary).toBe(
      'outer\ncaused by: Error: middle\ncaused by: Error: connect ECONNREFUSED ::1:1 (code ECONNREFUSED, errno -111, syscall connect)',
    )
    expect(stack).toMatch(
      /^Error: outer\n {4}at .*\{\n {2}\[cause\]: Error: middle\n {6}at .*\{\n {4}\[cause\]: Error: connect .*code: 'ECONNREFUSED',\n {6}errno: -111/s,
    )
  })

  test.each<[string, unknown, string]>([
    ['a text', 'a textual reason', 'caused by: a textual reason'],
    ['a number', 7, 'caused by: number: 7'],
    ['false', false, 'caused by: boolean: false'],
    ['a plain object', { reason: 'quota', retry: 3 }, 'caused by: Object: {"reason":"quota","retry":3}'],
    ['an object with a message', { message: 'said', code: 'E1' }, 'caused by: Object: said (code E1)'],
  ])('a cause that is %s', (_name, cause, line) => {
    expect(describeFailure(error('outer', {}, cause)).summary).toBe(`outer\n${line}`)
  })

  test('the parts of an aggregate are told apart, and have causes of their own', () => {
    const parts = [error('first'), error('second', { code: 'E2' }, error('why'))]
    const { summary, stack } = describeFailure(new AggregateError(parts, 'many'))
    expect(summary).toBe('many\n1 of 2: Error: first\n2 of 2: Error: second (code E2)\n  caused by: Error: why')
    expect(stack).toContain('[2 of 2]: Error: second')
    const unnamed = Object.assign(new AggregateError(parts, 'none'), { message: '' })
    expect(describeFailure(unnamed).summary).toMatch(/^AggregateError\n1 of 2/)
  })

  test('an error that was suppressed by another is not lost', () => {
    const suppressed = Object.assign(new Error('An error was suppressed during disposal.'), {
      name: 'SuppressedError',
      error: error('on the way out'),
      suppressed: error('the first'),
    })
    expect(describeFailure(suppressed).summary).toContain('error: Error: on the way out\nsuppressed: Error: the first')
  })

  test('a code that the message does not name stands beside it', () => {
    expect(describeFailure(error('request failed', { status: 429, code: 'quota' })).summary).toBe('request failed (code quota, status 429)')
    expect(describeFailure(error('429 quota exceeded', { status: 429, code: 'quota' })).summary).toBe('429 quota exceeded')
  })

  test('cycles, endless chains and thousands of parts end', () => {
    const loop: Error & { cause?: unknown } = error('loop')
    loop.cause = error('back', {}, loop)
    expect(describeFailure(loop).summary).toBe('loop\ncaused by: Error: back\ncaused by: [shown above]')
    const endless = {
      message: 'next',
      get cause() {
        return Object.create(this as object) as unknown
      },
    }
    expect(describeFailure(endless).summary.split('\n').length).toBeLessThan(20)
    const many = describeFailure(
      new AggregateError(
        Array.from({ length: 10_000 }, (_, i) => error(`part ${i}`)),
        'many',
      ),
    )
    expect(many.summary.split('\n')).toHaveLength(33)
    const wide = (depth: number): Error =>
      new AggregateError(depth === 0 ? [] : Array.from({ length: 10 }, () => wide(depth - 1)), 'x'.repeat(100_000))
    expect(describeFailure(wide(4)).summary.length).toBeLessThan(250_000)
  })

  test('what cannot be read is left out', () => {
    const hostile = new Error('outer')
    for (const key of ['cause', 'errors', 'code', 'suppressed'])
      Object.defineProperty(hostile, key, {
        get() {
          throw new Error('no')
        },
      })
    expect(describeFailure(hostile).summary).toBe('outer')
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    expect(() => describeFailure(revoked.proxy)).not.toThrow()
    expect(() => describeFailure(error('outer', {}, revoked.proxy))).not.toThrow()
    const trapped = new Proxy(new Error('x'), {
      get() {
        throw new Error('no')
      },
    })
    expect(() => describeFailure(trapped)).not.toThrow()
  })

  test('errors of another realm are errors', () => {
    const foreign: unknown = vm.runInNewContext(
      "new AggregateError([new TypeError('a')], 'many', { cause: Object.assign(new RangeError('why'), { code: 'E' }) })",
    )
    expect(describeFailure(foreign)).toMatchObject({
      type: 'AggregateError',
      message: 'many',
      summary: 'many\ncaused by: RangeError: why (code E)\n1 of 1: TypeError: a',
    })
  })

  test('a class of errors that has no name of its own gives its name as type', () => {
    class QuotaError extends Error {}
    expect(describeFailure(new QuotaError('x')).type).toBe('QuotaError')
    expect(describeFailure(Object.assign(new QuotaError('x'), { name: 'Quota' })).type).toBe('Quota')
  })

  test.each<[string, unknown, string, string]>([
    ['an object', { code: 7 }, 'Object', '{"code":7}'],
    ['an empty object', {}, 'Object', '[thrown Object]'],
    ['a list', [1, 'a'], 'Array', '[1,"a"]'],
    ['a Response', new Response('', { status: 404 }), 'Response', '{"status":404,"headers":{"content-type":"text/plain;charset=UTF-8"}}'],
    ['a function', function stop() {}, 'function', '[Function stop]'],
    ['null', null, 'object', 'null'],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), 'Object', '{"a":1}'],
  ])('%s that is thrown has a type and a message', (_name, thrown, type, message) => {
    expect(describeFailure(thrown)).toMatchObject({ type, message })
  })

  test('frames of recorded calls are left out of a stack, the rest stays', () => {
    const failed = new Error('x')
    failed.stack = [
      'Error: x',
      '    at inner (/app/a.js:1:1)',
      '    at Object.honeyhiveCall [as apply] (/app/node_modules/honeyhive-tracer/dist/index.js:2:2)',
      '    at outer (/app/a.js:3:3)',
    ].join('\n')
    expect(describeFailure(failed).stack).toBe('Error: x\n    at inner (/app/a.js:1:1)\n    at outer (/app/a.js:3:3)')
  })

  test('a message of 30 MB costs no more than its kept part', () => {
    const { message, summary } = describeFailure(new Error('x'.repeat(30_000_000)))
    expect(message.length).toBeLessThan(70_000)
    expect(summary).toBe(message)
  })
})
