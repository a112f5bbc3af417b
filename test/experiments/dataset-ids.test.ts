import { describe, expect, test } from 'vitest'
import { createDatasetHash, externalDatapointId, externalDatasetId, streamedDatasetId } from '../../src/experiments/dataset-ids.js'
import { toPythonJson } from '../../src/experiments/python-json.js'

const ROWS = [
  { inputs: { q: 'x' }, ground_truth: 'x' },
  { inputs: { q: 'err' }, ground_truth: 'y', id: 'myid' },
]

describe('toPythonJson', () => {
  test('writes what json.dumps(value, sort_keys=True) of Python 3.11 writes', () => {
    const value = {
      a: [1, 1.5, 0.1, 1e-5, 1.25e-7, 123456789.125, -0, 0.0001, null, true, false],
      é: 'ü😀\x7f\n\t"\\/\x01',
      '😀': 1,
      '\uffff': 2,
      n: Number.NaN,
      i: Number.NEGATIVE_INFINITY,
    }
    expect(toPythonJson(value)).toBe(
      '{"a": [1, 1.5, 0.1, 1e-05, 1.25e-07, 123456789.125, -0.0, 0.0001, null, true, false], "i": -Infinity, "n": NaN, ' +
        '"\\u00e9": "\\u00fc\\ud83d\\ude00\\u007f\\n\\t\\"\\\\/\\u0001", "\\uffff": 2, "\\ud83d\\ude00": 1}',
    )
  })

  test('writes whole numbers of any size as integers', () => {
    expect(toPythonJson([1e21, 2 ** 53, 123n])).toBe('[1000000000000000000000, 9007199254740992, 123]')
  })

  test('H91 never throws: cycles, throwing getters and functions become markers or are left out', () => {
    const cyclic: Record<string, unknown> = { f: () => 1, s: Symbol('s'), u: undefined, d: new Date(0) }
    cyclic.self = cyclic
    Object.defineProperty(cyclic, 'bad', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    expect(toPythonJson(cyclic)).toBe('{"bad": "[Throws]", "d": "1970-01-01T00:00:00.000Z", "self": "[Circular]"}')
    expect(toPythonJson([undefined, () => 1])).toBe('[null, null]')
  })

  test('survives nesting that is deeper than the stack', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i += 1) deep = [deep]
    expect(toPythonJson(deep)).toContain('[Too deep]')
  })
})

describe('externalDatasetId and externalDatapointId', () => {
  test('give the ids that the Python SDK gives', () => {
    expect(externalDatasetId(ROWS)).toBe('EXT-535ccc1f9bb86e07')
    expect(ROWS.map(externalDatapointId)).toEqual(['EXT-ed229d8caf6254cb', 'EXT-myid'])
  })

  test('give the ids of Python for unicode, nested values, floats and null', () => {
    const rows = [{ inputs: { text: 'Grüße 😀', n: 3, f: 0.25, small: 1e-5, nested: { b: [1, 2], a: null } }, ground_truth: { ok: true } }]
    expect(externalDatasetId(rows)).toBe('EXT-ceab146bb2b4f209')
    expect(externalDatapointId(rows[0], 0)).toBe('EXT-2318de50548b01a7')
  })

  test('do not depend on the spelling of the ground truth', () => {
    const camel = ROWS.map(({ ground_truth, ...row }) => ({ ...row, groundTruth: ground_truth }))
    expect(externalDatasetId(camel)).toBe(externalDatasetId(ROWS))
    expect(camel.map(externalDatapointId)).toEqual(ROWS.map(externalDatapointId))
  })

  test('keep a prefix that is there and take datapoint_id and numbers', () => {
    expect(externalDatapointId({ id: 'EXT-7' }, 0)).toBe('EXT-7')
    expect(externalDatapointId({ datapoint_id: 'a' }, 0)).toBe('EXT-a')
    expect(externalDatapointId({ id: 7 }, 0)).toBe('EXT-7')
  })

  test('H91 give an id to rows that are no objects', () => {
    expect(externalDatapointId(undefined, 1)).toMatch(/^EXT-[0-9a-f]{16}$/)
    expect(externalDatasetId([undefined, null, 1])).toMatch(/^EXT-[0-9a-f]{16}$/)
    expect(externalDatasetId([])).toBe('EXT-4f53cda18c2baa0c')
  })

  test('hash a stream row by row to the same id', () => {
    const hash = createDatasetHash()
    for (const row of ROWS) hash.add(row)
    expect(hash.id()).toBe('EXT-535ccc1f9bb86e07')
    expect(streamedDatasetId('nightly')).toBe(streamedDatasetId('nightly'))
  })
})
