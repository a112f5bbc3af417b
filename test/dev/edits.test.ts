import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, onTestFinished } from 'vitest'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { fromCsv, fromJsonl } from '../../src/experiments/index.js'
import { openStore } from '../../src/dev/store/store.js'
import { applyRetention } from '../../src/dev/store/retention.js'
import { TRASH_MS } from '../../src/dev/store/trash.js'
import { call, KEY, newId, sendSpans, type SpanInput, test } from './fixtures.js'

const SESSION = '00000000-0000-4000-8000-0000000000aa'
const OTHER = '00000000-0000-4000-8000-0000000000bb'
const EVENT = '00000000-0000-4000-8000-0000000000ee'

const makeFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hh-edits-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'dev.db')
}

const toSpan = (name: string, attributes: SpanInput['attributes'] = {}, more: Partial<SpanInput> = {}): SpanInput => ({
  name,
  attributes: { 'honeyhive.session_id': SESSION, 'honeyhive.session_auto_create': true, ...attributes },
  ...more,
})
const MODEL = toSpan(
  'ask',
  {
    honeyhive_event_id: EVENT,
    honeyhive_event_type: 'model',
    'honeyhive_inputs.question': 'How many "seats"?\nTell me.',
    'honeyhive_outputs.answer': 'Ten Plätze',
    'gen_ai.usage.input_tokens': 3,
    'gen_ai.usage.output_tokens': 4,
    'honeyhive_metadata.customer': 'Zoë',
  },
  { traceId: newId(16), spanId: newId(8) },
)

const projectOf = (server: DevServer): string => String(server.projects()[0]?.id)
const ask = async (server: DevServer, method: string, path: string, body?: unknown) =>
  call(server, method, `/api${path}${path.includes('?') ? '&' : '?'}project=${projectOf(server)}`, body)
const annotate = (server: DevServer, annotation: unknown, id = EVENT) => ask(server, 'POST', `/events/${id}/annotation`, annotation)
const readEvent = async (server: DevServer): Promise<Record<string, unknown>> =>
  ((await call(server, 'GET', `/v1/events/${EVENT}`)).body as { event: Record<string, unknown> }).event

