import { describe, expect } from 'vitest'
import type { Conversation } from '../../src/dev/page-api/contract.js'
import type { DevServer } from '../../src/dev/server.js'
import { call, newId, sendSpans, test } from './fixtures.js'

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'
const T0 = 1_700_000_000_000

interface Said {
  readonly role: string
  readonly content: string
}
const user = (content: string): Said => ({ role: 'user', content })
const bot = (content: string): Said => ({ role: 'assistant', content })

const toModel = (at: number, asked: readonly Said[], answered: readonly Said[]) => ({
  startMs: T0 + at,
  attributes: {
    'honeyhive.session_id': SESSION,
    honeyhive_event_type: 'model',
    'honeyhive_inputs.chat_history': JSON.stringify(asked),
    ...(answered.length > 0 ? { 'honeyhive_outputs.chat_history': JSON.stringify(answered) } : {}),
  },
})

/** What was said: what each call was told anew, then its answer after an arrow. */
const listen = async (server: DevServer): Promise<string[]> => {
  const { calls } = (await call(server, 'GET', `/api/sessions/${SESSION}/conversation`)).body as Conversation
  const words = (messages: Conversation['calls'][number]['messages']): string =>
    messages
      .map(({ role, parts }) => `${role}: ${parts.map((part) => (part.kind === 'text' ? part.text : part.kind)).join(' ')}`)
      .join(', ')
  return calls.map(({ messages, answer }) => `${words(messages)} -> ${words(answer)}`)
}

describe('the conversation of a session', () => {
  test('says every message once, though each call repeats those before it', async ({ server }) => {
    await sendSpans(server, [
      toModel(20, [user('hi'), bot('ho'), user('more')], [bot('that is all')]),
      toModel(0, [user('hi')], [bot('ho')]),
    ])
    expect(await listen(server)).toEqual(['user: hi -> assistant: ho', 'user: more -> assistant: that is all'])
  })

  test('says again what is said again', async ({ server }) => {
    await sendSpans(server, [
      toModel(0, [user('ok?')], [bot('yes')]),
      toModel(10, [user('ok?'), bot('yes'), user('ok?')], [bot('yes')]),
      toModel(20, [user('ok?'), bot('yes'), user('ok?'), bot('yes'), user('done?')], [bot('yes')]),
    ])
    expect(await listen(server)).toEqual(['user: ok? -> assistant: yes', 'user: ok? -> assistant: yes', 'user: done? -> assistant: yes'])
  })

  test('shows the question of a call that asks nothing new', async ({ server }) => {
    await sendSpans(server, [toModel(0, [user('hi')], [bot('ho')]), toModel(10, [user('hi')], [bot('hey')])])
    expect(await listen(server)).toEqual(['user: hi -> assistant: ho', 'user: hi -> assistant: hey'])
  })

  test('tells a call once that two instrumentations recorded', async ({ server }) => {
    const [traceId, outer] = [newId(16), newId(8)]
    await sendSpans(server, [
      { ...toModel(0, [user('hi')], [bot('ho')]), traceId, spanId: outer },
      { ...toModel(1, [user('hi')], [bot('ho')]), traceId, parentSpanId: outer },
    ])
    expect(await listen(server)).toEqual(['user: hi -> assistant: ho'])
  })

  test('knows a message again that comes back without its reasoning', async ({ server }) => {
    const thinking = {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'ho' },
      ],
    } as never
    await sendSpans(server, [toModel(0, [user('hi')], [thinking]), toModel(10, [user('hi'), bot('ho'), user('more')], [])])
    expect(await listen(server)).toEqual(['user: hi -> assistant: reasoning ho', 'user: more -> '])
  })

  test('is what went in and came out where no model was called', async ({ server }) => {
    const attributes = { 'honeyhive.session_id': SESSION, honeyhive_event_type: 'chain' }
    await sendSpans(server, [{ attributes: { ...attributes, 'honeyhive_inputs.question': 'hi', 'honeyhive_outputs.answer': 'ho' } }])
    expect(await listen(server)).toEqual(['input: hi -> output: ho'])
  })

  test('of an unknown session is not found', async ({ server }) => {
    expect((await call(server, 'GET', '/api/sessions/nothing/conversation')).status).toBe(404)
  })
})
