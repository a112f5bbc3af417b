import { describe, expect, it } from 'vitest'
import { DecisionLog } from '../../src/export/decision-log.js'

/** As many as it keeps. */
const CAPACITY = 1_000
const asItIs = (name: string): string => name
const span = (n: number): { name: string; spanId: string } => ({ name: `span ${n}`, spanId: `id ${n}` })

function fill(count: number): DecisionLog {
  let time = 0
  const log = new DecisionLog(() => time++ * 1_000)
  for (let n = 0; n < count; n++) log.add(span(n), n % 2 === 0 ? undefined : 'httpStatus', n % 2 === 0 ? '' : `said of ${n}`)
  return log
}

describe('DecisionLog', () => {
  it('finds what it has by id and by name, with all that was said of it, the latest of a name first', () => {
    const log = fill(3)
    log.add({ name: 'span 1', spanId: 'id again' }, 'open', '')
    expect(log.find('id 1', asItIs)).toBe('dropped: httpStatus at 1970-01-01T00:00:01.000Z: span 1 (id 1): said of 1')
    expect(log.find('span 2', asItIs)).toBe('exported at 1970-01-01T00:00:02.000Z: span 2 (id 2)')
    expect(log.find('span 1', asItIs)).toBe('open: span 1 (id again) has not ended')
    expect(log.find('span 2', (name) => `<${name}>`)).toBe('exported at 1970-01-01T00:00:02.000Z: <span 2> (id 2)')
  })

  it('keeps a thousand: the ones after those take the place of the oldest, whole', () => {
    const log = fill(CAPACITY + 2)
    expect(log.find('id 0', asItIs)).toBeUndefined()
    expect(log.find('span 1', asItIs)).toBeUndefined()
    expect(log.find('id 2', asItIs)).toBe('exported at 1970-01-01T00:00:02.000Z: span 2 (id 2)')
    expect(log.find(`span ${CAPACITY}`, asItIs)).toBe('exported at 1970-01-01T00:16:40.000Z: span 1000 (id 1000)')
    expect(log.find(`id ${CAPACITY + 1}`, asItIs)).toBe(
      'dropped: httpStatus at 1970-01-01T00:16:41.000Z: span 1001 (id 1001): said of 1001',
    )
    // A dropped one in the place of an exported one.
    log.add({ name: 'late', spanId: 'late id' }, 'queueFull', 'full')
    expect(log.find('late', asItIs)).toBe('dropped: queueFull at 1970-01-01T00:16:42.000Z: late (late id): full')
    expect(log.find('id 2', asItIs)).toBeUndefined()
    expect(log.find('id 3', asItIs)).toBe('dropped: httpStatus at 1970-01-01T00:00:03.000Z: span 3 (id 3): said of 3')
  })

  it('decides about what is open, and about nothing else', () => {
    const log = fill(2)
    log.add(span(2), 'open', 'waits')
    log.closeOpen('shutdownTimeout', 'too late')
    expect(log.find('id 2', asItIs)).toBe('dropped: shutdownTimeout at 1970-01-01T00:00:02.000Z: span 2 (id 2): too late')
    expect(log.find('id 0', asItIs)).toBe('exported at 1970-01-01T00:00:00.000Z: span 0 (id 0)')
    expect(log.find('id 1', asItIs)).toBe('dropped: httpStatus at 1970-01-01T00:00:01.000Z: span 1 (id 1): said of 1')
  })
})
