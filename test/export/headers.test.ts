import { describe, expect, it } from 'vitest'
import { toRequestHeaders } from '../../src/export/headers.js'

describe('toRequestHeaders', () => {
  it('has the key of whoever asks, and none for a host that gets none', () => {
    const shown = ['key-a', undefined, 'key-b', undefined, 'key-a'].map(
      (apiKey) => toRequestHeaders({ apiKey, source: 'dev' })['Authorization'],
    )
    expect(shown).toEqual(['Bearer key-a', undefined, 'Bearer key-b', undefined, 'Bearer key-a'])
  })

  it('has the source of whoever asks, also in turns', () => {
    const shown = ['dev', 'live', 'live', 'dev', 'ünï'].map((source) => toRequestHeaders({ apiKey: undefined, source })['X-Source'])
    expect(shown).toEqual(['dev', 'live', 'live', 'dev', 'ünï'])
  })

  it('is one object for tracers of one source, which nobody can change', () => {
    const headers = toRequestHeaders({ apiKey: undefined, source: 'dev' })
    expect(toRequestHeaders({ apiKey: undefined, source: 'dev', headers: {} })).toBe(headers)
    expect(Object.isFrozen(headers)).toBe(true)
    expect(toRequestHeaders({ apiKey: 'key', source: 'dev' })).not.toBe(headers)
  })

  it("has a tracer's own headers, and gives them to no other of its source", () => {
    const one = toRequestHeaders({
      apiKey: undefined,
      source: 'dev',
      headers: { tenant: 'one', 'user-agent': 'app/1', Authorization: 'Basic x' },
    })
    const two = toRequestHeaders({ apiKey: undefined, source: 'dev', headers: { tenant: 'two' } })
    const none = toRequestHeaders({ apiKey: undefined, source: 'dev' })
    expect([one['tenant'], two['tenant'], none['tenant']]).toEqual(['one', 'two', undefined])
    expect([one['Authorization'], two['Authorization'], none['Authorization']]).toEqual(['Basic x', undefined, undefined])
    expect(one['User-Agent']).toMatch(/^app\/1 honeyhive-tracer\//)
    expect(none['User-Agent']).toMatch(/^honeyhive-tracer\//)
  })
})
