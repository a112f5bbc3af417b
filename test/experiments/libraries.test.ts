import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { ClosedQA, ExactMatch, Levenshtein } from 'autoevals'
import { describe, expect, test as base } from 'vitest'
import { evaluate, exactMatch, fromAutoevals, fromCsv, fromJsonl } from '../../src/experiments/index.js'
import { OFFLINE } from './backend.js'

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'rows-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

async function listOf<T>(rows: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const row of rows) list.push(row)
  return list
}

describe('fromCsv', () => {
  test('reads what spreadsheets write: quotes, line breaks in fields, CRLF, a byte order mark', async ({ folder }) => {
    const file = join(folder, 'rows.csv')
    await writeFile(file, '\ufeffid,question,expected\r\n1,"a ""quoted"", text\r\nin two lines",yes\r\n,Zürich?,\r\n')
    expect(await listOf(fromCsv(file))).toEqual([
      { id: '1', inputs: { question: 'a "quoted", text\r\nin two lines' }, groundTruth: 'yes' },
      { inputs: { question: 'Zürich?' }, groundTruth: '' },
    ])
    const numbers = fromCsv(Readable.from(['n;m\n1;2\n']), {
      delimiter: ';',
      toRow: ({ n, m }, index) => ({ inputs: Number(n), groundTruth: Number(m), index }),
    })
    expect(await listOf(numbers)).toEqual([{ inputs: 1, groundTruth: 2, index: 0 }])
  })

  test('is read as it is needed, and runs as a dataset', async () => {
    let produced = 0
    const endless = Readable.from(
      (function* () {
        yield 'question,expected\n'
        for (;;) yield `q${produced++},q${produced}\n`
      })(),
    )
    const result = await evaluate({
      ...OFFLINE,
      dataset: fromCsv(endless),
      first: 5,
      function: ({ inputs }) => inputs['question'],
      evaluators: [exactMatch()],
    })
    expect(result.counts.total).toBe(5)
    expect(produced).toBeLessThan(200_000)
  })

  test('names what is wrong', async ({ folder }) => {
    await expect(listOf(fromCsv(Readable.from(['a,b\n1,2,3\n'])))).rejects.toThrow(/The stream cannot be read as CSV.*line 2/)
    await expect(listOf(fromCsv(join(folder, 'none.csv')))).rejects.toThrow(/none\.csv cannot be read: .*ENOENT/)
    const result = await evaluate({ ...OFFLINE, dataset: fromCsv(Readable.from(['a\n1\n2,3\n'])), function: () => 1 })
    expect(result).toMatchObject({ passed: false, status: 'failed' })
  })
})

