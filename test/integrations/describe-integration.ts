import { describe, expect, test } from 'vitest'
import { countTokens } from './count-tokens.js'
import { countTypes, hasFeature, toEvents } from './features.js'
import { type Ours, type Plain, readOurs, readPlain, requestOf } from './outcomes.js'
import { findLeaks, findOrphans } from './requests.js'
import { type Case, CHAT_FEATURES, type Failure, type Outcome, type Row } from './row.js'
import { type Plan, runOurs, runPlain, type SeenSpan, type Servers } from './run-row.js'

/** On a span that nobody ended. */
const UNFINISHED = 'honeyhive.unfinished'

/** A row that is run when the first test asks for it. */
interface Run {
  readonly row: Row
  readonly plan: Plan
  plain(): Promise<Plain>
  ours(): Promise<Ours>
  /** Both sides with this plan, in processes of their own. */
  apart(plan: Plan): { readonly plain: Promise<Plain>; readonly ours: Promise<Ours> }
}

/** The specification of every row. */
export function describeIntegration(folder: string, row: Row, title: string, servers: () => Servers): void {
  describe.concurrent(title, () => {
    const run = createRun(folder, row, servers)
    if (row.broken !== undefined) return describeBroken(run, row.broken.how)
    describeIsolation(run)
    describeTree(run)
    for (const [kind, expected] of Object.entries(row.cases)) describeCase(run, kind, expected)
    describeTokens(run)
    for (const [failure, outcome] of Object.entries(row.failures) as [Failure, Outcome][]) describeFailure(run, failure, outcome)
    describeAnswers(run)
    describeBooks(run)
  })
}

function createRun(folder: string, row: Row, servers: () => Servers): Run {
  const failures = Object.entries(row.failures) as [Failure, Outcome][]
  const survived = failures.filter(([, outcome]) => outcome !== 'crash').map(([failure]) => failure)
  const ended = failures.filter(([, outcome]) => outcome === 'error' || outcome === 'ended').map(([failure]) => failure)
  const kinds = Object.keys(row.cases)
  const plan: Plan = { cases: [...kinds, ...survived], load: row.load ?? 200, mixed: [...kinds, ...ended] }
  const plain = async (asked: Plan): Promise<Plain> => readPlain(await runPlain(folder, row, { ...asked, load: 0 }, servers()))
  const ours = async (asked: Plan): Promise<Ours> => readOurs(await runOurs(folder, row, asked, servers()))
  return {
    row,
    plan,
    plain: once(() => plain(plan)),
    ours: once(() => ours(plan)),
    apart: (asked) => ({ plain: plain(asked), ours: ours(asked) }),
  }
}

function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= read())
}

function describeIsolation({ plan, ours }: Run): void {
  test(`keeps two tenants apart in ${plan.load} interleaved requests`, async () => {
    const { tenants, outcome } = await ours()
    expect(tenants.flatMap(({ name, requests, strays }) => findLeaks(name, requests, strays))).toEqual([])
    expect(tenants.map(({ requests }) => requests.length)).toEqual([plan.cases.length + plan.load / 2, plan.load / 2])
    expect(Object.values(outcome.spans).flatMap(findOrphans)).toEqual([])
  })
}

function describeTree({ row, plain, ours }: Run): void {
  test('gives the tree of plain OpenTelemetry', async () => {
    const [{ requests }, { tenants }] = await Promise.all([plain(), ours()])
    const expected = new Map(requests.map(({ kind, tree }) => [kind, tree]))
    const compared = tenants.flatMap((tenant) => tenant.requests).filter(({ kind }) => kind in row.cases)
    const kept = compared.filter(({ kind }) => row.cases[kind]?.treeGap === undefined)
    const different = kept.filter(({ kind, tree }) => tree !== expected.get(kind))
    expect(different.map(({ kind, marker, tree }) => ({ marker, tree, expected: expected.get(kind) }))).toEqual([])
  })
}

function describeCase({ row, ours }: Run, kind: string, { events, features, asked = /^/, lacks = {}, ...gaps }: Case): void {
  test(`says what ${kind} did`, async () => {
    const request = requestOf(await ours(), kind)
    const found = toEvents(request.spans)
    const models = found.filter(({ type, name }) => type === 'model' && asked.test(name))
    const claimed = features ?? (events.model === undefined ? [] : CHAT_FEATURES)
    const said = claimed.filter((feature) => hasFeature(feature, models, request.marker))
    const wanted = claimed.filter((feature) => !(feature in lacks))
    const shown = JSON.stringify(said) === JSON.stringify(wanted) ? [] : models.map(({ body }) => body)
    expect({ events: countTypes(found), said, models: shown }).toEqual({ events, said: wanted, models: [] })
    for (const gap of [...Object.values(lacks), gaps.gap, gaps.answerGap, gaps.treeGap]) {
      if (gap !== undefined) expect(row.gaps).toHaveProperty([gap])
    }
  })
}

