/** A made-up morning of three tenants in one process: what the page's tests show and what they send. */
import { createHash } from 'node:crypto'

export interface TrafficSpan {
  readonly key: string
  readonly parent: string | null
  readonly type: string
  readonly name: string
  readonly startMs: number
  readonly durationMs: number
  readonly error?: string
  readonly inputs?: Readonly<Record<string, unknown>>
  readonly outputs?: Readonly<Record<string, unknown>>
  readonly config?: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly metrics?: Readonly<Record<string, number | boolean | string>>
  readonly feedback?: Readonly<Record<string, unknown>>
  readonly userProperties?: Readonly<Record<string, unknown>>
  /** Key of the span of another session that this one was opened inside. */
  readonly link?: string
}
export interface TrafficSession {
  readonly id: string
  readonly project: string
  readonly name: string
  readonly source: string
  readonly startMs: number
  readonly pid: number
  readonly service: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly inputs?: Readonly<Record<string, unknown>>
  readonly outputs?: Readonly<Record<string, unknown>>
  readonly feedback?: Readonly<Record<string, unknown>>
  readonly metrics?: Readonly<Record<string, number | boolean>>
  readonly spans: readonly TrafficSpan[]
}
export interface TrafficRun {
  readonly id: string
  readonly project: string
  readonly name: string
  readonly createdMs: number
  readonly sessionIds: readonly string[]
  readonly configuration: Readonly<Record<string, unknown>>
}
export interface Traffic {
  readonly sessions: readonly TrafficSession[]
  readonly runs: readonly TrafficRun[]
}

export const PROJECTS = { support: 'acme-support', research: 'globex-research', gateway: 'platform-gateway' } as const
export const HOSTILE_NAME = '<script>window.__hit=1</script><img src=x onerror="window.__hit=2">'

