import { describe, expect, it } from 'vitest'
import { parseStack, readFailure } from '../../src/semantics/failure.js'

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

  it('reads a traceback of Python, the last error first and the place of the throw first', () => {
    const [error, cause] = parseStack(PYTHON)
    expect(error).toMatchObject({ type: 'ValueError', message: 'bad reply' })
    expect(error?.frames.map(({ owner }) => owner)).toEqual(['library', 'tracer', 'application'])
    expect(cause).toMatchObject({ type: 'json.decoder.JSONDecodeError', message: 'Expecting value' })
    expect(cause?.frames.map(({ owner }) => owner)).toEqual(['runtime', 'application'])
  })

  it.each(['HTTP 503', 'Cannot connect: refused', '{"code":5}', '', 'at sea'])('takes %j for a message', (text) => {
    expect(parseStack(text)).toEqual([{ type: null, message: text, frames: [] }])
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

  it('leaves the stack of another exception out', () => {
    expect(readFailure('timed out', recorded)).toEqual([{ type: 'BillingApiError', message: 'timed out', frames: [] }])
  })

  it('says nothing where nothing failed', () => {
    expect(readFailure(null, recorded)).toEqual([])
  })
})
