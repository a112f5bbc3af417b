import { describe, expect, test } from 'vitest'
import type { Databases, OurPhase, Outcome, Phase, PlainSpan, Question } from './run-server.js'
import { EACH, MANY, runServer } from './run-server.js'
import type { SpanReceiver } from './receiver.js'
import {
  byRoot,
  describeIds,
  expectedTree,
  findServerLeaks,
  alike,
  type OurSpan,
  ourTree,
  splitOurs,
  splitPlain,
  writeTrees,
} from './server-requests.js'
import type { ClientRow, Framework, ServerGroup, Side } from './server-row.js'

/** What the rows of servers share. */
export interface ServerRows {
  readonly databases: Databases
  readonly receiver: SpanReceiver
}

/** Each program runs once for all rows that look at what it left. */
export interface Programs {
  run<S extends Side | 'plain'>(group: ServerGroup, framework: Framework, side: S): Promise<Outcome<S>>
}

export function createPrograms(shared: () => ServerRows): Programs {
  const outcomes = new Map<string, Promise<unknown>>()
  return {
    run<S extends Side | 'plain'>(group: ServerGroup, framework: Framework, side: S) {
      const key = `${group.folder} ${framework} ${side}`
      const known = outcomes.get(key) ?? runServer(group, framework, side, shared().databases, shared().receiver)
      outcomes.set(key, known)
      return known as Promise<Outcome<S>>
    },
  }
}

const ALL: readonly Question[] = [...EACH, ...MANY]
/** Beside an SDK no span of ours is in the OpenTelemetry context that a pool of pg restores: see the first of `SERVER_GAPS`. */
const isLostBesideHost = ({ name }: { readonly name: string }): boolean => /^(pg\.|in pg$)/.test(name)

/** Fails with the first few of what is wrong. */
function expectNone(wrong: readonly unknown[]): void {
  expect({ count: wrong.length, first: wrong.slice(0, 2) }).toEqual({ count: 0, first: [] })
}

const isRight = ({ actual, expected }: { actual: unknown; expected: unknown }): boolean =>
  JSON.stringify(actual) === JSON.stringify(expected)

/** The specification of a server's row. */
export function describeServer(
  group: ServerGroup,
  framework: Framework,
  side: Side,
  title: string,
  programs: Programs,
  shared: () => ServerRows,
): void {
  describe.concurrent(title, () => {
    if (side === 'tracer') onTracer(group, framework, programs)
    else if (side === 'routing') onRouting(group, framework, programs)
    else besideHost(group, framework, side, programs)

    test('counts every span, warns of nothing and records no request of its own', async () => {
      for (const phase of Object.values(await programs.run(group, framework, side)))
        if ('stats' in phase) expectCounted(phase, shared().receiver)
    })
  })
}

function onTracer(group: ServerGroup, framework: Framework, programs: Programs): void {
  const runs = () => Promise.all([programs.run(group, framework, 'plain'), programs.run(group, framework, 'tracer')])

  test(`keeps two tenants apart in ${ALL.length} interleaved requests`, async () => {
    const [, { alone, propagating, beside }] = await runs()
    expectApart(alone, ALL)
    expectApart(propagating, EACH)
    expectApart(beside, EACH)
  })

  test('gives the trees of plain OpenTelemetry', async () => {
    const [plain, { alone, propagating, beside }] = await runs()
    expectNone(differentTrees(alone, ALL, plain.alone))
    expectNone(differentTrees(propagating, EACH, plain.propagating))
    expectNone(differentTrees(beside, EACH, plain.alone, isLostBesideHost))
  })

  test('leaves what starts before a tenant is chosen to the tracer whose provider it is, in its own session', async () => {
    const [plain, { alone }] = await runs()
    const { outside } = splitOurs(alone, ALL)
    const [expected, actual] = [splitPlain(plain.alone.spans).outside, byRoot(outside.A)]
    const compared = ALL.map((question) => ({
      question,
      actual: writeTrees(actual.get(question.marker) ?? []),
      expected: writeTrees(expected.get(alike(question, EACH).marker) ?? []),
    }))
    expectNone(compared.filter((one) => !isRight(one) || one.expected === ''))
    expect({ sessions: new Set(outside.A.map(sessionOf)).size, other: outside.B }).toEqual({ sessions: 1, other: [] })
  })

  test('log lines and outgoing headers name the span that they name there', async () => {
    const [plain, ours] = await runs()
    expectNone(differentIds(ours.alone, plain.alone))
    expectNone(differentIds(ours.propagating, plain.propagating))
  })

  test('beside an SDK of the application, its spans, log lines and headers hold nothing of ours', async () => {
    const [plain, { beside }] = await runs()
    const steps = splitPlain(plain.alone.spans).inside
    const expected = [...steps.values()].map((spans) => writeTrees(onlyOf('application', spans), (name) => `step ${name}`))
    expect(writeTrees(beside.spans).split(' | ')).toEqual(expected.join(' | ').split(' | ').sort())
    const ours = new Set([...beside.ours.A, ...beside.ours.B].flatMap(({ traceId, spanId }) => [traceId, spanId]))
    const named = EACH.flatMap(({ marker }) =>
      describeIds(beside, marker, (traceId, spanId) => (ours.has(traceId) || ours.has(spanId) ? 'OURS' : 'theirs')),
    )
    expectNone(named.filter((line) => line.includes('OURS')))
  })
}

