import { describe, expect, test } from 'vitest'
import type { MappedEvent } from '../../src/dev/ingest/event-mapping.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { hasFeature, toEvents } from './features.js'
import { findLeaks, type Request, toRequests } from './requests.js'
import { CHAT_FEATURES, type Failure, type Outcome, type Row } from './row.js'
import { type OurOutcome, type PlainOutcome, type Plan, runOurs, runPlain, type SeenSpan, type Servers } from './run-row.js'

/** On a span that nobody ended. */
const UNFINISHED = 'honeyhive.unfinished'
/** Whether such spans arrive. */
const DELIVERS_UNFINISHED = false

/** The specification of every row. */
export function describeIntegration(folder: string, row: Row, title: string, servers: () => Servers): void {
  describe.concurrent(title, () => {
    const failures = Object.entries(row.failures) as [Failure, Outcome][]
    const survived = failures.filter(([, outcome]) => outcome !== 'crash').map(([failure]) => failure)
    const ended = failures.filter(([, outcome]) => outcome === 'error' || outcome === 'ended').map(([failure]) => failure)
    const plan: Plan = {
      cases: [...Object.keys(row.cases), ...survived],
      load: row.load ?? 200,
      mixed: [...Object.keys(row.cases), ...ended],
    }
    const plain = once(async () => readPlain(await runPlain(folder, row, { ...plan, load: 0 }, servers())))
    const ours = once(async () => readOurs(await runOurs(folder, row, plan, servers())))

    test(`keeps two tenants apart in ${plan.load} interleaved requests`, async () => {
      const { outcome, tenants } = await ours()
      expect(outcome.thrown).toEqual({})
      expect(tenants.flatMap(({ name, requests, strays }) => findLeaks(name, requests, strays))).toEqual([])
      expect(tenants.map(({ requests }) => requests.length)).toEqual([plan.cases.length + plan.load / 2, plan.load / 2])
    })

    test('gives the tree of plain OpenTelemetry', async () => {
      const [{ requests, outcome }, { tenants }] = await Promise.all([plain(), ours()])
      expect(outcome.thrown).toEqual({})
      const expected = new Map(requests.map(({ kind, tree }) => [kind, tree]))
      const kept = tenants
        .flatMap((tenant) => tenant.requests)
        .filter(({ kind }) => row.cases[kind]?.treeGap === undefined && kind in row.cases)
      const different = kept
        .filter(({ kind, tree }) => tree !== expected.get(kind))
        .map(({ kind, marker, tree }) => ({ kind, marker, tree, expected: expected.get(kind) }))
      expect(different).toEqual([])
    })

    for (const [kind, { events, features = CHAT_FEATURES, lacks = {} }] of Object.entries(row.cases)) {
      test(`says what ${kind} did`, async () => {
        const request = requestOf(await ours(), kind)
        const found = toEvents(request.spans)
        expect(countTypes(found)).toEqual(events)
        const models = found.filter(({ type }) => type === 'model')
        const said = Object.fromEntries(features.map((feature) => [feature, hasFeature(feature, models, request.marker)]))
        expect({ said, models: showWrong(said, lacks, models) }).toEqual({
          said: Object.fromEntries(features.map((feature) => [feature, !(feature in lacks)])),
          models: [],
        })
        for (const gap of Object.values(lacks)) expect(row.gaps).toHaveProperty([gap])
      })
    }

    for (const [failure, outcome] of failures) {
      test(`${failure}: ${SAID[outcome]}`, async () => {
        if (outcome !== 'error' && outcome !== 'ended') expect(row.gaps).toHaveProperty([failure])
        if (outcome === 'crash') return expectCrash(folder, row, failure, servers())
        const [control, actual] = await Promise.all([plain(), ours()])
        const { spans } = requestOf(actual, failure)
        const finished = spans.filter(({ attributes }) => attributes[UNFINISHED] !== true)
        expect(namesOf(finished)).toEqual(namesOf(requestOf(control, failure).spans))
        const neverEnded = [control.outcome.open[failure], actual.outcome.open[failure]]
        if (outcome !== 'open') expect({ hasSpans: spans.length > 0, neverEnded }).toEqual({ hasSpans: true, neverEnded: [0, 0] })
        else expect(neverEnded).toEqual([expect.toBeOneOf([1, 2, 3, 4, 5]), neverEnded[0]])
        if (outcome === 'open') return expect(spans.length - finished.length).toBe(DELIVERS_UNFINISHED ? neverEnded[0] : 0)
        const errors = toEvents(spans).filter(({ error, type }) => error !== null && (type === 'model' || type === 'chain'))
        expect(errors.length > 0 ? 'error' : 'ended').toBe(outcome)
      })
    }

    test('gives the application its answers', async () => {
      const known = Object.keys(row.cases).filter((kind) => row.cases[kind]?.answerGap !== undefined)
      const [{ outcome: control }, { outcome }] = await Promise.all([plain(), ours()])
      expect({ plain: [...control.unanswered].sort(), ours: [...outcome.unanswered].sort() }).toEqual({ plain: known.sort(), ours: known })
    })

    test('counts every span and warns of nothing else', async () => {
      const { outcome, tenants } = await ours()
      for (const { name, requests, strays, total } of tenants) {
        const { started, ended: finished, open, exported, dropped } = outcome.stats[name]
        expect({ sum: finished + open, exported, dropped: Object.values(dropped).filter((count) => count > 0) }).toEqual({
          sum: started,
          exported: total,
          dropped: [],
        })
      }
      expect(outcome.warnings.filter((warning) => !(row.warnings ?? []).some((known) => known.test(warning)))).toEqual([])
    })
  })
}

