import { describe, expect, test } from 'vitest'
import type { DialogueMessage } from '../../src/semantics/dialogue.js'
import type { EventRow } from '../../src/dev/page-api/contract.js'
import { toCost, toCount, toDuration, toTicks } from '../../src/dev/page/model/format.js'
import { parseMarkdown } from '../../src/dev/page/model/markdown.js'
import { toLanes, toTree, toVisible } from '../../src/dev/page/model/tree.js'
import { toTurns } from '../../src/dev/page/model/turns.js'
import { toWordDiff } from '../../src/dev/page/model/word-diff.js'

function toRow(id: string, parentId: string | null, startMs = 0, durationMs = 10, error: string | null = null): EventRow {
  return {
    id,
    parentId,
    sessionId: 's',
    projectId: '1',
    type: 'tool',
    name: id,
    startMs,
    durationMs,
    error,
    totalTokens: 0,
    cost: 0,
    costSource: null,
    model: null,
    links: 0,
  }
}

describe('toTree', () => {
  test('puts children under their parent in order of start and counts the errors below', () => {
    const nodes = toTree([toRow('root', null), toRow('late', 'root', 5), toRow('early', 'root', 1), toRow('leaf', 'early', 2, 1, 'boom')])
    expect(nodes.map(({ row, depth, errors }) => [row.id, depth, errors])).toEqual([
      ['root', 0, 1],
      ['early', 1, 1],
      ['leaf', 2, 1],
      ['late', 1, 0],
    ])
  })

  test('shows events whose parent has not arrived as roots', () => {
    expect(toTree([toRow('orphan', 'nowhere')]).map((node) => node.depth)).toEqual([0])
  })

  test('shows every event once when parents form a ring', () => {
    const nodes = toTree([toRow('a', 'b'), toRow('b', 'c'), toRow('c', 'a'), toRow('self', 'self')])
    expect(nodes.map((node) => node.row.id).toSorted()).toEqual(['a', 'b', 'c', 'self'])
  })

  test('takes a chain of 50,000 events without running out of stack', () => {
    const rows = Array.from({ length: 50_000 }, (_, at) => toRow(`e${at}`, at === 0 ? null : `e${at - 1}`, at))
    expect(toTree(rows).at(-1)?.depth).toBe(49_999)
  })
})

describe('toVisible', () => {
  test('leaves out what is below a folded event and nothing else', () => {
    const nodes = toTree([toRow('root', null), toRow('a', 'root', 1), toRow('a1', 'a', 2), toRow('a11', 'a1', 3), toRow('b', 'root', 4)])
    expect(toVisible(nodes, new Set(['a'])).map((at) => nodes[at]?.row.id)).toEqual(['root', 'a', 'b'])
  })
})

describe('toLanes', () => {
  test('never lets two events of a row overlap and keeps children below their parent', () => {
    const rows = [
      toRow('p', null, 0, 100),
      toRow('c1', 'p', 10, 50),
      toRow('c2', 'p', 20, 50),
      toRow('q', null, 50, 100),
      toRow('r', null, 200, 5),
    ]
    const lanes = toLanes(rows)
    expect([...lanes.rows]).toEqual([
      ['p', 0],
      ['c1', 1],
      ['c2', 2],
      ['q', 3],
      ['r', 0],
    ])
    expect(lanes.count).toBe(4)
  })
})