function onRouting(group: ServerGroup, framework: Framework, programs: Programs): void {
  const runs = () => Promise.all([programs.run(group, framework, 'plain'), programs.run(group, framework, 'routing')])

  test(`keeps two tenants apart in ${EACH.length} interleaved requests`, async () => {
    const [, { alone }] = await runs()
    expectApart(alone, EACH)
  })

  test('gives the trees of plain OpenTelemetry', async () => {
    const [plain, { alone }] = await runs()
    expectNone(differentTrees(alone, EACH, plain.alone))
  })

  test('does not record what starts before a tenant is chosen, and counts it', async () => {
    const [, { alone }] = await runs()
    expect(splitOurs(alone, EACH).outside).toEqual({ A: [], B: [] })
    expect(alone.unowned).toBeGreaterThanOrEqual(EACH.length)
  })
}

function besideHost(group: ServerGroup, framework: Framework, side: 'sdk' | 'provider', programs: Programs): void {
  const run = () => programs.run(group, framework, side)

  test('the application’s spans, log lines and headers are the same with and without us', async () => {
    const { without, with: together } = await run()
    const [before, after] = [describeHost(without), describeHost(together)]
    const compared = EACH.map(({ marker }) => ({ marker, actual: after(marker), expected: before(marker) }))
    expectNone(compared.filter((one) => !isRight(one) || one.expected.trees === ''))
  })

  test(`keeps two tenants apart in ${ALL.length} interleaved requests`, async () => {
    const { with: together } = await run()
    expectApart(together, ALL)
    expect(splitOurs(together, ALL).outside).toEqual({ A: [], B: [] })
  })

  test('gives the trees that the application’s own functions have there', async () => {
    const { without, with: together } = await run()
    const [{ inside }, expected] = [splitOurs(together, ALL), byRoot(without.spans)]
    const compared = ALL.map((question) => ({
      question,
      actual: ourTree(inside.get(question.marker)),
      expected: expectedTree(
        question,
        writeTrees(onlyOf('application', expected.get(alike(question, EACH).marker) ?? []), (name) => name.replace('step ', '')),
      ),
    }))
    expectNone(compared.filter((one) => !isRight(one)))
  })
}

/** The specification of a client's row, which looks at what the programs of one framework left. */
export function describeClient(
  group: ServerGroup,
  { instrumentor, clients }: ClientRow,
  title: string,
  missing: string | undefined,
  programs: Programs,
): void {
  const host = group.sides.find((side): side is 'sdk' | 'provider' => side === 'sdk' || side === 'provider') ?? 'sdk'
  const see = (
    phase: Phase,
    marker: string,
    spans: readonly (PlainSpan | OurSpan)[],
    name: (spanId: string) => string,
  ): readonly string[] => {
    const names = new Map(spans.map((span) => [span.spanId, span.name]))
    const made = spans
      .filter(({ scopeName, name: own }) => scopeName === instrumentor && !own.startsWith('pg-pool'))
      .map(({ name: own, parentSpanId }) => `${own} in ${names.get(parentSpanId)}`)
    const lines = describeIds(phase, marker, (_traceId, spanId) => name(spanId)).filter((line) =>
      clients.length === 0 ? line.startsWith('log ') : clients.some((client) => line.startsWith(`${client} `)),
    )
    return [...made.sort(), ...lines]
  }

  describe.concurrent(title, () => {
    if (missing !== undefined) return test(missing, ({ skip }) => skip(missing))

    test('on a tracer’s provider its spans stand where plain OpenTelemetry has them', async () => {
      const [plain, { propagating }] = await Promise.all([
        programs.run(group, 'express', 'plain'),
        programs.run(group, 'express', 'tracer'),
      ])
      const [expected, actual] = [splitPlain(plain.propagating.spans).inside, splitOurs(propagating, EACH).inside]
      // Where the handler runs in a span of ours, that is the active one.
      const compared = EACH.filter(({ entry }) => entry === 'adapter' || entry === 'session').map(({ marker }) => ({
        marker,
        actual: see(propagating, marker, actual.get(marker) ?? [], namesIn(propagating.ours.A, propagating.ours.B)),
        expected: see(plain.propagating, marker, expected.get(marker) ?? [], namesIn(plain.propagating.spans)),
      }))
      expectNone(compared.filter((one) => !isRight(one)))
      expect(compared.flatMap((one) => one.expected).length).toBeGreaterThan(0)
    })

    test('beside us its spans in the application’s SDK are the same as without', async () => {
      const { without, with: together } = await programs.run(group, 'express', host)
      const [before, after] = [byRoot(without.spans), byRoot(together.spans)]
      const compared = EACH.map(({ marker }) => ({
        marker,
        actual: see(together, marker, after.get(marker) ?? [], namesIn(together.spans)),
        expected: see(without, marker, before.get(marker) ?? [], namesIn(without.spans)),
      }))
      expectNone(compared.filter((one) => !isRight(one)))
      expect(compared.flatMap((one) => one.expected).length).toBeGreaterThan(0)
    })
  })
}

