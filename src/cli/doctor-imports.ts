import { createAdviser, findNearest, toPlainName } from '../options/nearest.js'
import * as exported from '../index.js'

const IMPORT = /'honeyhive-tracer(\/[\w-]+)?' does not provide an export named '([^']+)'/
const ENTRY = /Package subpath '\.\/([^']+)' is not defined by "exports" in \S*honeyhive-tracer/
const CALL = /TypeError: (\S+) is not a function/
const TYPESCRIPT = /Unknown file extension "\.[cm]?tsx?"/
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
  Client: 'Use createClient() of "honeyhive-tracer/client".',
  createClient: 'Import it from "honeyhive-tracer/client".',
  wrap: 'Use traceFn(tracer, fn).',
  traceFunction: 'Use traceFn(tracer, fn).',
  traceTool: "Use traceFn(tracer, fn, { eventType: 'tool' }).",
  traceModel: "Use traceFn(tracer, fn, { eventType: 'model' }).",
  traceChain: "Use traceFn(tracer, fn, { eventType: 'chain' }).",
  Laminar: 'Use HoneyHiveTracer.init().',
  LaminarClient: 'Use createClient() of "honeyhive-tracer/client".',
})

/** Names that are called on a tracer and are none of its methods. */
const adviseMethod = createAdviser({
  traceFn: 'It is a function of its own: traceFn(tracer, fn).',
  traceClass: 'It is a function of its own: traceClass(tracer)(Agent).',
  create: 'Use HoneyHiveTracer.init().',
  sessionStart: 'Use await tracer.createSession({ sessionName }).',
  startSession: 'Use await tracer.createSession({ sessionName }).',
  flushAsync: 'Use await tracer.forceFlush().',
  shutdownAsync: 'Use await tracer.shutdown().',
  close: 'Use await tracer.shutdown().',
  end: 'A span ends: span.end(). A tracer is shut down: await tracer.shutdown().',
  log: 'Use tracer.enrichSpan({ … }) inside the span.',
  update: 'Use tracer.enrichSpan({ … }) inside the span.',
})

/** What to do about an error that ends a program before any of its lines run; `undefined` for any other. */
export function adviseOnSyntax(stderr: string): string | undefined {
  const [, entry, name] = IMPORT.exec(stderr) ?? []
  if (name !== undefined) return advise(name) ?? (entry === undefined ? describeNearest(name) : undefined)
  const path = ENTRY.exec(stderr)?.[1]
  if (path !== undefined) return adviseOnEntry(path)
  const call = CALL.exec(stderr)?.[1]
  if (call !== undefined) return adviseOnCall(call)
  if (TYPESCRIPT.test(stderr)) return 'This Node runs no TypeScript. Run the file with tsx: npx tsx FILE.'
  if (DECORATOR.test(stderr)) return 'Node runs no decorators. Run the file with tsx, or wrap the function: traceFn(tracer, fn).'
  return undefined
}

const ENTRIES: readonly string[] = 'experiments express fastify fetch lambda testing dev otel langchain client compat'.split(' ')

function adviseOnEntry(path: string): string {
  const near = path === 'evaluate' ? 'experiments' : findNearest(path, ENTRIES)
  return near === undefined
    ? `Entry points are honeyhive-tracer and, below it, ${ENTRIES.join(', ')}.`
    : `Did you mean "honeyhive-tracer/${near}"?`
}

/** Anything may be called that is no function; only what is called on one of ours is spoken of, or has a name of another SDK. */
function adviseOnCall(call: string): string | undefined {
  const name = call.slice(call.lastIndexOf('.') + 1)
  const isOurs = /honeyhive|tracer/i.test(call)
  const known = [...Object.keys(exported), ...Object.getOwnPropertyNames(exported.HoneyHiveTracer.prototype)]
  const same = known.find((one) => toPlainName(one) === toPlainName(name) && one !== name)
  if (same !== undefined) return `Did you mean "${same}"?`
  if (isOurs) return adviseMethod(name) ?? advise(name) ?? describeNearest(name)
  return COMMON.has(name) ? undefined : advise(name)
}

/** Names that every second library has. */
const COMMON: ReadonlySet<string> = new Set(['default', 'init', 'initialize', 'wrap', 'workflow'])

function describeNearest(name: string): string {
  const known = Object.keys(exported)
  const near = findNearest(name, known)
  return near === undefined ? `Exported are: ${known.join(', ')}.` : `Did you mean "${near}"?`
}
