import { describe, expect, test } from 'vitest'
import { evaluate, exactMatch } from '../../src/experiments/index.js'
import { toReport } from '../../src/experiments/report/model.js'
import { histogram } from '../../src/experiments/report/plots.js'
import { widthOf } from '../../src/experiments/report/width.js'
import type { ExperimentData } from '../../src/experiments/result.js'
import { createResult } from '../../src/experiments/result.js'
import { OFFLINE } from './backend.js'

const NASTY = '<script>alert("x")</script> & \u001b[31mred\u0000 ]]> | @all `code` [link](http://x)\nnext \ud800'

const makeResult = async (): Promise<ReturnType<typeof createResult>> => {
  const result = await evaluate({
    ...OFFLINE,
    name: `run ${NASTY}`,
    dataset: [
      { inputs: { q: NASTY }, groundTruth: 'ok' },
      { inputs: { q: 'fine' }, groundTruth: 'fine' },
      { inputs: { q: 'bad' }, groundTruth: 'x' },
    ],
    function: ({ inputs }) => {
      if (inputs.q === 'bad') throw new Error(NASTY)
      return inputs.q
    },
    evaluators: {
      exact: (outputs, _i, groundTruth) => outputs === groundTruth,
      length: (outputs) => ({ score: outputs.length, explanation: NASTY, words: 2 }),
    },
    thresholds: { exact: 0.9, length: { max: 1_000 } },
  })
  return createResult(result.toJSON() as unknown as ExperimentData)
}

