import { describe, expect, test } from 'vitest'
import type { EventRow } from '../../src/dev/page-api/contract.js'
import { toCost, toCount, toDuration, toTicks } from '../../src/dev/page/model/format.js'
import { toInputMessages, toOutputMessages } from '../../src/dev/page/model/messages.js'
import { toLanes, toTree, toVisible } from '../../src/dev/page/model/tree.js'

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

describe('messages', () => {
  test('reads tool calls in the OpenAI shape, parts, and names what it does not load', () => {
    const [first, second] =
      toInputMessages({
        chat_history: [
          { role: 'assistant', content: null, tool_calls: [{ id: 'c', function: { name: 'look', arguments: '{"a":1}' } }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'see' },
              { type: 'image_url', image_url: { url: 'https://example.invalid/x.png' } },
            ],
          },
        ],
      }) ?? []
    expect(first?.toolCalls).toEqual([{ id: 'c', name: 'look', args: { a: 1 } }])
    expect(second).toMatchObject({ text: 'see', attachments: ['image_url'] })
  })

  test('takes nothing for a conversation that is none', () => {
    expect(toInputMessages({ chat_history: ['text'] })).toBeNull()
    expect(toInputMessages({ query: 'x' })).toBeNull()
    expect(toOutputMessages({ value: 1 })).toBeNull()
    expect(toOutputMessages({ role: 'assistant', content: 'hi' })?.[0]?.text).toBe('hi')
  })
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
