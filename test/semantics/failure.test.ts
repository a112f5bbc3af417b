import { describe, expect, it } from 'vitest'
import { parseStack, readFailure } from '../../src/semantics/failure.js'
import { describeFailure } from '../../src/values/failure.js'

const STACK = `BillingApiError: upstream answered 503
retry later
    at lookup (/app/src/billing.ts:6:99)
    at callWithActiveSpan (/app/node_modules/honeyhive-tracer/dist/chunk-2.js:66:57)
    at AsyncLocalStorage.run (node:async_hooks:346:14)
    at async retry (file:///app/node_modules/p-retry/index.js:9:1)
    at async main (file:///app/src/main.ts:1:1)
Caused by: SyntaxError: Unexpected token
    at JSON.parse (<anonymous>)
    at parse (/app/src/parse.ts:1:2)`

const PYTHON = `Traceback (most recent call last):
  File "/app/parse.py", line 3, in parse
    json.loads(text)
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting value

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/main.py", line 9, in <module>
    run()
  File "/app/.venv/lib/python3.11/site-packages/honeyhive/tracer/wrap.py", line 4, in wrapper
    return fn()
  File "/app/.venv/lib/python3.11/site-packages/httpx/_client.py", line 4, in send
    raise
ValueError: bad reply`

describe('parseStack', () => {
  it('reads the error and its cause, and whose each frame is', () => {
    const [error, cause] = parseStack(STACK)
    expect(error).toMatchObject({ type: 'BillingApiError', message: 'upstream answered 503\nretry later' })
    expect(error?.frames.map(({ owner }) => owner)).toEqual(['application', 'tracer', 'runtime', 'library', 'application'])
    expect(error?.frames[0]?.text).toBe('lookup (/app/src/billing.ts:6:99)')
    expect(cause).toMatchObject({ type: 'SyntaxError', message: 'Unexpected token' })
    expect(cause?.frames.map(({ owner }) => owner)).toEqual(['runtime', 'application'])
  })

  it('knows the frames of the tracer where it runs from its sources', () => {
    const [error] = parseStack('Error: a\n    at runRecorded (/x/src/wrap/function.ts:78:22)\n    at runRecorded (/x/src/main.ts:1:1)')
    expect(error?.frames.map(({ owner }) => owner)).toEqual(['tracer', 'application'])
  })

  it('reads what Node prints of an error with a cause', () => {
    const printed = 'Error: a\n    at f (/app/a.js:1:1) {\n  [cause]: TypeError [CODE]: b\n      at g (/app/b.js:1:1)\n}'
    expect(parseStack(printed).map(({ type, message }) => [type, message])).toEqual([
      ['Error', 'a'],
      ['TypeError', 'b'],
    ])
  })

  it('reads the parts of an aggregate and the codes of each', () => {
    const printed = `AggregateError: all failed
    at many (/app/a.ts:9:57) {
  status: 503,
  requestId: 'r-1',
  [1 of 2]: TypeError: one
      at many (/app/a.ts:9:77),
  [2 of 2]: Error: two
      at many (/app/a.ts:9:113) {
    code: 'ECONNREFUSED'
  }
}`
    expect(
      parseStack(printed).map(({ relation, message, codes, frames }) => [relation, message, codes, frames.map(({ text }) => text)]),
    ).toEqual([
      [null, 'all failed', ['status: 503', 'requestId: r-1'], ['many (/app/a.ts:9:57)']],
      ['1 of 2', 'one', [], ['many (/app/a.ts:9:77)']],
      ['2 of 2', 'two', ['code: ECONNREFUSED'], ['many (/app/a.ts:9:113)']],
    ])
  })

  it('reads a traceback of Python, the last error first and the place of the throw first', () => {
    const [error, cause] = parseStack(PYTHON)
    expect(error).toMatchObject({ type: 'ValueError', message: 'bad reply' })
    expect(error?.frames.map(({ owner }) => owner)).toEqual(['library', 'tracer', 'application'])
    expect(cause).toMatchObject({ type: 'json.decoder.JSONDecodeError', message: 'Expecting value' })
    expect(cause?.frames.map(({ owner }) => owner)).toEqual(['runtime', 'application'])
  })

  it.each(['HTTP 503', 'Cannot connect: refused', '{"code":5}', '', 'at sea'])('takes %j for a message', (text) => {
    expect(parseStack(text)).toEqual([{ relation: null, type: null, message: text, frames: [], codes: [] }])
  })
})

describe('readFailure', () => {
  const recorded = {
    honeyhive_error_type: 'BillingApiError',
    '_event.exception.exception.message': 'upstream answered 503\nretry later',
    '_event.exception.exception.stacktrace': STACK,
  }

  it('takes stack and causes from the exception that was recorded with the error', () => {
    const steps = readFailure('upstream answered 503\nretry later', recorded)
    expect(steps.map(({ type, message, frames }) => [type, message, frames.length])).toEqual([
      ['BillingApiError', 'upstream answered 503\nretry later', 5],
      ['SyntaxError', 'Unexpected token', 2],
    ])
  })

  it('takes them also where the text of the error tells codes and causes itself', async () => {
    const thrown = Object.assign(new RangeError('bad\nreply', { cause: new TypeError('no route') }), { status: 503 })
    const { summary, stack } = describeFailure(thrown)
    const steps = readFailure(summary, {
      honeyhive_error_type: 'RangeError',
      '_event.exception.exception.message': thrown.message,
      '_event.exception.exception.stacktrace': stack,
    })
    expect(steps.map(({ relation, type, message, codes }) => [relation, type, message, codes])).toEqual([
      [null, 'RangeError', 'bad\nreply', ['status: 503']],
      ['caused by', 'TypeError', 'no route', []],
    ])
    expect(steps.every(({ frames }) => frames.length > 0)).toBe(true)
    expect(readFailure(summary, {}).map(({ message }) => message)).toEqual(['bad\nreply (status 503)', 'no route'])
  })

  it('leaves the stack of another exception out', () => {
    expect(readFailure('timed out', recorded)).toEqual([
      { relation: null, type: 'BillingApiError', message: 'timed out', frames: [], codes: [] },
    ])
  })

  it('says nothing where nothing failed', () => {
    expect(readFailure(null, recorded)).toEqual([])
  })
})
