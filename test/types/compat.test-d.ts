import { describe, expectTypeOf, it } from 'vitest'
import { evaluate, type EvaluationResult, type HoneyHive, HoneyHiveTracer, traceChain, traceTool } from '../../src/compat/index.js'
import { createClient, type Datapoint, type Results, type StoredEvent } from '../../src/client/index.js'

describe('honeyhive-tracer/compat', () => {
  it('has the types of a program for 1.0.42', () => {
    expectTypeOf(HoneyHiveTracer.init({ apiKey: 'k', project: 'p', sessionName: 's', instrumentModules: {} })).toEqualTypeOf<
      Promise<HoneyHiveTracer>
    >()
    const lookup = traceTool(function lookup(city: string, days: number): readonly string[] {
      return [city, String(days)]
    })
    expectTypeOf(lookup).toEqualTypeOf<(city: string, days: number) => readonly string[]>()
    expectTypeOf(traceChain(async (n: number) => n, { eventName: 'x' })).toEqualTypeOf<(n: number) => Promise<number>>()
    expectTypeOf((tracer: HoneyHiveTracer) => tracer.trace((a: string) => a.length, 'x')).returns.toEqualTypeOf<number>()
    expectTypeOf<HoneyHiveTracer['sessionId']>().toEqualTypeOf<string | undefined>()
    expectTypeOf(evaluate).returns.toEqualTypeOf<Promise<EvaluationResult | undefined>>()
    expectTypeOf<HoneyHive['events']['createEvent']>().toBeCallableWith({ event: { project: 'p', eventType: 'tool', inputs: {} } })
  })
})

describe('createClient', () => {
  it('types what is given and what comes back', () => {
    const client = (): ReturnType<typeof createClient> => createClient()
    expectTypeOf(client().events.list).returns.toEqualTypeOf<Results<StoredEvent>>()
    expectTypeOf(client().datapoints.get('id')).resolves.toEqualTypeOf<Datapoint>()
    expectTypeOf(client().datasets.create).toBeCallableWith({ name: 'cities' }, { timeoutMs: 5 })
    // @ts-expect-error an event needs a type
    void (() => client().events.create({ inputs: {} }))
    // @ts-expect-error no such operator
    void (() => client().events.list({ filters: [{ field: 'a', operator: 'equals', value: 1 }] }))
  })
})
