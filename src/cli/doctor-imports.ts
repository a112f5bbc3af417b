import { createAdviser, findNearest } from '../options/nearest.js'
import * as exported from '../index.js'

const IMPORT = /'honeyhive-tracer' does not provide an export named '([^']+)'/
const DECORATOR = /^\s*@\w+.*\n[\s^~]*\n+SyntaxError: Invalid or unexpected token/m

/** Names of other SDKs, and what stands in their place. */
const advise = createAdviser({
  default: 'There is no default export. Write: import { HoneyHiveTracer } from "honeyhive-tracer".',
  HoneyHive: 'Use "HoneyHiveTracer"; the names of the package honeyhive are in "honeyhive-tracer/compat".',
  observe: 'Use "traceFn" (Langfuse, Laminar: observe).',
  startActiveObservation: 'Use tracer.startActiveSpan().',
  startObservation: 'Use tracer.startSpan().',
  updateActiveObservation: 'Use "enrichSpan".',
  Langfuse: 'Use "HoneyHiveTracer".',
  traceable: 'Use "traceFn" (LangSmith: traceable).',
  traced: 'Use "traceFn" (Braintrust: traced).',
  initLogger: 'Use HoneyHiveTracer.init() (Braintrust: initLogger).',
  wrapOpenAI: 'Give an instrumentation to init(), e.g. instrumentations: [new OpenAIInstrumentation()].',
  wrapSDK: 'Give an instrumentation to init(), e.g. instrumentations: [new OpenAIInstrumentation()].',
  initialize: 'Use HoneyHiveTracer.init() (Traceloop: initialize).',
  init: 'Use HoneyHiveTracer.init().',
  withWorkflow: 'Use "traceFn" with eventType: \'chain\' (Traceloop: withWorkflow).',
  withTask: 'Use "traceFn" (Traceloop: withTask).',
  withTool: 'Use "traceFn" with eventType: \'tool\' (Traceloop: withTool).',
  workflow: 'Use "trace" with eventType: \'chain\' (Traceloop: workflow).',
  atrace: 'Use "trace": it takes functions that return promises as well.',
  evaluate: 'Import it from "honeyhive-tracer/experiments".',
  evaluator: 'Import it from "honeyhive-tracer/experiments".',
  createTestTracer: 'Import it from "honeyhive-tracer/testing".',
  startDevServer: 'Import it from "honeyhive-tracer/dev".',
})

/** What to do about an error that ends a program before any of its lines run; `undefined` for any other. */
export function adviseOnSyntax(stderr: string): string | undefined {
  const name = IMPORT.exec(stderr)?.[1]
  if (name !== undefined) return advise(name) ?? describeNearest(name)
  if (DECORATOR.test(stderr)) return 'Node runs no decorators. Run the file with tsx, or wrap the function: traceFn(tracer, fn).'
  return undefined
}

function describeNearest(name: string): string {
  const known = Object.keys(exported)
  const near = findNearest(name, known)
  return near === undefined ? `Exported are: ${known.join(', ')}.` : `Did you mean "${near}"?`
}