describe('fromJsonl', () => {
  test('reads one value from each line and names the line that is none', async ({ folder }) => {
    const file = join(folder, 'rows.jsonl')
    await writeFile(file, '\ufeff{"inputs":{"q":1}}\r\n\n{"inputs":{"q":2}}')
    expect(await listOf(fromJsonl(file))).toEqual([{ inputs: { q: 1 } }, { inputs: { q: 2 } }])
    await expect(listOf(fromJsonl(Readable.from(['{}\n{"a"\n'])))).rejects.toThrow('The stream, line 2 is no JSON')
    await expect(listOf(fromJsonl(join(folder, 'none.jsonl')))).rejects.toThrow(/none\.jsonl cannot be read: .*ENOENT/)
  })

  test('keeps the line and paragraph separators that JSON holds as they are', async ({ folder }) => {
    const file = join(folder, 'rows.jsonl')
    const rows = [{ inputs: { q: 'one\u2028two\u2029three' } }, { inputs: { q: 'é 東京 😀' } }]
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\r\n`).join(''))
    expect(await listOf(fromJsonl(file))).toEqual(rows)
    const bytes = Array.from(Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')), (byte) => Buffer.of(byte))
    expect(await listOf(fromJsonl(Readable.from(bytes)))).toEqual(rows)
  })
})

describe('columns of a CSV file', () => {
  const read = (text: string) => listOf(fromCsv(Readable.from([text])))

  test('have names of their own', async () => {
    await expect(read('id,score,answer,score\n1,2,3,4\n')).rejects.toThrow(
      'The stream cannot be read as CSV: Error: columns 2 and 4 are both named "score". Give each column a name of its own.',
    )
    await expect(read('a,b,,\n1,2,,\n3,4,5,\n')).rejects.toThrow('row 2 has a value in a column without a name.')
    expect(await read('a,b,,\n1,2,,\n')).toEqual([{ inputs: { a: '1', b: '2', '': '' } }])
    expect(await read('a,\n1,2\n')).toEqual([{ inputs: { a: '1', '': '2' } }])
  })

  test('are parted as an option says that exists', () => {
    expect(() => fromCsv('a.csv', { delimeter: ';' } as object)).toThrow('Did you mean "delimiter"?')
    expect(() => fromCsv('a.csv', { separator: ';' } as object)).toThrow('Use "delimiter".')
    expect(() => fromCsv('a.csv', { delimiter: '', toRow: 5 } as never)).toThrow(/fromCsv: 2 invalid settings/)
  })

  test('of UTF-16, as spreadsheets save text, are read', async () => {
    const bytes = Buffer.from('\ufeffcity;country\nZürich;東\n', 'utf16le')
    const parts = [bytes.subarray(0, 7), bytes.subarray(7)]
    expect(await listOf(fromCsv(Readable.from(parts), { delimiter: ';' }))).toEqual([{ inputs: { city: 'Zürich', country: '東' } }])
  })
})

const READERS: readonly (readonly [string, (source: string | Readable) => AsyncIterable<unknown>])[] = [
  ['fromCsv', (source) => fromCsv(source)],
  ['fromJsonl', (source) => fromJsonl(source)],
]

describe.each(READERS)('%s', (_, read) => {
  test('does not wait for a stream that was closed before its end', async () => {
    const closed = new Readable({ read: () => undefined })
    closed.destroy()
    await expect(listOf(read(closed))).rejects.toThrow('The stream cannot be read: it was closed before its end.')
    const closing = new Readable({ read: () => undefined })
    closing.push('"a"\n')
    setImmediate(() => closing.destroy())
    await expect(listOf(read(closing))).rejects.toThrow('The stream cannot be read: it was closed before its end.')
    const failing = new Readable({ read: () => undefined })
    setImmediate(() => failing.destroy(new Error('unplugged')))
    await expect(listOf(read(failing))).rejects.toThrow('The stream cannot be read: Error: unplugged')
  })

  test('refuses bytes that are no UTF-8 instead of replacing them', async ({ folder }) => {
    const file = join(folder, 'latin1')
    await writeFile(file, Buffer.from('"city"\n"Zürich"\n', 'latin1'))
    await expect(listOf(read(file))).rejects.toThrow(/latin1, line 2 is not UTF-8: byte 0xfc at offset 9\. Save the file as UTF-8/)
  })
})

describe('fromAutoevals', () => {
  test('takes scorers of the real package, and the verdict of a judge with its reason', async () => {
    const asked: string[] = []
    // The paid model behind the judge.
    const client = {
      chat: {
        completions: {
          create: async ({ messages }: { messages: { content: string }[] }) => {
            asked.push(messages.map(({ content }) => content).join('\n'))
            const call = {
              id: '1',
              type: 'function',
              function: { name: 'select_choice', arguments: JSON.stringify({ reasons: 'it is the capital', choice: 'Y' }) },
            }
            return { choices: [{ message: { role: 'assistant', tool_calls: [call] } }] }
          },
        },
      },
    }
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: 'Capital of France?', groundTruth: 'Paris' }],
      function: () => 'Paris!',
      evaluators: [
        fromAutoevals(Levenshtein, { threshold: 0.5 }),
        fromAutoevals(ExactMatch, { name: 'exact' }),
        fromAutoevals(ClosedQA, { name: 'closed', settings: { client, model: 'gpt-4o', criteria: 'Is it right?', useCoT: true } }),
      ],
    })
    expect(result.rows[0]?.evaluatorErrors).toEqual({})
    expect(result.rows[0]?.metrics).toMatchObject({
      Levenshtein: expect.closeTo(5 / 6, 9),
      exact: 0,
      closed: 1,
      closed_explanation: 'it is the capital',
      closed_choice: 'Y',
    })
    expect(asked[0]).toContain('Capital of France?')
  })

  test('an error of the scorer is one of the evaluator, and no score is none', async () => {
    const run = (score: object) =>
      evaluate({
        ...OFFLINE,
        dataset: [{ inputs: {} }],
        function: () => 'x',
        evaluators: [fromAutoevals(async () => ({ name: 'made', ...score }), { name: 'made' })],
      })
    expect((await run({ score: null, error: 'no model' })).rows[0]?.evaluatorErrors).toEqual({ made: 'Error: no model' })
    expect((await run({ score: null })).counts.evaluatorErrors).toBe(0)
  })
})
