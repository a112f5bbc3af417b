import { describe, expect, it } from 'vitest'
import { createBody, type EventBody } from '../../../src/dev/store/event-body.js'
import { type EventRecord, NO_SPAN } from '../../../src/dev/store/event-record.js'
import { addToPreview, NO_PREVIEW, parsePreview } from '../../../src/dev/store/session-preview.js'

const toEvent = (body: Partial<EventBody>, more: Partial<EventRecord>): EventRecord => ({
  ...NO_SPAN,
  projectId: 1,
  id: 'e',
  sessionId: 's',
  parentId: 'p',
  type: 'tool',
  name: 'ask',
  source: 'test',
  startMs: 0,
  endMs: 0,
  durationMs: 0,
  error: null,
  body: { ...createBody(), ...body },
  ...more,
})

/** The line of each side after these events. */
function preview(...events: readonly (readonly [said: string, more: Partial<EventRecord>])[]) {
  let all = NO_PREVIEW
  for (const [said, more] of events)
    all = addToPreview(all, toEvent({ inputs: { question: `${said}?` }, outputs: { answer: `${said}!` } }, more))
  return [all.input?.text, all.output?.text]
}

const model = (startMs: number): Partial<EventRecord> => ({ type: 'model', startMs })
const root = (startMs: number): Partial<EventRecord> => ({ parentId: 's', startMs })

describe('addToPreview', () => {
  it('has what was asked first and what was answered last, in whatever order they come', () => {
    expect(preview(['one', model(1)], ['two', model(2)], ['three', model(3)])).toEqual(['one?', 'three!'])
    expect(preview(['three', model(3)], ['two', model(2)], ['one', model(1)])).toEqual(['one?', 'three!'])
    expect(preview(['one', model(1)], ['again', model(1)]), 'of the same time, the one that came last').toEqual(['again?', 'again!'])
  })

  it('prefers the session, then its roots, then its models, and hears nothing else', () => {
    expect(preview(['tool', {}])).toEqual([undefined, undefined])
    expect(preview(['model', model(1)], ['root', root(2)], ['model', model(0)])).toEqual(['root?', 'root!'])
    expect(preview(['lost', { parentId: null }], ['model', model(9)])).toEqual(['lost?', 'lost!'])
    expect(preview(['session', { type: 'session', startMs: 5 }], ['root', root(1)])).toEqual(['session?', 'session!'])
    expect(preview(['root', root(1)], ['session', { type: 'session', startMs: 5 }])).toEqual(['session?', 'session!'])
  })

  it('prefers words of any event to the JSON of a value', () => {
    const json = addToPreview(NO_PREVIEW, toEvent({ inputs: { a: 1, b: 2 } }, { type: 'session' }))
    expect(json.input?.text).toBe('{"a":1,"b":2}')
    const words = addToPreview(json, toEvent({ inputs: { question: 'words?' } }, model(9)))
    expect([words.input?.text, words.output]).toEqual(['words?', null])
    expect(addToPreview(words, toEvent({ inputs: { a: 1, b: 2 } }, { type: 'session' })).input?.text).toBe('words?')
  })

  it('keeps a side of which an event says nothing', () => {
    const asked = addToPreview(NO_PREVIEW, toEvent({ inputs: { question: 'asked?' } }, root(1)))
    const answered = addToPreview(asked, toEvent({ outputs: { answer: 'answered!' } }, root(2)))
    expect([answered.input?.text, answered.output?.text]).toEqual(['asked?', 'answered!'])
  })
})

describe('parsePreview', () => {
  it('reads what was stored, and nothing from what is none', () => {
    const stored = addToPreview(NO_PREVIEW, toEvent({ inputs: { question: 'asked?' } }, root(7)))
    expect(parsePreview(JSON.stringify(stored))).toEqual(stored)
    expect([parsePreview(null), parsePreview(undefined), parsePreview('[]')]).toEqual([NO_PREVIEW, NO_PREVIEW, NO_PREVIEW])
    const odd = { input: { text: '' }, output: { text: 'x', rank: 'high', atMs: null } }
    expect(parsePreview(JSON.stringify(odd))).toEqual({ input: null, output: { text: 'x', rank: 0, atMs: 0 } })
  })
})
