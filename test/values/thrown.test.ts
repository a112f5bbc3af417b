import { describe, expect, it } from 'vitest'
import { describeThrown } from '../../src/values/thrown.js'

describe('describeThrown', () => {
  it('tells what caused an error, and what caused that', () => {
    const root = new TypeError('no route')
    const middle = new RangeError('out of range', { cause: root })
    const { stack } = describeThrown(new Error('failed', { cause: middle }))
    const heads = stack?.split('\n').filter((line) => !line.startsWith('    at '))
    expect(heads).toEqual(['Error: failed', 'Caused by: RangeError: out of range', 'Caused by: TypeError: no route'])
    expect(stack?.match(/Caused by: .*\n {4}at /g)?.length).toBe(2)
  })

  it.each([
    ['text', 'disk full', 'Caused by: disk full'],
    ['a plain object', { message: 'disk full' }, 'Caused by: Object: disk full'],
    ['a number', 28, 'Caused by: 28'],
  ])('tells a cause that is %s', (_, cause, told) => {
    expect(describeThrown(new Error('failed', { cause })).stack?.split('\n').at(-1)).toBe(told)
  })

  it('leaves the stack of an error without a cause as it is', () => {
    const plain = new Error('failed')
    expect(describeThrown(plain).stack).toBe(plain.stack)
    expect(describeThrown(new Error('failed', { cause: undefined })).stack).not.toContain('Caused by')
  })

  it('comes to an end where causes go round, have no end, are endless text or cannot be read', () => {
    const ring = new Error('a')
    ring.cause = new Error('b', { cause: ring })
    expect(describeThrown(ring).stack?.match(/Caused by/g)?.length).toBe(1)
    let deep = new Error('0')
    for (let at = 0; at < 100; at++) deep = new Error(String(at), { cause: deep })
    expect(describeThrown(deep).stack?.match(/Caused by/g)?.length).toBe(8)
    expect(describeThrown(new Error('a', { cause: 'x'.repeat(1e6) })).stack?.length).toBeLessThan(50_000)
    const closed = Object.defineProperty(new Error('a'), 'cause', {
      get() {
        throw new Error('closed')
      },
    })
    expect(describeThrown(closed).stack).toBe(closed.stack)
  })
})