/** A UUID that is always the same for a key. */
export function toUuid(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function toHex(key: string, length: number): string {
  return createHash('sha256').update(`hex ${key}`).digest('hex').slice(0, length)
}

/** Numbers that look random and are always the same. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const QUESTIONS = [
  'My invoice shows the annual plan twice. Can you refund one?',
  'How do I rotate the API key of a service account?',
  'The export to CSV stops at 10,000 rows.',
  'Which regions keep data in the EU?',
  'Single sign-on loops back to the login page since this morning.',
  'Can I move a workspace to another organisation?',
  'Why did my webhook get 429 for an hour?',
  'What does the "degraded" badge on the status page mean?',
  'Please delete the account of a former colleague.',
  'The mobile app shows yesterday’s numbers.',
  'How many seats are in the team plan?',
  'Does the audit log keep IP addresses?',
] as const
const MODELS = ['gpt-4.1-mini', 'claude-sonnet-4', 'gpt-4.1'] as const
const ANSWERS = [
  'I found two charges of $1,188 on 3 November. The second one was raised when the seat count changed; I have refunded it. It takes 3 to 5 working days to show.',
  'Open Settings, then Service accounts, choose the account and press Rotate. The old key works for another 24 hours so that you can roll it out.',
  'CSV export is cut at 10,000 rows by design. Use the Parquet export, or page through the API with `cursor`:\n\n    GET /v1/rows?limit=5000&cursor=eyJvIjo1MDAwfQ\n\nBoth keep the column order of the table.',
] as const

function supportAgent(key: string, startMs: number, random: () => number, { fails = false, turns = 1 } = {}): TrafficSpan[] {
  const question = QUESTIONS[Math.floor(random() * QUESTIONS.length)] ?? QUESTIONS[0]
  const answer = ANSWERS[Math.floor(random() * ANSWERS.length)] ?? ANSWERS[0]
  const model = MODELS[Math.floor(random() * MODELS.length)] ?? MODELS[0]
  const spans: TrafficSpan[] = []
  let at = startMs
  const spend = (ms: number): number => {
    const begun = at
    at += ms
    return begun
  }
  const add = (span: TrafficSpan): void => void spans.push(span)
  const agentStart = at + 2
  at = agentStart + 1
  const classify = 120 + random() * 200
  add(
    modelSpan(
      `${key}/classify`,
      `${key}/agent`,
      'classify intent',
      spend(classify),
      classify,
      'gpt-4.1-mini',
      random,
      [
        { role: 'system', content: 'Label the intent: billing, access, bug, other.' },
        { role: 'user', content: question },
      ],
      { role: 'assistant', content: '{"intent":"billing","confidence":0.93}' },
    ),
  )
  for (let turn = 0; turn < turns; turn++) {
    const retrieveStart = at
    const embed = 30 + random() * 60
    const rank = 40 + random() * 120
    add({
      key: `${key}/embed${turn}`,
      parent: `${key}/retrieve${turn}`,
      type: 'model',
      name: 'embed query',
      startMs: at + 1,
      durationMs: embed,
      inputs: { input: question },
      outputs: { dimensions: 1536 },
      config: { model: 'text-embedding-3-small', provider: 'openai' },
      metadata: { prompt_tokens: 18, completion_tokens: 0, total_tokens: 18, cost: 0.0000004 },
    })
    add({
      key: `${key}/search${turn}`,
      parent: `${key}/retrieve${turn}`,
      type: 'tool',
      name: 'vector search',
      startMs: at + embed + 2,
      durationMs: 25 + random() * 70,
      inputs: { index: 'help-centre', topK: 8, filter: { locale: 'en', product: ['core', 'billing'] } },
      outputs: {
        hits: [
          { id: 'kb-1042', score: 0.87, title: 'Refund a duplicate charge' },
          { id: 'kb-0311', score: 0.81, title: 'Seats and proration' },
          { id: 'kb-2210', score: 0.74, title: 'Invoices' },
        ],
      },
    })
    add({
      key: `${key}/rerank${turn}`,
      parent: `${key}/retrieve${turn}`,
      type: 'tool',
      name: 'rerank',
      startMs: at + embed + 90,
      durationMs: rank,
      inputs: { candidates: 8 },
      outputs: { kept: ['kb-1042', 'kb-0311'] },
      metrics: { ndcg: Number((0.6 + random() * 0.4).toFixed(3)) },
    })
    add({
      key: `${key}/retrieve${turn}`,
      parent: `${key}/agent`,
      type: 'chain',
      name: 'retrieve',
      startMs: retrieveStart,
      durationMs: embed + rank + 95,
      inputs: { query: question },
      outputs: { documents: 2 },
    })
    at = retrieveStart + embed + rank + 100
    const plan = 500 + random() * 900
    add(
      modelSpan(
        `${key}/plan${turn}`,
        `${key}/agent`,
        'plan',
        spend(plan),
        plan,
        model,
        random,
        [
          {
            role: 'system',
            content: 'You are the support agent of Acme. Use the tools before you answer. Never promise what a tool did not confirm.',
          },
          { role: 'user', content: question },
        ],
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            {
              id: `call_${turn}a`,
              type: 'function',
              function: { name: 'lookup_invoice', arguments: '{"customer":"cus_8841","period":"2026-11"}' },
            },
          ],
          finish_reason: 'tool_calls',
        },
      ),
    )
    const lookup = 90 + random() * 260
    const broken = fails && turn === turns - 1
    add({
      key: `${key}/invoice${turn}`,
      parent: `${key}/agent`,
      type: 'tool',
      name: 'lookup_invoice',
      startMs: spend(lookup),
      durationMs: lookup,
      inputs: { customer: 'cus_8841', period: '2026-11' },
      ...(broken
        ? {
            error:
              'BillingApiError: upstream answered 503 Service Unavailable\n    at BillingClient.get (billing/client.ts:88:13)\n    at lookupInvoice (tools/invoice.ts:31:20)\n    at async runTool (agent/loop.ts:142:18)',
          }
        : {
            outputs: {
              message: 'two invoices',
              invoices: [
                { id: 'in_1', amount: 118800, currency: 'usd', paid: true },
                { id: 'in_2', amount: 118800, currency: 'usd', paid: true, duplicateOf: 'in_1' },
              ],
            },
          }),
    })
  }
  const reply = 900 + random() * 2400
  add(
    modelSpan(
      `${key}/answer`,
      `${key}/agent`,
      'answer',
      spend(reply),
      reply,
      model,
      random,
      [
        {
          role: 'system',
          content: 'You are the support agent of Acme. Use the tools before you answer. Never promise what a tool did not confirm.',
        },
        { role: 'user', content: question },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            {
              id: 'call_0a',
              type: 'function',
              function: { name: 'lookup_invoice', arguments: '{"customer":"cus_8841","period":"2026-11"}' },
            },
          ],
        },
        {
          role: 'tool',
          tool_call_id: 'call_0a',
          content: '{"invoices":[{"id":"in_1","amount":118800},{"id":"in_2","amount":118800,"duplicateOf":"in_1"}]}',
        },
      ],
      { role: 'assistant', content: answer, finish_reason: 'stop' },
      {
        metrics: { faithfulness: Number((0.7 + random() * 0.3).toFixed(3)), answered: true },
        feedback: random() > 0.7 ? { rating: 5, comment: 'Solved it at once' } : {},
      },
    ),
  )
  add({
    key: `${key}/agent`,
    parent: null,
    type: 'chain',
    name: 'support agent',
    startMs: agentStart,
    durationMs: at - agentStart + 4,
    inputs: { question },
    outputs: { answer },
    ...(fails ? { error: 'BillingApiError: upstream answered 503 Service Unavailable' } : {}),
  })
  return spans
}

function modelSpan(
  key: string,
  parent: string,
  name: string,
  startMs: number,
  durationMs: number,
  model: string,
  random: () => number,
  messages: readonly Readonly<Record<string, unknown>>[],
  output: Readonly<Record<string, unknown>>,
  more: Partial<TrafficSpan> = {},
): TrafficSpan {
  const prompt = 180 + Math.floor(random() * 1400)
  const completion = 20 + Math.floor(random() * 420)
  return {
    key,
    parent,
    type: 'model',
    name,
    startMs,
    durationMs,
    inputs: { chat_history: messages },
    outputs: output,
    config: { model, provider: model.startsWith('claude') ? 'anthropic' : 'openai', temperature: 0.2, max_tokens: 1024 },
    metadata: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      cost: Number((prompt * 4e-7 + completion * 1.6e-6).toFixed(6)),
    },
    ...more,
  }
}

/** One session of the support agent, as it happens `startMs`. */
export function toSupportSession(
  key: string,
  startMs: number,
  options: { readonly fails?: boolean; readonly turns?: number } = {},
): TrafficSession {
  const random = createRandom(hashOf(key))
  return {
    id: toUuid(key),
    project: PROJECTS.support,
    name: `chat ${key.replace(/^\D+/, '#')}`,
    source: random() > 0.3 ? 'production' : 'staging',
    startMs,
    pid: 4711,
    service: 'assistant-api',
    metadata: { customer: random() > 0.5 ? 'northwind' : 'initech', channel: 'web' },
    spans: supportAgent(key, startMs, random, options),
    ...(random() > 0.75 ? { feedback: { rating: 4 } } : {}),
  }
}

function hashOf(key: string): number {
  return [...key].reduce((sum, char) => (sum * 33 + char.charCodeAt(0)) >>> 0, 5381)
}

/** A request that passes the gateway's tracer and opens the tenants' tracers inside it. */
function toGatewayRequest(index: number, startMs: number): readonly TrafficSession[] {
  const random = createRandom(900 + index)
  const key = `gw${index}`
  const inner = supportAgent(`gwa${index}`, startMs + 14, random, { fails: index === 2, turns: 1 + (index % 2) })
  const end = Math.max(...inner.map((span) => span.startMs + span.durationMs))
  const research = toResearch(`gwr${index}`, startMs + 60, random)
  const linked = (spans: readonly TrafficSpan[], to: string): TrafficSpan[] =>
    spans.map((span) => (span.parent === null ? { ...span, link: to } : span))
  const researchEnd = Math.max(...research.map((span) => span.startMs + span.durationMs))
  return [
    {
      id: toUuid(key),
      project: PROJECTS.gateway,
      name: `POST /v1/ask #${index}`,
      source: 'production',
      startMs,
      pid: 4711,
      service: 'assistant-api',
      metadata: { tenant: 'acme', route: '/v1/ask' },
      spans: [
        {
          key: `${key}/request`,
          parent: null,
          type: 'chain',
          name: 'POST /v1/ask',
          startMs,
          durationMs: Math.max(end, researchEnd) - startMs + 20,
          inputs: { method: 'POST', path: '/v1/ask' },
          outputs: { status: index === 2 ? 502 : 200 },
        },
        {
          key: `${key}/auth`,
          parent: `${key}/request`,
          type: 'tool',
          name: 'check key',
          startMs: startMs + 2,
          durationMs: 8,
          inputs: { key: 'redacted' },
          outputs: { tenant: 'acme' },
        },
        {
          key: `${key}/route`,
          parent: `${key}/request`,
          type: 'chain',
          name: 'dispatch to acme',
          startMs: startMs + 11,
          durationMs: end - startMs - 4,
          metadata: { tenant: 'acme' },
        },
        {
          key: `${key}/enrich`,
          parent: `${key}/request`,
          type: 'chain',
          name: 'dispatch to globex',
          startMs: startMs + 55,
          durationMs: researchEnd - startMs - 40,
          metadata: { tenant: 'globex' },
        },
      ],
    },
    {
      id: toUuid(`gwa${index}`),
      project: PROJECTS.support,
      name: `ask #${index}`,
      source: 'production',
      startMs: startMs + 14,
      pid: 4711,
      service: 'assistant-api',
      metadata: { customer: 'northwind', channel: 'api' },
      spans: linked(inner, `${key}/route`),
    },
    {
      id: toUuid(`gwr${index}`),
      project: PROJECTS.research,
      name: `brief #${index}`,
      source: 'production',
      startMs: startMs + 60,
      pid: 4711,
      service: 'assistant-api',
      spans: linked(research, `${key}/enrich`),
    },
  ]
}

function toResearch(key: string, startMs: number, random: () => number): TrafficSpan[] {
  const spans: TrafficSpan[] = []
  let at = startMs + 3
  for (let index = 0; index < 3; index++) {
    const took = 200 + random() * 700
    spans.push({
      key: `${key}/fetch${index}`,
      parent: `${key}/gather`,
      type: 'tool',
      name: ['fetch filings', 'fetch news', 'fetch prices'][index] ?? 'fetch',
      startMs: startMs + 5 + index * 6,
      durationMs: took,
      inputs: { symbol: 'ACME', days: 30 },
      outputs: { rows: Math.floor(random() * 900) },
    })
    at = Math.max(at, startMs + 5 + index * 6 + took)
  }
  spans.push({
    key: `${key}/gather`,
    parent: `${key}/brief`,
    type: 'chain',
    name: 'gather',
    startMs: startMs + 4,
    durationMs: at - startMs - 2,
  })
  const write = 1200 + random() * 1500
  spans.push(
    modelSpan(
      `${key}/write`,
      `${key}/brief`,
      'write brief',
      at + 2,
      write,
      'claude-sonnet-4',
      random,
      [{ role: 'user', content: 'Write a two-paragraph brief on ACME from the sources.' }],
      {
        role: 'assistant',
        content: 'Acme grew 14% in the quarter while support volume fell, which the company puts down to self-service billing.',
      },
    ),
  )
  spans.push({
    key: `${key}/brief`,
    parent: null,
    type: 'chain',
    name: 'research brief',
    startMs,
    durationMs: at + write - startMs + 6,
    inputs: { symbol: 'ACME' },
    outputs: { words: 212 },
  })
  return spans
}

/** A session with this many events, nested as a crawler would. */
export function toLargeSession(events: number, startMs: number): TrafficSession {
  const random = createRandom(20_000)
  const spans: TrafficSpan[] = [
    { key: 'large/crawl', parent: null, type: 'chain', name: 'crawl the archive', startMs, durationMs: events * 1.2 + 50 },
  ]
  for (let index = 0; spans.length < events; index++) {
    const at = startMs + 10 + spans.length * 1.2
    spans.push({
      key: `large/page${index}`,
      parent: 'large/crawl',
      type: 'chain',
      name: `page ${index}`,
      startMs: at,
      durationMs: 9 + random() * 14,
    })
    for (let part = 0; part < 6 && spans.length < events; part++) {
      spans.push({
        key: `large/page${index}/${part}`,
        parent: `large/page${index}`,
        type: part % 3 === 2 ? 'model' : 'tool',
        name: ['fetch', 'parse', 'summarise', 'split', 'index', 'embed'][part] ?? 'step',
        startMs: at + part * 1.1,
        durationMs: 0.6 + random() * 2,
        ...(index % 211 === 7 && part === 1 ? { error: 'ParseError: unexpected end of document' } : {}),
      })
    }
  }
  return {
    id: toUuid('large'),
    project: PROJECTS.research,
    name: 'nightly crawl',
    source: 'production',
    startMs,
    pid: 5120,
    service: 'crawler',
    spans,
  }
}

function toHostileSession(startMs: number): TrafficSession {
  return {
    id: toUuid('hostile'),
    project: PROJECTS.support,
    name: HOSTILE_NAME,
    source: '"><svg onload=window.__hit=3>',
    startMs,
    pid: 4711,
    service: 'assistant-api',
    metadata: { [HOSTILE_NAME]: HOSTILE_NAME },
    spans: [
      {
        key: 'hostile/span',
        parent: null,
        type: 'model',
        name: HOSTILE_NAME,
        startMs,
        durationMs: 800,
        error: HOSTILE_NAME,
        inputs: {
          chat_history: [
            {
              role: 'user',
              content: [
                { type: 'text', text: HOSTILE_NAME },
                { type: 'image_url', image_url: { url: 'https://example.invalid/pixel.png' } },
              ],
            },
          ],
          [HOSTILE_NAME]: 'javascript:alert(1)',
        },
        outputs: { role: 'assistant', content: HOSTILE_NAME },
        config: { model: '<b>bold</b>' },
      },
    ],
  }
}

/** The second was given up before its last rows. */
const RUNS = [
  { name: 'prompt v3, gpt-4.1-mini', base: 0.62, model: 'gpt-4.1-mini', failures: 2, rows: 40 },
  { name: 'prompt v4, gpt-4.1-mini', base: 0.7, model: 'gpt-4.1-mini', failures: 1, rows: 38 },
  { name: 'prompt v4, claude-sonnet-4', base: 0.8, model: 'claude-sonnet-4', failures: 0, rows: 40 },
] as const

function toRunTraffic(nowMs: number): { readonly sessions: TrafficSession[]; readonly runs: TrafficRun[] } {
  const sessions: TrafficSession[] = []
  const runs = RUNS.map(({ name, base, model, failures, rows }, at): TrafficRun => {
    const runId = toUuid(`run${at}`)
    const random = createRandom(77 + at)
    const createdMs = nowMs - (RUNS.length - at) * 25 * 60_000
    const sessionIds: string[] = []
    for (let row = 0; row < rows; row++) {
      const hardness = createRandom(row * 7919 + 13)()
      const score = Math.min(1, Math.max(0, base + 0.25 - hardness * 0.55 + (random() - 0.5) * 0.3))
      const id = toUuid(`run${at}/row${row}`)
      const question = QUESTIONS[row % QUESTIONS.length] ?? ''
      const fails = row % 17 === 3 && row / 17 < failures
      const startMs = createdMs + row * 900
      const datapointId = `EXT-${toHex(`row${row}`, 12)}`
      const tags = { run_id: runId, datapoint_id: datapointId, dataset_id: 'EXT-helpdesk40' }
      const metrics = { relevance: Number(score.toFixed(3)), concise: score > 0.45, citations: Math.round(score * 4) }
      const key = `run${at}/row${row}`
      const took = 500 + random() * 1900
      sessions.push({
        id,
        project: PROJECTS.support,
        name,
        source: 'evaluation',
        startMs,
        pid: 6001,
        service: 'experiments',
        metadata: tags,
        inputs: { question },
        outputs: fails ? {} : { answer: ANSWERS[Math.floor(score * 2.99)] ?? '' },
        feedback: { ground_truth: { answer: ANSWERS[row % 3] ?? '' } },
        spans: [
          modelSpan(`${key}/model`, `${key}/fn`, 'answer', startMs + 3, took - 10, model, random, [{ role: 'user', content: question }], {
            role: 'assistant',
            content: ANSWERS[row % 3] ?? '',
          }),
          {
            key: `${key}/fn`,
            parent: null,
            type: 'chain',
            name: 'answerTicket',
            startMs,
            durationMs: took,
            metadata: tags,
            inputs: { question },
            ...(fails
              ? { error: 'RateLimitError: 429 too many requests' }
              : { outputs: { answer: ANSWERS[Math.floor(score * 2.99)] ?? '' }, metrics }),
          },
        ],
      })
      sessionIds.push(id)
    }
    return {
      id: runId,
      project: PROJECTS.support,
      name,
      createdMs,
      sessionIds,
      configuration: { function: 'answerTicket', evaluators: ['relevance', 'concise', 'citations'], max_workers: 10, model },
    }
  })
  return { sessions, runs }
}

/** Everything that has happened up to `nowMs`. */
export function createTraffic(nowMs: number, { largeEvents = 0 } = {}): Traffic {
  const random = createRandom(42)
  const chats = Array.from({ length: 46 }, (_, index) =>
    toSupportSession(`chat-${1040 + index}`, nowMs - (46 - index) * (60_000 + random() * 140_000), {
      fails: index % 9 === 4,
      turns: 1 + (index % 3),
    }),
  )
  const gateway = [0, 1, 2, 3].flatMap((index) => toGatewayRequest(index, nowMs - 40_000 + index * 3_100))
  const experiment = toRunTraffic(nowMs - 30 * 60_000)
  const large = largeEvents > 0 ? [toLargeSession(largeEvents, nowMs - 3 * 3_600_000)] : []
  return { sessions: [...chats, toHostileSession(nowMs - 95_000), ...gateway, ...experiment.sessions, ...large], runs: experiment.runs }
}
