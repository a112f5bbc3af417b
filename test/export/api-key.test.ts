import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiKey, type AskKey, isKeyRefused, sendWithKey } from '../../src/export/api-key.js'
import type { Reply } from '../../src/export/exchange.js'

// Before the package is loaded, which keeps the functions that it finds.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
vi.mock('node:timers', () => ({ ...globalThis }))
beforeEach(() => void vi.clearAllTimers())

const toReply = (status: number): Reply => ({ status, contentType: '', retryAfter: undefined, body: new Uint8Array(), isComplete: true })

/** A key that is asked for: each answer in turn, the last one for ever. */
function open(answers: readonly unknown[], known?: string) {
  const seen: string[] = []
  const ask = vi.fn(() => (answers[Math.min(ask.mock.calls.length, answers.length) - 1] ?? '') as string)
  return { ask, seen, key: new ApiKey({ known, ask, onKey: (key) => seen.push(key) }) }
}

const NO_KEY = { kind: 'network', message: 'the function given as `apiKey` gave no key', isLasting: false }

describe('ApiKey', () => {
  it('is the one that was given, and asks nobody', async () => {
    const { ask, seen, key } = open(['other'], 'known')
    expect([await key.read(), key.isRenewable, ask.mock.calls.length, seen]).toEqual(['known', true, 0, []])
    const fixed = new ApiKey({ known: 'fixed', ask: undefined, onKey: () => undefined })
    expect([await fixed.read(), fixed.isRenewable, await fixed.renew('fixed')]).toEqual(['fixed', false, false])
    const none = new ApiKey({ known: undefined, ask: undefined, onKey: () => undefined })
    expect([await none.read(), await none.renew(undefined)]).toEqual([undefined, false])
  })

  it('is asked for once, however many wait for it, and seen before it is used', async () => {
    const { ask, seen, key } = open([Promise.resolve('  first\n'), 'second'])
    expect(await Promise.all([key.read(), key.read()])).toEqual(['first', 'first'])
    expect([await key.read(), ask.mock.calls.length, new Set(seen)]).toEqual(['first', 1, new Set(['first'])])
  })

  it('is asked for once, though the function makes a request of its own', async () => {
    const ask = vi.fn<AskKey>(() => {
      void key.read()
      return 'good'
    })
    const key = new ApiKey({ known: undefined, ask, onKey: () => undefined })
    expect([await key.read(), ask.mock.calls.length]).toEqual(['good', 1])
  })

  it('is asked for again where it was refused, not where there is another by then', async () => {
    const { ask, key } = open(['first', 'second', 'second'])
    await key.read()
    expect([await key.renew('first'), await key.renew('first'), ask.mock.calls.length]).toEqual([true, true, 2])
    expect([await key.renew('second'), await key.read(), ask.mock.calls.length]).toEqual([false, 'second', 3])
  })

  it.each([
    ['nothing', ''],
    ['blanks', '  '],
    ['what no header can carry', 'with\nsecret'],
    ['a number', 5],
  ])('is none where the function gives %s, until it gives one', async (_, answer) => {
    const { key } = open([answer, 'good'])
    await expect(key.read()).rejects.toMatchObject(NO_KEY)
    expect(await key.read()).toBe('good')
  })

  it.each<[string, AskKey]>([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
  ])('stays as it is where the function %s', async (_, ask) => {
    await expect(new ApiKey({ known: undefined, ask, onKey: () => undefined }).read()).rejects.toMatchObject(NO_KEY)
    const key = new ApiKey({ known: 'known', ask, onKey: () => undefined })
    expect([await key.renew('known'), await key.read()]).toEqual([false, 'known'])
  })

  it('is waited for no longer than ten seconds', async () => {
    const { key } = open([new Promise(() => undefined), 'good'])
    const read = key.read().catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(await Promise.race([read, 'waiting'])).toBe('waiting')
    await vi.advanceTimersByTimeAsync(1)
    expect(await read).toMatchObject(NO_KEY)
    expect(await key.read()).toBe('good')
  })
})

describe('sendWithKey', () => {
  async function send(
    statuses: readonly number[],
    answers: readonly string[],
  ): Promise<readonly [number, readonly (string | undefined)[]]> {
    const keys: (string | undefined)[] = []
    const { key } = open(answers)
    const { status } = await sendWithKey(key, (each) => Promise.resolve(toReply(statuses[keys.push(each) - 1] ?? 0)))
    return [status, keys]
  }

  it('sends once more, with another key, where the first was refused', async () => {
    expect(await send([200], ['one', 'two'])).toEqual([200, ['one']])
    expect(await send([401, 200], ['one', 'two'])).toEqual([200, ['one', 'two']])
    expect(await send([403, 403], ['one', 'two', 'three'])).toEqual([403, ['one', 'two']])
    expect(await send([401], ['one'])).toEqual([401, ['one']])
    expect(await send([500], ['one', 'two'])).toEqual([500, ['one']])
  })

  it('sends without a key once', async () => {
    const sent = vi.fn(() => Promise.resolve(toReply(401)))
    expect((await sendWithKey(undefined, sent)).status).toBe(401)
    expect(sent.mock.calls).toEqual([[undefined]])
  })
})

describe('isKeyRefused', () => {
  it('is for the two replies that are about the key', () => {
    expect([400, 401, 402, 403, 404].filter(isKeyRefused)).toEqual([401, 403])
  })
})