describe('an annotation', () => {
  test('is what every reader of the event sees: feedback and metrics', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const before = server.sessions()[0]
    expect(before?.hasFeedback).toBe(false)
    expect((await annotate(server, { thumbsUp: false, note: 'wrong plan', scores: { helpful: 0.25, safe: true } })).status).toBe(200)
    expect(await readEvent(server)).toMatchObject({
      feedback: { thumbs_up: false, note: 'wrong plan' },
      metrics: { helpful: 0.25, safe: true },
      inputs: { question: 'How many "seats"?\nTell me.' },
    })
    expect((await ask(server, 'GET', `/events/${EVENT}`)).body).toMatchObject({
      feedback: { thumbs_up: false },
      metrics: { helpful: 0.25 },
    })
    expect(server.sessions()[0]).toEqual({ ...before, hasFeedback: true })
  })

  test('changes only what it names, and is taken back by null', async ({ server }) => {
    await sendSpans(server, [MODEL])
    await annotate(server, { thumbsUp: true, note: 'fine', scores: { helpful: 1 } })
    await annotate(server, { thumbsUp: null })
    expect(await readEvent(server)).toMatchObject({ feedback: { thumbs_up: null, note: 'fine' }, metrics: { helpful: 1 } })
    expect(server.sessions()[0]?.hasFeedback).toBe(true)
    await annotate(server, { note: '', scores: { helpful: null } })
    expect(await readEvent(server)).toMatchObject({ feedback: { thumbs_up: null, note: null }, metrics: { helpful: null } })
    expect(server.sessions()[0]?.hasFeedback, 'nothing is left of it').toBe(false)
  })

  test('outlives the event being sent again, a restart, and export and import', async () => {
    const database = makeFile()
    const start = () => startDevServer({ port: 0, database })
    const first = await start()
    await sendSpans(first, [MODEL])
    await annotate(first, { thumbsUp: true, note: 'fine', scores: { helpful: 1 } })
    await sendSpans(first, [MODEL])
    await first.close()
    const second = await start()
    onTestFinished(() => second.close())
    const expected = { feedback: { thumbs_up: true, note: 'fine' }, metrics: { helpful: 1 } }
    expect(await readEvent(second)).toMatchObject(expected)
    const copy = await startDevServer({ port: 0, database: ':memory:' })
    onTestFinished(() => copy.close())
    const lines = (await (await fetch(`${second.url}/api/export`)).text()).trim().split('\n')
    for (const line of lines) expect((await call(copy, 'POST', '/v1/traces', line)).status).toBe(200)
    expect(await readEvent(copy)).toMatchObject(expected)
    expect(copy.sessions()[0]?.hasFeedback).toBe(true)
  })

  test('of the record of a session counts for the session', async ({ server }) => {
    await call(server, 'POST', '/session/start', { session: { session_id: SESSION, session_name: 'chat' } })
    expect((await annotate(server, { note: 'good talk' }, SESSION)).status).toBe(200)
    expect(server.sessions()[0]).toMatchObject({ hasFeedback: true, events: 0 })
  })

  test.for([
    ['a thumb that is a word', { thumbsUp: 'yes' }, 400],
    ['a note that is a number', { note: 5 }, 400],
    ['a note too long', { note: 'x'.repeat(10_001) }, 400],
    ['scores that are a list', { scores: [1] }, 400],
    ['a score that is text', { scores: { helpful: 'very' } }, 400],
    ['a score without a name', { scores: { ' ': 1 } }, 400],
    ['no object', [1], 400],
  ] as const)('of %s is refused', async ([, annotation, status], { server }) => {
    await sendSpans(server, [MODEL])
    const before = await readEvent(server)
    expect((await annotate(server, annotation)).status).toBe(status)
    expect(await readEvent(server)).toEqual(before)
  })

  test('of an event that is not there, or of another project, is 404; without a project 400', async ({ server }) => {
    await sendSpans(server, [MODEL])
    await call(server, 'POST', '/v1/events', { event_type: 'tool', event_name: 'x' }, 'the-key-of-somebody-else')
    const other = server.projects().find(({ id }) => id !== server.sessions().find(({ id: one }) => one === SESSION)?.projectId)
    expect((await annotate(server, { thumbsUp: true }, OTHER)).status).toBe(404)
    expect((await call(server, 'POST', `/api/events/${EVENT}/annotation?project=${other?.id}`, { thumbsUp: true })).status).toBe(404)
    expect((await call(server, 'POST', `/api/events/${EVENT}/annotation`, { thumbsUp: true })).status).toBe(400)
    expect((await call(server, 'POST', `/api/events/${EVENT}/annotation?project=none`, { thumbsUp: true })).status).toBe(404)
  })

  test('is not taken from another site', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const url = `${server.url}/api/events/${EVENT}/annotation?project=${projectOf(server)}`
    const send = (headers: Record<string, string>, method = 'POST') =>
      fetch(url, { method, headers: { 'content-type': 'application/json', ...headers }, body: '{"thumbsUp":true}' })
    expect((await send({ origin: 'http://evil.example' })).status).toBe(403)
    expect((await send({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await send({ 'content-type': 'text/plain' })).status, 'what a form can send').toBe(415)
    expect((await readEvent(server)).feedback).toEqual({})
  })
})