describe('toTurns', () => {
  const call = (id: string | null, name: string) => ({ kind: 'call', id, name, args: {} }) as const
  const result = (callId: string | null, name: string | null, text: string) =>
    ({ kind: 'result', callId, name, parts: [{ kind: 'text', text }] }) as const
  const message = (role: string, ...parts: DialogueMessage['parts']): DialogueMessage => ({ role, name: null, parts, finishReason: null })
  const answersOf = (messages: readonly DialogueMessage[]) =>
    toTurns(messages).flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'call' ? [[part.name, part.result?.parts[0]]] : [])))

  test('puts results to their calls by id, in whatever order they come, and leaves no empty message', () => {
    const messages = [
      message('assistant', call('1', 'a'), call('2', 'b')),
      message('tool', result('2', null, 'two')),
      message('tool', result('1', null, 'one')),
    ]
    expect(answersOf(messages)).toEqual([
      ['a', { kind: 'text', text: 'one' }],
      ['b', { kind: 'text', text: 'two' }],
    ])
    expect(toTurns(messages).map(({ role }) => role)).toEqual(['assistant'])
  })

  test('takes name and order where there are no ids, and never an answer to another id', () => {
    expect(
      answersOf([
        message('assistant', call(null, 'a'), call(null, 'b')),
        message('tool', result(null, 'b', 'two')),
        message('tool', result(null, 'a', 'one')),
      ]),
    ).toEqual([
      ['a', { kind: 'text', text: 'one' }],
      ['b', { kind: 'text', text: 'two' }],
    ])
    const strangers = [message('assistant', call('1', 'a')), message('tool', result('9', 'a', 'nine'))]
    expect(answersOf(strangers)).toEqual([['a', undefined]])
    expect(toTurns(strangers).map(({ role }) => role)).toEqual(['assistant', 'tool'])
  })
})

describe('parseMarkdown', () => {
  test('keeps markup of HTML as text and the address of every link', () => {
    const [paragraph] = parseMarkdown('<b>x</b> [y](javascript:z)')
    expect(paragraph?.children.map(({ tag, text, detail }) => [tag, text, detail])).toEqual([
      ['text', '<b>x</b> ', ''],
      ['a', '', 'javascript:z'],
    ])
  })

  // What takes the square of the time is not through before the limit of a test.
  test.each(['> '.repeat(50_000), '['.repeat(100_000), '**a *b '.repeat(14_000), '* '.repeat(50_000)])(
    'is through with 100,000 characters of nesting: %.6s',
    (text) => {
      expect(parseMarkdown(text)).not.toEqual([])
    },
  )
})

describe('figures', () => {
  test('are short and never lie about nothing', () => {
    expect([0, 0.4, 3, 312, 3420, 252_000, 7_500_000].map(toDuration)).toEqual([
      '0 ms',
      '400 µs',
      '3 ms',
      '312 ms',
      '3.42 s',
      '4m 12s',
      '2h 05m',
    ])
    expect([0, 4e-7, 0.000021, 0.00059, 0.0012, 0.0123, 2.5, 250].map(toCost)).toEqual([
      '–',
      '<$0.00001',
      '$0.000021',
      '$0.00059',
      '$0.0012',
      '$0.012',
      '$2.50',
      '$250',
    ])
    expect([0, 9999, 12_345, 2_500_000].map(toCount)).toEqual(['–', '9,999', '12.3k', '2.5M'])
    expect(toTicks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100])
    expect(toTicks(5, 5, 5)).toEqual([])
  })
})

describe('toWordDiff', () => {
  const kinds = (before: string, after: string) => toWordDiff(before, after)?.map(({ kind, text }) => `${kind} ${text.trim()}`)

  test('marks the words that came and went', () => {
    expect(kinds('the key works for 24 hours', 'the key works for 12 hours')).toEqual([
      'same the key works for',
      'removed 24',
      'added 12',
      'same hours',
    ])
  })

  test('shows texts that have little in common one after the other', () => {
    expect(kinds('open the settings and choose rotate', 'exports stop at ten thousand rows, and page on')).toEqual([
      'removed open the settings and choose rotate',
      'added exports stop at ten thousand rows, and page on',
    ])
  })

  test.each([
    ['', 'an answer', ['added an answer']],
    ['an answer', '', ['removed an answer']],
    ['same', 'same', ['same same']],
  ])('of "%s" and "%s"', (before, after, expected) => {
    expect(kinds(before, after)?.filter((part) => !/^\w+ $/.test(part))).toEqual(expected)
  })

  test('gives up on texts that are too long', () => {
    expect(toWordDiff('a '.repeat(20_000), 'b')).toBeNull()
  })
})