const SAID: Readonly<Record<Outcome, string>> = {
  error: 'arrives with its error',
  ended: 'arrives as far as it went',
  open: 'its span is never ended, with plain OpenTelemetry neither',
  crash: 'the process dies, with plain OpenTelemetry too',
}

const namesOf = (spans: readonly SeenSpan[]): string[] => spans.map(({ name }) => name).sort()

function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= read())
}

interface Plain {
  readonly outcome: PlainOutcome
  readonly requests: readonly Request<SeenSpan>[]
}

interface Ours {
  readonly outcome: OurOutcome
  readonly requests: readonly Request<DecodedSpan>[]
  readonly tenants: readonly { name: 'A' | 'B'; requests: readonly Request<DecodedSpan>[]; strays: readonly DecodedSpan[]; total: number }[]
}

const readPlain = (outcome: PlainOutcome): Plain => ({ outcome, requests: toRequests(outcome.spans).requests })

function readOurs(outcome: OurOutcome): Ours {
  const tenants = (['A', 'B'] as const).map((name) => ({ name, ...toRequests(outcome.spans[name]), total: outcome.spans[name].length }))
  return { outcome, tenants, requests: tenants.flatMap(({ requests }) => requests) }
}

/** The request that was alone. */
function requestOf<Span extends SeenSpan>({ requests }: { readonly requests: readonly Request<Span>[] }, kind: string): Request<Span> {
  const request = requests.find((candidate) => candidate.marker.endsWith(`-${kind}`))
  if (request === undefined) throw new Error(`No request of ${kind} arrived.`)
  return request
}

function countTypes(events: readonly MappedEvent[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

/** The model events, when one says less or more than the row claims: a failed comparison then shows them. */
function showWrong(said: Readonly<Record<string, boolean>>, lacks: object, models: readonly MappedEvent[]): readonly unknown[] {
  const isRight = Object.entries(said).every(([feature, has]) => has !== feature in lacks)
  return isRight ? [] : models.map(({ body }) => body)
}

async function expectCrash(folder: string, row: Row, failure: Failure, servers: Servers): Promise<void> {
  const plan = { cases: [failure], load: 0, mixed: [] }
  await expect(runPlain(folder, row, plan, servers)).rejects.toThrow()
  await expect(runOurs(folder, row, plan, servers)).rejects.toThrow()
}