describe('a data set', () => {
  test('takes events of the page as rows, and REST and experiments read them', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const added = (
      await ask(server, 'POST', '/datapoints', {
        dataset: { name: 'seats' },
        points: [{ inputs: { question: 'How many?' }, groundTruth: { answer: 'ten' }, eventId: EVENT }],
      })
    ).body as { datasetId: string; ids: string[] }
    await ask(server, 'POST', '/datapoints', {
      dataset: { id: added.datasetId },
      points: [{ inputs: { question: 'Why, "x"?' }, groundTruth: 7 }],
    })
    expect((await ask(server, 'GET', '/datasets')).body).toMatchObject({ datasets: [{ id: added.datasetId, name: 'seats', rows: 2 }] })
    expect((await ask(server, 'GET', `/datasets/${added.datasetId}`)).body).toMatchObject({
      dataset: { name: 'seats' },
      points: [
        { id: added.ids[0], inputs: { question: 'How many?' }, groundTruth: { answer: 'ten' }, eventId: EVENT },
        { inputs: { question: 'Why, "x"?' }, groundTruth: { value: 7 }, eventId: null },
      ],
    })
    expect((await call(server, 'GET', `/v1/datapoints/${added.ids[0]}`)).body).toMatchObject({
      datapoint: [{ inputs: { question: 'How many?' }, ground_truth: { answer: 'ten' }, linked_event: EVENT }],
    })
    expect((await call(server, 'GET', '/v1/datasets')).body).toMatchObject({
      datasets: [{ name: 'seats', datapoints: [added.ids[0], {}] }],
    })
    const file = async (format: string) =>
      (await fetch(`${server.url}/api/datasets/${added.datasetId}/export?format=${format}&project=${projectOf(server)}`)).body
    const rows = async (source: AsyncIterable<unknown>): Promise<unknown[]> => {
      const all: unknown[] = []
      for await (const row of source) all.push(row)
      return all
    }
    const { Readable } = await import('node:stream')
    const toReadable = (body: unknown) => Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
    expect(await rows(fromJsonl(toReadable(await file('jsonl'))))).toEqual([
      { id: added.ids[0], inputs: { question: 'How many?' }, groundTruth: { answer: 'ten' } },
      expect.objectContaining({ inputs: { question: 'Why, "x"?' }, groundTruth: { value: 7 } }),
    ])
    expect(await rows(fromCsv(toReadable(await file('csv'))))).toEqual([
      { id: added.ids[0], inputs: { question: 'How many?' }, groundTruth: '{"answer":"ten"}' },
      expect.objectContaining({ inputs: { question: 'Why, "x"?' } }),
    ])
  })

  test('loses a row again, and refuses what is none', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const add = (body: unknown) => ask(server, 'POST', '/datapoints', body)
    const { datasetId, ids } = (await add({ dataset: { name: 'x' }, points: [{ inputs: {} }] })).body as {
      datasetId: string
      ids: string[]
    }
    expect((await ask(server, 'DELETE', `/datapoints/${ids[0]}`)).status).toBe(200)
    expect((await ask(server, 'GET', `/datasets/${datasetId}`)).body).toMatchObject({ dataset: { rows: 0 }, points: [] })
    expect((await ask(server, 'DELETE', `/datapoints/${ids[0]}`)).status).toBe(404)
    for (const [body, status] of [
      [{ dataset: { id: OTHER }, points: [{ inputs: {} }] }, 404],
      [{ dataset: { name: ' ' }, points: [{ inputs: {} }] }, 400],
      [{ points: [{ inputs: {} }] }, 400],
      [{ dataset: { name: 'y' }, points: [] }, 400],
      [{ dataset: { name: 'y' }, points: [{ inputs: 'text' }] }, 400],
      [{ dataset: { name: 'y' }, points: ['text'] }, 400],
    ] as const)
      expect((await add(body)).status, JSON.stringify(body)).toBe(status)
    expect((await ask(server, 'GET', '/datasets')).body, 'a refused request makes no data set').toMatchObject({ datasets: [{ name: 'x' }] })
  })

  test('takes the rows of many readers at once', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const first = (await ask(server, 'POST', '/datapoints', { dataset: { name: 'x' }, points: [{ inputs: {} }] })).body as {
      datasetId: string
    }
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        ask(server, 'POST', '/datapoints', { dataset: { id: first.datasetId }, points: [{ inputs: { n } }] }),
      ),
    )
    expect((await ask(server, 'GET', '/datasets')).body).toMatchObject({ datasets: [{ rows: 41 }] })
  })
})