const sessionOf = ({ attributes }: OurSpan): unknown => attributes['honeyhive.session_id']

function namesIn(...lists: readonly (readonly (PlainSpan | OurSpan)[])[]): (spanId: string) => string {
  const names = new Map(lists.flat().map(({ spanId, name }) => [spanId, name]))
  return (spanId) => names.get(spanId) ?? 'somebody else'
}

function expectApart(phase: OurPhase, questions: readonly Question[]): void {
  const answered = questions.filter(({ marker, style }) => phase.answers[marker] === (style === 'failure' ? 500 : 200))
  expect({ answered: answered.length, leaks: findServerLeaks(phase, questions).slice(0, 5) }).toEqual({
    answered: questions.length,
    leaks: [],
  })
}

function differentTrees(
  phase: OurPhase,
  questions: readonly Question[],
  control: Phase,
  isLost: (span: PlainSpan | OurSpan) => boolean = () => false,
): readonly unknown[] {
  const [{ inside }, expected] = [splitOurs(phase, questions), splitPlain(control.spans).inside]
  const kept = <Span extends PlainSpan | OurSpan>(spans: readonly Span[] = []): readonly Span[] => spans.filter((span) => !isLost(span))
  return questions
    .map((question) => ({
      question,
      actual: ourTree(kept(inside.get(question.marker))),
      expected: expectedTree(question, writeTrees(kept(expected.get(alike(question, EACH).marker)))),
    }))
    .filter((one) => !isRight(one) || one.expected === '')
}

/** Where log lines and headers name another span than in the control; one outside of the tenant's scope there may be our request here. */
function differentIds(phase: OurPhase, control: Phase): readonly unknown[] {
  const plain = splitPlain(control.spans)
  const { inside, outside } = splitOurs(phase, EACH)
  const outsideA = byRoot(outside.A)
  return EACH.map(({ marker, entry }) => {
    const isRootless = entry === 'session' || entry === 'in-session'
    const theirs = nameWith(plain.inside.get(marker), plain.outside.get(marker), isRootless ? 'outside' : 'request')
    const ours = nameWith(
      inside.get(marker),
      outsideA.get(marker),
      'outside',
      (span) => span.scopeName === 'honeyhive-tracer' && /^(request|GET \/work)$/.test(span.name),
    )
    return { marker, actual: describeIds(phase, marker, ours), expected: describeIds(control, marker, theirs) }
  }).filter((one) => !isRight(one) || one.expected.length === 0)
}

function nameWith<Span extends PlainSpan | OurSpan>(
  inside: readonly Span[] = [],
  outside: readonly Span[] = [],
  nameOfOutside: string,
  isRequest: (span: Span) => boolean = () => false,
): (traceId: string, spanId: string) => string {
  return (traceId, spanId) => {
    const span = inside.find((one) => one.spanId === spanId && one.traceId === traceId)
    if (span !== undefined) return isRequest(span) ? 'request' : span.name
    return outside.some((one) => one.spanId === spanId && one.traceId === traceId) ? nameOfOutside : 'somebody else'
  }
}

/** The application's side of one request, with names in place of ids. */
function describeHost(phase: Phase): (marker: string) => { readonly trees: string; readonly ids: readonly string[] } {
  const requests = byRoot(phase.spans)
  return (marker) => {
    const spans = requests.get(marker) ?? []
    return { trees: writeTrees(spans), ids: describeIds(phase, marker, nameWith(spans, [], '')) }
  }
}

/** The spans of one library, each below the nearest of them. */
function onlyOf(scopeName: string, spans: readonly PlainSpan[]): readonly PlainSpan[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const nearest = (spanId: string): string => {
    const span = byId.get(spanId)
    return span === undefined || span.scopeName === scopeName ? spanId : nearest(span.parentSpanId)
  }
  return spans.filter((span) => span.scopeName === scopeName).map((span) => ({ ...span, parentSpanId: nearest(span.parentSpanId) }))
}

function expectCounted({ stats, warnings, ours, spans = [] }: OurPhase, { url }: SpanReceiver): void {
  for (const { started, exported, dropped } of Object.values(stats))
    expect({ exported, dropped: Object.values(dropped).filter((count) => count > 0) }).toEqual({ exported: started, dropped: [] })
  expect(warnings).toEqual([])
  const own = [...ours.A, ...ours.B, ...spans].filter(({ attributes }) =>
    Object.values(attributes).some((value) => String(value).startsWith(url)),
  )
  expect(own.map(({ name, attributes }) => ({ name, attributes }))).toEqual([])
}
