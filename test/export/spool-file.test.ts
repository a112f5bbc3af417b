import { describe, expect, it } from 'vitest'
import { machineMark, ownStart } from '../../src/export/process-mark.js'
import {
  isAbandoned,
  parseLine,
  toClaimedName,
  toFreeName,
  toLine,
  toSpanCount,
  toSpoolKind,
  toSpoolName,
} from '../../src/export/spool-file.js'

const OWNER = { url: 'https://api.example.com', apiKey: 'key' }
const NAME = toSpoolName(OWNER, 7)
const AT_MS = 1_700_000_000_000

describe('the name of a spool file', () => {
  it('says how many spans it holds, at least one, and is free for its owner alone', () => {
    expect([toSpanCount(NAME), toSpanCount(NAME.replace('-7.spool', '.spool')), toSpanCount('other')]).toEqual([7, 1, 1])
    expect(toSpoolKind(NAME, OWNER, AT_MS)).toBe('own')
    expect(toSpoolKind(NAME, { ...OWNER, apiKey: 'other' }, AT_MS)).toBe('other')
    expect(toSpoolKind(NAME, { ...OWNER, url: 'https://other.example.com' }, AT_MS)).toBe('other')
    expect(['notes.txt', `x${NAME}`, `${NAME}.bak`].map((name) => toSpoolKind(name, OWNER, AT_MS))).toEqual(Array(3).fill('foreign'))
  })

  it('is never the same twice', () => {
    expect(toSpoolName(OWNER, 7)).not.toBe(toSpoolName(OWNER, 7))
  })

  it.each([
    ['of another machine', `-12345-${machineMark() === '00000000' ? '11111111' : '00000000'}-1`],
    ['that says nothing of its process', ''],
  ])('with a claim %s is free again ten minutes after the claim', (_, process) => {
    const claimed = `${NAME}.claimed-${AT_MS}${process}`
    const kinds = [0, 599_999, 600_000].map((afterMs) => toSpoolKind(claimed, OWNER, AT_MS + afterMs))
    expect(kinds).toEqual(['other', 'other', 'own'])
    expect(toFreeName(claimed)).toBe(NAME)
  })

  it('with a claim names its process: number, machine, and when it began where the system tells', () => {
    const claimed = toClaimedName(NAME, AT_MS)
    const start = ownStart()
    expect(claimed).toBe(`${NAME}.claimed-${AT_MS}-${process.pid}-${machineMark()}${start === undefined ? '' : `-${start}`}`)
    expect(toClaimedName(claimed, AT_MS + 1)).toBe(claimed.replace(`claimed-${AT_MS}`, `claimed-${AT_MS + 1}`))
    expect(toFreeName(claimed)).toBe(NAME)
  })
})

describe('isAbandoned', () => {
  it('is what was not touched for more than ten minutes', () => {
    expect([600_000, 600_001].map((ageMs) => isAbandoned(AT_MS, AT_MS + ageMs))).toEqual([false, true])
  })
})

describe('a line of a spool file', () => {
  const record = { contentType: 'application/json', spans: 2, body: Buffer.from('{"ä":1}') }
  const line = toLine(record)

  it('is read back as it was written', () => {
    expect(line.endsWith('\n')).toBe(true)
    expect(parseLine(line)).toEqual(record)
  })

  it('counts as damaged when any part of it is missing, of another kind, or changed', () => {
    const fields = JSON.parse(line) as Record<string, unknown>
    const wrong = [
      { contentType: 5 },
      { contentType: undefined },
      { spans: '2' },
      { spans: undefined },
      { spans: -1 },
      { spans: 0.5 },
      { body: undefined },
      { body: 5 },
    ]
    const changed = [{ contentType: 'a\r\nb: c' }, { sum: 'x' }, { sum: undefined }, { body: Buffer.from('{"b":1}').toString('base64') }]
    for (const fault of [...wrong, ...changed]) expect(parseLine(JSON.stringify({ ...fields, ...fault }))).toBeUndefined()
    for (const text of ['', 'null', '[]', line.slice(0, -5)]) expect(parseLine(text)).toBeUndefined()
  })
})
