import { describe, expect, it } from 'vitest'
import { toSessionId } from '../../src/semantics/session-id.js'

const UUID_V5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('toSessionId', () => {
  it('H86 gives the published UUIDv5 of a name in the DNS namespace', () => {
    expect(toSessionId('www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
    expect(toSessionId('python.org')).toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d')
  })

  it.each([
    'c232ab00-9414-11ec-b3c8-9f6bdeced846',
    '919108f7-52d1-4320-9bac-f847db4148a8',
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ])('H86 keeps the UUID %s, lower-cased', (uuid) => {
    expect(toSessionId(uuid)).toBe(uuid)
    expect(toSessionId(uuid.toUpperCase())).toBe(uuid)
  })

  it.each([
    '',
    '{919108f7-52d1-4320-9bac-f847db4148a8}',
    '../../etc/passwd',
    "'; drop table sessions",
    '<b>',
    'a\nb',
    '919108f7-52d1-4320-9bac-f847db4148a8\n',
    '\ud800',
    'x'.repeat(1_000_000),
  ])('H86 turns hostile text into a UUID (%#)', (text) => {
    expect(toSessionId(text)).toMatch(UUID_V5)
    expect(toSessionId(text)).toBe(toSessionId(text))
  })

  it('H86 keeps different texts apart', () => {
    expect(new Set(['a', 'A', ' a', 'a ', 'á'].map(toSessionId)).size).toBe(5)
  })
})