/** Wrappers may repeat what the calls inside them used. */
function describeTokens({ row, ours }: Run): void {
  const counted = Object.entries(row.cases).flatMap(([kind, { tokens }]) => (tokens === undefined ? [] : [[kind, tokens] as const]))
  if (counted.length === 0) return
  test('counts the tokens of each call once', async () => {
    const requests = counted.map(async ([kind]) => [kind, await countTokens(requestOf(await ours(), kind).spans)] as const)
    expect(Object.fromEntries(await Promise.all(requests))).toEqual(Object.fromEntries(counted))
  })
}

const SAID: Readonly<Record<Outcome, string>> = {
  error: 'arrives with its error',
  ended: 'arrives as far as it went',
  open: 'its span is never ended, with plain OpenTelemetry neither',
  crash: 'the process dies, with plain OpenTelemetry too',
}

function describeFailure(run: Run, failure: Failure, outcome: Outcome): void {
  test(`${failure}: ${SAID[outcome]}`, async () => {
    if (outcome === 'open' || outcome === 'crash') expect(run.row.gaps).toHaveProperty([failure])
    if (outcome === 'crash') return expectDeath(run, { cases: [failure], load: 0, mixed: [] })
    const [control, actual] = await Promise.all([run.plain(), run.ours()])
    const { spans } = requestOf(actual, failure)
    const finished = spans.filter(({ attributes }) => attributes[UNFINISHED] !== true)
    expect(namesOf(finished)).toEqual(namesOf(requestOf(control, failure).spans))
    const [expected = 0, neverEnded = 0] = [control.outcome.open[failure], actual.outcome.open[failure]]
    expect(neverEnded).toBe(expected)
    if (outcome === 'open') {
      expect(expected).toBeGreaterThan(0)
      expect(spans.length - finished.length).toBe(expected)
      return
    }
    const failed = toEvents(spans).filter(({ error, type }) => error !== null && type !== 'tool')
    expect({ neverEnded, hasSpans: spans.length > 0, outcome: failed.length > 0 ? 'error' : 'ended' }).toEqual({
      neverEnded: 0,
      hasSpans: true,
      outcome,
    })
  })
}

const namesOf = (spans: readonly SeenSpan[]): string[] => spans.map(({ name }) => name).sort()

async function expectDeath({ apart }: Run, plan: Plan): Promise<void> {
  const { plain, ours } = apart(plan)
  const death = { status: 'rejected', reason: expect.objectContaining({ message: expect.stringContaining('Command failed') }) }
  expect(await Promise.allSettled([plain, ours])).toEqual([death, death])
}

function describeAnswers({ row, plain, ours }: Run): void {
  test('gives the application its answers', async () => {
    const known = Object.keys(row.cases).filter((kind) => row.cases[kind]?.answerGap !== undefined)
    const [control, actual] = await Promise.all([plain(), ours()])
    expect({ plain: control.unanswered, ours: actual.unanswered }).toEqual({ plain: known.sort(), ours: known })
  })
}

function describeBooks({ row, ours }: Run): void {
  test('counts every span and warns of nothing else', async () => {
    const { outcome, tenants } = await ours()
    for (const { name, total } of tenants) {
      const { started, ended, open, exported, dropped } = outcome.stats[name]
      const lost = Object.entries(dropped).filter(([, count]) => count > 0)
      expect({ sum: ended + open, exported, lost }).toEqual({ sum: started, exported: total, lost: [] })
    }
    const forgets = Object.values(row.failures).includes('open')
    expect(outcome.warnings.some((warning) => warning.includes(UNFINISHED))).toBe(forgets)
    const known = [...(row.warnings ?? []), ...(forgets ? [/honeyhive\.unfinished/] : [])]
    expect(outcome.warnings.filter((warning) => !known.some((pattern) => pattern.test(warning)))).toEqual([])
  })
}

/** A row that cannot work fails alike without us; the day it works, it fails here. */
function describeBroken(run: Run, how: 'dies' | 'nothing'): void {
  test(how === 'dies' ? 'dies where the library is loaded, without us too' : 'records nothing, without us neither', async () => {
    if (how === 'dies') return expectDeath(run, { cases: [], load: 0, mixed: [] })
    const [control, actual] = await Promise.all([run.plain(), run.ours()])
    const own = new Set(['request', 'request(get_weather)'])
    const trees = [...control.requests, ...actual.requests].map(({ tree }) => tree)
    expect(trees.filter((tree) => !own.has(tree))).toEqual([])
    expect(trees.length).toBeGreaterThan(run.plan.load)
  })
}
