import { checkOptions } from '../options/check.js'
import { isBoolean, isFilledText, isMapLike, type OptionSpec, type Specs } from '../options/spec.js'
import type { EventType } from '../semantics/attributes.js'
import type { Enrichment } from '../tracer/enrich.js'
import type { TracerInstance } from '../tracer/instance.js'
import { processDiagnostics } from '../tracer/registry.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import { findInstance } from '../tracer/tracing.js'
import { isTracerRef, type TracerRef } from '../wrap/trace-options.js'
import { LangChainRuns, readPlace } from './langchain-runs.js'
import {
  readAnswer,
  readChainType,
  readChainValues,
  readDocuments,
  readLateInputs,
  readModelSettings,
  readName,
  readPrompts,
  readToolCall,
  readToolInput,
  readToolOutput,
} from './langchain-values.js'

/** Settings of {@link createLangChainHandler}. */
export interface LangChainHandlerOptions {
  /** Id of the session that gets the runs: a UUID, or any text. @defaultValue the one that is current where the handler is made */
  readonly sessionId?: string | undefined
  /** Name of that session, where this makes a new one. */
  readonly sessionName?: string | undefined
  /** Whether inputs are recorded. @defaultValue the tracer's `capture.inputs` */
  readonly inputs?: boolean | undefined
  /** Whether outputs are recorded. @defaultValue the tracer's `capture.outputs` */
  readonly outputs?: boolean | undefined
  /** Further metadata of every run that has no parent. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

const TEXT: OptionSpec = { accepts: isFilledText, expected: 'a text that is not empty', remedy: 'Give a text.' }
const SWITCH: OptionSpec = { accepts: isBoolean, expected: 'true or false', remedy: 'Give false to record nothing.' }
const OPTIONS: Specs & Readonly<Record<keyof LangChainHandlerOptions, unknown>> = {
  tracer: {
    accepts: isTracerRef,
    expected: 'a tracer, a function returning one, or a registered name',
    remedy: 'Give the tracer first: createLangChainHandler(tracer).',
    isRequired: true,
  },
  sessionId: TEXT,
  sessionName: TEXT,
  inputs: SWITCH,
  outputs: SWITCH,
  metadata: { accepts: isMapLike, expected: 'an object', remedy: 'Give fields by name.', secret: true },
}

/**
 * A callback handler for LangChain and LangGraph: `chain.invoke(input, { callbacks: [createLangChainHandler(tracer)] })`. It
 * records into the tracer it is made with, in the session and under the span that are current where it is made, whatever
 * context LangChain runs its callbacks in. Make one for each request; it costs nothing.
 *
 * @throws HoneyHiveConfigError for unknown options and wrong values, all at once.
 */
export function createLangChainHandler(tracer: TracerRef, options: LangChainHandlerOptions = {}): LangChainHandler {
  const given = checkOptions({ ...options, tracer }, OPTIONS, 'createLangChainHandler') as LangChainHandlerOptions
  const instance = findInstance(tracer) as TracerInstance | undefined
  if (instance === undefined) {
    processDiagnostics.warn('langchain', 'createLangChainHandler: its tracer was not found, so this handler records nothing.')
    return new LangChainHandler(undefined)
  }
  const { sessionId, sessionName } = given
  const make = (): LangChainHandler => new LangChainHandler(new LangChainRuns(readPlace(instance), given))
  if (sessionId === undefined && sessionName === undefined) return make()
  // What users hold of an instance is the tracer.
  return (instance.tracer as HoneyHiveTracer).withSession({ sessionId, sessionName }, make)
}

/** What LangChain says of every run. */
type Named = readonly [serialized: unknown, runName: unknown, tags: unknown, metadata: unknown]

/**
 * The methods that LangChain calls at each step of a run, in every version from 0.1 on. What they take is declared as unknown,
 * so that this package compiles without LangChain.
 */
class LangChainHandler {
  readonly name = 'honeyhive'
  /** LangChain then calls this handler where the run is, and waits for it, whatever it does with others. */
  readonly awaitHandlers = true
  readonly raiseError = false
  readonly #runs: LangChainRuns | undefined

  constructor(runs: LangChainRuns | undefined) {
    this.#runs = runs
  }

  /** A chat model starts. */
  handleChatModelStart(model: unknown, batches: unknown, runId: string, ...rest: unknown[]): void {
    this.#startModel(model, batches, runId, rest)
  }