describe('a deleted session', () => {
  const readAll = (server: DevServer) => ({
    sessions: server.sessions(),
    events: server.events(),
    tree: server.tree(SESSION),
    projects: server.projects().map(({ sessions, events }) => [sessions, events]),
  })
  const LINKED = toSpan('work', { honeyhive_error: 'boom' }, { traceId: String(MODEL.traceId), parentSpanId: String(MODEL.spanId) })

  test('is gone for every reader, and comes back as it was', async ({ server }) => {
    await sendSpans(server, [MODEL, LINKED], { resource: { 'process.pid': 7, 'host.name': 'h' } })
    await sendSpans(server, [
      {
        name: 'other',
        attributes: { 'honeyhive.session_id': OTHER },
        links: [{ traceId: String(MODEL.traceId), spanId: String(MODEL.spanId) }],
      },
    ])
    const before = readAll(server)
    const exported = await (await fetch(`${server.url}/api/export`)).text()
    expect((await ask(server, 'DELETE', `/sessions/${SESSION}`)).status).toBe(200)
    expect(server.sessions().map(({ id }) => id)).toEqual([OTHER])
    expect(server.events().map(({ name }) => name)).toEqual(['other'])
    for (const path of [
      `/session/${SESSION}`,
      `/v1/events/${EVENT}`,
      `/api/sessions/${SESSION}`,
      `/api/events/${EVENT}`,
      `/api/sessions/${SESSION}/conversation`,
    ])
      expect((await call(server, 'GET', path)).status, path).toBe(404)
    expect((await call(server, 'GET', '/api/sessions')).body).toMatchObject({ sessions: [{ id: OTHER }] })
    expect((await call(server, 'GET', '/api/sessions?q=seats')).body).toMatchObject({ sessions: [] })
    expect((await call(server, 'POST', '/v1/events/export', { filters: [] })).body).toMatchObject({ events: [{ event_name: 'other' }] })
    const { processes } = (await call(server, 'GET', '/api/processes')).body as { processes: { id: string }[] }
    expect((await call(server, 'GET', `/api/processes/${processes[0]?.id}`)).body).toMatchObject({ lanes: [] })
    expect(server.events()[0]?.linked).toMatchObject([{ event: null }])
    expect(await (await fetch(`${server.url}/api/export`)).text()).not.toContain('seats')
    expect((await ask(server, 'POST', `/sessions/${SESSION}/restore`)).status).toBe(200)
    expect(readAll(server)).toEqual(before)
    expect(await (await fetch(`${server.url}/api/export`)).text()).toBe(exported)
    expect((await ask(server, 'POST', `/sessions/${SESSION}/restore`)).status, 'only what is deleted comes back').toBe(404)
  })

  test('may get new events meanwhile, or the same again: nothing counts twice', async ({ server }) => {
    await sendSpans(server, [MODEL, LINKED])
    const before = server.sessions()[0]
    await ask(server, 'DELETE', `/sessions/${SESSION}`)
    await sendSpans(server, [MODEL, toSpan('late')])
    expect(server.events().map(({ name }) => name)).toEqual(expect.arrayContaining(['ask', 'late']))
    expect(server.sessions()[0]?.errors).toBe(0)
    await ask(server, 'POST', `/sessions/${SESSION}/restore`)
    expect(
      server
        .events()
        .filter(({ type }) => type !== 'session')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['ask', 'late', 'work'])
    expect(server.sessions()[0]).toMatchObject({ ...before, events: 3, errors: 1, totalTokens: 7 })
  })

  test('of many events goes and comes in steps, while others are answered', async ({ server }) => {
    const spans = Array.from({ length: 5_000 }, (_, n) => toSpan(`step ${n}`))
    await sendSpans(server, spans)
    let answered = 0
    let isDone = false
    const asking = (async () => {
      while (!isDone) {
        if ((await call(server, 'GET', '/api/projects')).status === 200) answered++
      }
    })()
    await ask(server, 'DELETE', `/sessions/${SESSION}`)
    expect(server.events()).toEqual([])
    await ask(server, 'POST', `/sessions/${SESSION}/restore`)
    isDone = true
    await asking
    expect(server.sessions()[0]?.events).toBe(5_000)
    expect(answered).toBeGreaterThan(1)
  })

  test('is forgotten after an hour, an interrupted deletion is finished, and other sessions stay', async () => {
    const file = makeFile()
    const server = await startDevServer({ port: 0, database: file })
    await sendSpans(server, [MODEL, LINKED])
    await sendSpans(server, [{ name: 'other', attributes: { 'honeyhive.session_id': OTHER } }])
    await ask(server, 'DELETE', `/sessions/${SESSION}`)
    await server.close()
    const atMs = async (nowMs: number): Promise<{ keys: number; trash: number; sessions: number }> => {
      const store = await openStore(file, { now: () => nowMs })
      while (await store.change((tx) => applyRetention(tx, {}))) {
        // One step after another.
      }
      const count = (table: string): number => Number(store.get(`SELECT count(*) AS count FROM ${table}`)?.count)
      const found = { keys: count('bodies'), trash: count('trash'), sessions: count('sessions') }
      await store.close()
      return found
    }
    const before = await atMs(Date.now())
    expect(before).toMatchObject({ trash: 1, sessions: 2 })
    const store = await openStore(file)
    // As if the process had ended between two steps.
    await store.change((tx) => {
      tx.run('UPDATE trash SET up_to = (SELECT max(key) FROM events WHERE session_id = ?)', SESSION)
      tx.run('UPDATE events SET project_id = -project_id WHERE key = (SELECT max(key) FROM events WHERE session_id = ?)', SESSION)
    })
    await store.close()
    expect(await atMs(Date.now())).toEqual(before)
    expect(await atMs(Date.now() + TRASH_MS + 60_000)).toEqual({ keys: 1, trash: 0, sessions: 1 })
  })

  test('that is none, or of another project, is 404', async ({ server }) => {
    await sendSpans(server, [MODEL])
    expect((await ask(server, 'DELETE', `/sessions/${OTHER}`)).status).toBe(404)
    expect((await ask(server, 'POST', `/sessions/${OTHER}/restore`)).status).toBe(404)
    expect((await call(server, 'DELETE', `/api/sessions/${SESSION}`)).status).toBe(400)
  })

  test('is told to open pages', async ({ server }) => {
    await sendSpans(server, [MODEL])
    const stream = await fetch(`${server.url}/api/live`)
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    onTestFinished(() => void reader?.cancel())
    await ask(server, 'DELETE', `/sessions/${SESSION}`)
    let text = ''
    while (!text.includes('"kind":"gone"')) text += (await reader?.read())?.value ?? ''
    expect(text).toContain(SESSION)
  })
})

