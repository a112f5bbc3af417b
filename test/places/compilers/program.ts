// What a user of every entry point compiles; frameworks are not installed.
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { startDevServer } from 'honeyhive-tracer/dev'
import { evaluate } from 'honeyhive-tracer/experiments'
import { traceFetchHandler } from 'honeyhive-tracer/fetch'
import * as lambda from 'honeyhive-tracer/lambda'
import * as otel from 'honeyhive-tracer/otel'
import { createTestTracer } from 'honeyhive-tracer/testing'

const tracer = HoneyHiveTracer.init({ apiKey: 'k', testMode: true })
export const double: (n: number) => number = traceFn(tracer, (n: number) => n * 2)
// The function says what the evaluators are given, never the other way round.
export const result = evaluate({
  name: 'typed',
  dataset: [{ inputs: { a: 1 } }],
  function: (row) => row.inputs.a,
  evaluators: { isOne: (outputs) => outputs.toFixed(1) === '1.0' },
})
export const all: unknown[] = [createTestTracer, startDevServer, traceFetchHandler, lambda, otel]