  /** A model that completes text starts. */
  handleLLMStart(model: unknown, prompts: unknown, runId: string, ...rest: unknown[]): void {
    this.#startModel(model, prompts, runId, rest)
  }

  /** A part of an answer arrived. */
  handleLLMNewToken(_token: unknown, _position: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.noteToken(runId)
  }

  /** An event of a stream of content blocks arrived. */
  handleChatModelStreamEvent(event: unknown, runId: string, ..._rest: unknown[]): void {
    if (isMapLike(event) && event['event'] === 'content-block-delta') this.#runs?.noteToken(runId)
  }

  /** A model answered. */
  handleLLMEnd(result: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.end(runId, () => readAnswer(result))
  }

  /** A model failed. */
  handleLLMError(error: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.fail(runId, error)
  }

  /** A chain starts: a sequence, a prompt, a parser, a graph or one of its nodes. */
  handleChainStart(chain: unknown, inputs: unknown, runId: string, ...rest: unknown[]): void {
    const [parentRunId, tags, metadata, runType, runName, extra] = rest
    // A chain that is streamed to learns its inputs one by one, and tells them at its end.
    const areLate = isMapLike(extra) && extra['lc_defers_inputs'] === true
    const read = (): object => (areLate ? {} : { inputs: readChainValues(inputs, 'input') })
    this.#start(runId, parentRunId, readChainType(runType), [chain, runName, tags, metadata], read)
  }

  /** A chain gave its result. */
  handleChainEnd(outputs: unknown, runId: string, _parentRunId?: unknown, _tags?: unknown, extra?: unknown): void {
    this.#runs?.end(runId, () => ({ ...readLateInputs(extra), outputs: readChainValues(outputs, 'output') }))
  }

  /** A chain failed. */
  handleChainError(error: unknown, runId: string, _parentRunId?: unknown, _tags?: unknown, extra?: unknown): void {
    this.#runs?.fail(runId, error, () => readLateInputs(extra))
  }

  /** A tool starts. */
  handleToolStart(tool: unknown, input: unknown, runId: string, ...rest: unknown[]): void {
    const [parentRunId, tags, metadata, runName, toolCallId] = rest
    const read = (): object => ({ inputs: readToolInput(input), metadata: readToolCall(tool, runName, toolCallId) })
    this.#start(runId, parentRunId, 'tool', [tool, runName, tags, metadata], read)
  }

  /** A tool gave its result. */
  handleToolEnd(output: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.end(runId, () => ({ outputs: readToolOutput(output) }))
  }

  /** A tool failed. */
  handleToolError(error: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.fail(runId, error)
  }

  /** A retriever starts. */
  handleRetrieverStart(retriever: unknown, query: unknown, runId: string, ...rest: unknown[]): void {
    const [parentRunId, tags, metadata, runName] = rest
    this.#start(runId, parentRunId, 'tool', [retriever, runName, tags, metadata], () => ({ inputs: { query } }))
  }

  /** A retriever found its documents. */
  handleRetrieverEnd(documents: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.end(runId, () => ({ outputs: { documents: readDocuments(documents) } }))
  }

  /** A retriever failed. */
  handleRetrieverError(error: unknown, runId: string, ..._rest: unknown[]): void {
    this.#runs?.fail(runId, error)
  }

  /** What is shown where LangChain writes a configuration down: nothing of tracer and runs. */
  toJSON(): object {
    return { lc: 1, type: 'not_implemented', id: ['honeyhive-tracer', 'langchain', 'LangChainHandler'] }
  }

  #startModel(model: unknown, prompts: unknown, runId: string, rest: readonly unknown[]): void {
    const [parentRunId, extra, tags, metadata, runName] = rest
    const read = (): object => ({ inputs: readPrompts(prompts), config: readModelSettings(extra, metadata) })
    this.#start(runId, parentRunId, 'model', [model, runName, tags, metadata], read)
  }

  #start(runId: string, parentRunId: unknown, eventType: EventType, named: Named, read: () => Enrichment): void {
    const [serialized, runName, tags, metadata] = named
    this.#runs?.start(runId, parentRunId, () => ({ name: readName(serialized, runName), eventType, tags, metadata, read }))
  }
}

export type { LangChainHandler }