describe('a deleted run', () => {
  const RUN = '00000000-0000-4000-8000-00000000000f'

  test('is gone for every reader, comes back, and makes room for a new one of its id', async ({ server }) => {
    await call(server, 'POST', '/v1/runs', { run_id: RUN, name: 'first', status: 'completed', event_ids: [] })
    await sendSpans(server, [MODEL])
    expect((await ask(server, 'DELETE', `/runs/${RUN}`)).status).toBe(200)
    expect((await call(server, 'GET', `/v1/runs/${RUN}`)).status).toBe(404)
    expect((await call(server, 'GET', '/v1/runs')).body).toMatchObject({ evaluations: [] })
    expect((await call(server, 'GET', '/api/runs')).body).toEqual({ runs: [] })
    expect((await call(server, 'GET', `/api/runs/${RUN}`)).status).toBe(404)
    expect((await ask(server, 'POST', `/runs/${RUN}/restore`)).status).toBe(200)
    expect((await call(server, 'GET', '/api/runs')).body).toMatchObject({ runs: [{ id: RUN, name: 'first' }] })
    await ask(server, 'DELETE', `/runs/${RUN}`)
    expect((await call(server, 'POST', '/v1/runs', { run_id: RUN, name: 'second', status: 'completed', event_ids: [] })).status).toBe(200)
    expect((await call(server, 'GET', '/api/runs')).body).toMatchObject({ runs: [{ id: RUN, name: 'second' }] })
    expect((await ask(server, 'POST', `/runs/${RUN}/restore`)).status).toBe(404)
  })
})

describe('search in a session', () => {
  test.for([
    ['what went in', 'many "SEATS"', 'inputs'],
    ['over a line end', 'seats"?\nTell', 'inputs'],
    ['what came out, in any case of any script', 'TEN PLÄTZE', 'outputs'],
    ['what stands beside it', 'zoë', 'metadata'],
  ] as const)('finds %s', async ([, q, where], { server }) => {
    await sendSpans(server, [MODEL, toSpan('unrelated')])
    await sendSpans(server, [{ name: 'elsewhere', attributes: { 'honeyhive.session_id': OTHER, 'honeyhive_inputs.q': q } }])
    const { matches } = (await ask(server, 'GET', `/sessions/${SESSION}/search?q=${encodeURIComponent(q)}`)).body as {
      matches: { id: string; where: string; text: string }[]
    }
    expect(matches.map(({ id, where: place }) => [id, place])).toEqual([[EVENT, where]])
    expect(matches[0]?.text.toLowerCase()).toBe(q.replace('\n', ' ').toLowerCase())
  })

  test('finds nothing for nothing, and is 404 in a session that is not there', async ({ server }) => {
    await sendSpans(server, [MODEL])
    for (const q of ['', ' ', 'no such text', '%', 'user_properties', '{'.repeat(400)])
      expect((await ask(server, 'GET', `/sessions/${SESSION}/search?q=${encodeURIComponent(q)}`)).body, q).toEqual({ matches: [] })
    expect((await ask(server, 'GET', `/sessions/${OTHER}/search?q=x`)).status).toBe(404)
  })
})