describe('reports', () => {
  test('the table shows metrics, thresholds, rows and warnings, and no control character of the data', async () => {
    const table = (await makeResult()).toTable()
    expect(table).toMatch(/exact +0\.3333 +/)
    expect(table).toContain('FAIL  exact (average)   0.3333')
    expect(table).toContain('length_words')
    expect(table).toContain('offline')
    expect(table.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })

  test('the table lists twenty rows unless asked for more', async () => {
    const result = await evaluate({ ...OFFLINE, dataset: Array.from({ length: 30 }, (_, i) => ({ inputs: { i } })), function: () => 1 })
    expect(result.toTable()).toContain('… and 10 more')
    expect(result.toTable({ maxRows: 30, runName: 'mine' })).toMatch(/^Experiment mine\n[\s\S]*\n29 {2}/)
  })

  test('markdown keeps model output from becoming markup, mentions or table cells', async () => {
    const markdown = (await makeResult()).toMarkdown()
    expect(markdown).toContain('## ❌ run \\<script\\>')
    expect(markdown).not.toContain('<script>')
    expect(markdown).not.toMatch(/@all/)
    expect(markdown).not.toMatch(/[^\\]\[link]/)
    const cells = markdown
      .split('\n')
      .filter((line) => line.startsWith('| 0 |'))
      .map((line) => line.replaceAll('\\|', '').split('|').length)
    expect(new Set(cells).size).toBe(1)
  })

  test('JUnit is well-formed XML with a case for each row, each threshold and the verdict', async () => {
    const xml = (await makeResult()).toJUnit()
    expect(xml).toContain('tests="6" failures="3" errors="1"')
    expect(xml).toContain('&lt;script&gt;')
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]|<script/)
    expect(() => readXml(xml)).not.toThrow()
    expect(readXml(xml).filter((tag) => tag === 'testcase')).toHaveLength(6)
  })

  test('the HTML page is whole, loads nothing, runs nothing and shows data as text', async () => {
    const html = (await makeResult()).toHTML()
    expect(html).toContain("default-src 'none'")
    expect(html).not.toMatch(/<script|<img|<link|<iframe|\son\w+=|url\(|src=/i)
    expect(html.match(/https?:\/\//g)?.length ?? 0).toBe(html.match(/\(http:\/\/x\)/g)?.length ?? 0)
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)')
    expect(html.match(/<svg /g)?.length).toBeGreaterThanOrEqual(3)
    expect(html.match(/<table>/g)?.length).toBe(html.match(/<\/table>/g)?.length)
  })

  test('toJSON is plain data that survives JSON, and JSON.stringify uses it', async () => {
    const result = await makeResult()
    const text = JSON.stringify(result)
    expect(JSON.parse(text)).toMatchObject({
      format: 'honeyhive-experiment/1',
      counts: { total: 3 },
      metrics: { exact: { average: 1 / 3 } },
    })
    expect(createResult(JSON.parse(text)).toTable()).toBe(result.toTable())
  })

  test('the median, percentiles and confidence interval are in every form', async () => {
    const result = await evaluate({
      ...OFFLINE,
      seed: 5,
      dataset: Array.from({ length: 40 }, (_, i) => ({ inputs: i, groundTruth: String(i) })),
      function: ({ inputs }) => String(inputs % 4 === 0 ? 'no' : inputs),
      evaluators: [exactMatch()],
      aggregate: 'p95',
    })
    const { confidence } = result.metrics.exact_match
    expect(confidence).toMatchObject({ level: 0.95, method: 'wilson' })
    expect(confidence?.low).toBeLessThan(0.75)
    expect(confidence?.high).toBeGreaterThan(0.75)
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML()])
      expect(text).toContain(`${confidence?.low.toFixed(4).replace(/0+$/, '')}`.slice(0, 5))
    expect(result.metrics.exact_match.aggregate).toBe(1)
  })

  test('every form masks what spans mask, and the rows themselves stay whole', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: [
        { inputs: { q: 'a', password: 'hunter2-secret' }, groundTruth: 'x' },
        { inputs: { q: 'card 4111-1111', password: 'hunter2-secret' }, groundTruth: 'x' },
      ],
      function: ({ inputs }) => {
        if (inputs.q !== 'a') throw new Error(`no answer for ${inputs.q}`)
        return { text: 'fine', api_key: inputs.password }
      },
      tracerOptions: { redact: { patterns: [/\d{4}-\d{4}/] } },
    })
    expect(result.rows[0]?.inputs.password).toBe('hunter2-secret')
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML(), result.toJUnit(), JSON.stringify(result)]) {
      expect(text).toContain('no answer for card [REDACTED]'.replaceAll(/[[\]]/g, text.includes('##') ? '\\$&' : '$&'))
      expect(text).not.toMatch(/hunter2-secret|4111-1111/)
    }
  })

  test('masks texts that are scores, explanations, names and errors of the data set as well', async () => {
    const KEY = `sk-proj-${'aB3'.repeat(14)}`
    const result = await evaluate({
      ...OFFLINE,
      name: `checks ${KEY}`,
      dataset: [{ inputs: { q: 1 } }, { inputs: { q: 2 } }],
      function: ({ inputs }) => inputs.q,
      evaluators: { verdict: (output) => ({ score: `label ${output > 1 ? KEY : `${KEY}x`}`, explanation: `because of ${KEY}` }) },
      summaryEvaluators: {
        overall: () => ({ score: `of all ${KEY}`, explanation: `whole ${KEY}` }),
        broken: () => {
          throw new Error(`no reply to ${KEY}`)
        },
      },
    })
    expect(result.rows[0]?.scores.verdict).toContain(KEY)
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML(), result.toJUnit(), JSON.stringify(result)]) {
      expect(text).not.toContain(KEY)
      expect(text).toMatch(/the summary evaluator failed: Error: no reply to \\?\[REDACTED\\?\]/)
    }
    // Counted together where nothing tells them apart any more.
    expect(Object.entries(result.toJSON().metrics.verdict.categories)).toEqual([['label [REDACTED]', 2]])
  })

  test('masks names of evaluators, metrics and fields as it masks texts, and tells them apart', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: { 'me@x.test': 1, 'you@x.test': 2, deep: [{ 'me@x.test': 'q' }] }, groundTruth: { 'me@x.test': 1 } }],
      function: () => ({ 'me@x.test': 'a', byUser: { 'you@x.test': 3 } }),
      evaluators: {
        'like me@x.test': () => ({ score: 0.5, metrics: { 'words of me@x.test': 3 } }),
        'like you@x.test': () => 0.5,
        'broken me@x.test': () => {
          throw new Error('no')
        },
      },
      summaryEvaluators: { 'all me@x.test': () => 1 },
      thresholds: { 'like me@x.test': 0.9 },
      tracerOptions: { redact: { patterns: [/[\w.]+@x\.test/] } },
    })
    expect(Object.keys(result.rows[0]?.scores ?? {})).toContain('like me@x.test')
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML(), result.toJUnit(), JSON.stringify(result)]) {
      expect(text).not.toMatch(/(me|you)@x/)
      expect(text).toMatch(/like \\?\[REDACTED\\?\] 2/)
    }
    expect(result.toJSON().rows[0]?.inputs).toEqual({ '[REDACTED]': 1, '[REDACTED] 2': 2, deep: [{ '[REDACTED]': 'q' }] })
  })

  test('cuts no character in two', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: [{ inputs: { q: '😀'.repeat(2_000) } }, { inputs: { q: `a${'😀'.repeat(2_000)}` } }],
      function: ({ inputs }) => inputs.q,
    })
    for (const text of [result.toTable(), result.toMarkdown(), result.toHTML(), result.toJUnit()]) expect(/\p{Cs}/u.test(text)).toBe(false)
  })

  test('columns stay aligned when characters are wide', async () => {
    const names = ['東京', 'e\u0301te\u0301', '👩‍👩‍👧 ok', 'plain']
    const result = await evaluate({
      ...OFFLINE,
      dataset: names.map((q, i) => ({ id: `${q}`, inputs: { q }, groundTruth: i })),
      function: ({ inputs }) => inputs.q,
      evaluators: { exact: () => true },
    })
    const lines = result
      .toTable()
      .split('\n')
      .filter((line) => line.includes('EXT-'))
    expect(new Set(lines.map((line) => widthOf(line.slice(0, line.indexOf('passed'))))).size).toBe(1)
    expect(['東京', 'e\u0301te\u0301', '👩‍👩‍👧 ok', 'ＡＢ', '한글'].map(widthOf)).toEqual([4, 3, 5, 4, 4])
  })

  test('the worst rows come first, each with a link to its trace', async () => {
    const result = await evaluate({
      ...OFFLINE,
      dataset: [0.9, 0.1, 0.5, -1].map((quality) => ({ inputs: { quality } })),
      function: ({ inputs }) => {
        if (inputs.quality < 0) throw new Error('broken')
        return inputs.quality
      },
      evaluators: { quality: (outputs) => outputs },
    })
    const data = { ...result.toJSON(), traceUrl: 'https://traces.example/s/{sessionId}?a=(1)' } as unknown as ExperimentData
    const report = toReport(data)
    expect(report.rows.map(({ row }) => row.index)).toEqual([3, 1, 2, 0])
    const address = `https://traces.example/s/${data.rows[3]?.sessionId}`
    const linked = createResult(data)
    expect(linked.toHTML()).toContain(`<a href="${address}?a=(1)"`)
    expect(linked.toMarkdown()).toContain(`(${address}?a=%281%29)`)
    expect(linked.toTable()).toContain(address)
    expect(linked.toJUnit()).toContain(`<system-out>${address}`)
  })

  test('a histogram shows how often, a difference plot shows the interval', async () => {
    expect(histogram([0, 0, 1])).toMatch(/height="80\.0"><title>2 from 0/)
    const old = await evaluate({
      ...OFFLINE,
      dataset: [1, 2, 3, 4].map((inputs) => ({ inputs })),
      function: ({ inputs }) => inputs,
      evaluators: { value: (outputs) => outputs },
    })
    const now = await evaluate({
      ...OFFLINE,
      dataset: [1, 2, 3, 4].map((inputs) => ({ inputs })),
      function: ({ inputs }) => inputs + (inputs % 2),
      evaluators: { value: (outputs) => outputs },
      baseline: old,
    })
    const html = now.toHTML()
    expect(html).toContain('Change of the averages with 95% interval')
    expect(html).toMatch(/<line x1="[\d.]+" x2="[\d.]+" y1="26" y2="26"/)
  })

  test('plots of 200,000 values do not overflow the stack', () => {
    expect(histogram(Array.from({ length: 200_000 }, (_, i) => i))).toContain('200000 values')
    expect(histogram([3, 3])).toContain('<rect')
  })
})

/** Names of the opened tags; throws when one is closed that was not opened, or a bare `<` or `&` stands in the text. */
function readXml(xml: string): readonly string[] {
  const open: string[] = []
  const seen: string[] = []
  const rest = xml
    .replace(/<\?xml[^>]*\?>/, '')
    .replace(/<(\/?)([\w]+)((?:\s+\w+="[^"<]*")*)\s*(\/?)>/g, (_, close: string, name: string, _attributes, self: string) => {
      if (close !== '' && open.pop() !== name) throw new Error(`unexpected </${name}>`)
      if (close === '' && self === '') open.push(name)
      if (close === '') seen.push(name)
      return ''
    })
  if (open.length > 0 || /[<>]|&(?!(amp|lt|gt|quot|#39);)/.test(rest)) throw new Error('not well-formed')
  return seen
}