describe('an export', () => {
  const fetchFile = async (server: DevServer, path: string) => {
    const reply = await fetch(`${server.url}/api${path}`)
    return {
      type: reply.headers.get('content-type'),
      name: reply.headers.get('content-disposition'),
      text: await reply.text(),
      status: reply.status,
    }
  }

  test('has the same events in every form', async ({ server }) => {
    await sendSpans(server, [MODEL, toSpan('=SUM(A1:A9)', { 'honeyhive_inputs.a': 'x,y\n"z"' })])
    const json = await fetchFile(server, `/export?format=json&session=${SESSION}`)
    const events = JSON.parse(json.text) as Record<string, unknown>[]
    expect(json).toMatchObject({ type: 'application/json; charset=utf-8', name: 'attachment; filename="session-00000000.json"' })
    expect(events.map((event) => event.event_name)).toEqual(expect.arrayContaining(['ask', '=SUM(A1:A9)']))
    const jsonl = await fetchFile(server, `/export?format=jsonl&session=${SESSION}`)
    expect(
      jsonl.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(events)
    const csv = await fetchFile(server, `/export?format=csv&session=${SESSION}`)
    const rows = parse(csv.text, { columns: true }) as Record<string, string>[]
    expect(csv.type).toBe('text/csv; charset=utf-8')
    expect(rows.map(({ event_id: id }) => id)).toEqual(events.map((event) => event.event_id))
    const row = rows.find(({ event_id: id }) => id === EVENT)
    const event = events.find((one) => one.event_id === EVENT)
    expect(row).toMatchObject({ event_name: 'ask', inputs: JSON.stringify(event?.inputs), duration: String(event?.duration), error: '' })
    expect(
      rows.map(({ event_name: name }) => name),
      'no spreadsheet computes what a stranger wrote',
    ).toContain("'=SUM(A1:A9)")
    expect((await fetchFile(server, `/export?session=${SESSION}`)).text).toContain('"resourceSpans"')
    expect((await fetchFile(server, '/export?format=xml')).status).toBe(400)
  })

  test('of nothing is an empty file of its form', async ({ server }) => {
    const texts = await Promise.all(['otlp', 'json', 'jsonl'].map(async (form) => (await fetchFile(server, `/export?format=${form}`)).text))
    expect(texts).toEqual(['', '[]\n', ''])
    expect((await fetchFile(server, '/export?format=csv')).text.trim().split(',')).toContain('event_id')
  })

  test('of a run has a column for each metric', async ({ server }) => {
    const run = '00000000-0000-4000-8000-00000000000f'
    await call(server, 'POST', '/v1/runs', { run_id: run, name: 'r', status: 'completed', event_ids: [] })
    const row = (session: string, datapoint: string, metrics: Record<string, number>): SpanInput => ({
      attributes: {
        'honeyhive.session_id': session,
        honeyhive_event_type: 'chain',
        'honeyhive_metadata.run_id': run,
        'honeyhive_metadata.datapoint_id': datapoint,
        ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`honeyhive_metrics.${name}`, value])),
      },
    })
    await sendSpans(server, [row(SESSION, 'a', { accuracy: 1 }), row(OTHER, 'b', { accuracy: 0.5, cost: 3 })])
    const csv = await fetchFile(server, `/runs/${run}/export?format=csv`)
    const rows = parse(csv.text, { columns: true }) as Record<string, string>[]
    expect(rows.map((one) => [one.datapoint_id, one.accuracy, one['metrics.cost']])).toEqual([
      ['a', '1', ''],
      ['b', '0.5', '3'],
    ])
    const json = JSON.parse((await fetchFile(server, `/runs/${run}/export?format=json`)).text) as unknown[]
    expect(json).toMatchObject([{ datapoint_id: 'a', metrics: { accuracy: 1 } }, { metrics: { accuracy: 0.5, cost: 3 } }])
    expect((await fetchFile(server, `/runs/${run}/export?format=otlp`)).status).toBe(400)
  })
})

test('the key of a program is not asked for: the page may judge what any of them sent', async ({ server }) => {
  await sendSpans(server, [MODEL])
  expect(
    (await call(server, 'POST', `/api/events/${EVENT}/annotation?project=${projectOf(server)}`, { thumbsUp: true }, null)).status,
  ).toBe(200)
  expect(((await call(server, 'GET', `/v1/events/${EVENT}`, undefined, KEY)).body as { event: object }).event).toMatchObject({
    feedback: { thumbs_up: true },
  })
})
