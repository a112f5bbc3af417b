import { createLangChainHandler, type LangChainHandler } from '../integrations/langchain.js'
import { HoneyHiveTracer as Tracer } from '../tracer/tracer.js'

// biome-ignore lint/suspicious/noExplicitAny: the declarations of the old package, which programs were compiled against
type Dict = Record<string, any>

/** @deprecated Use `LangChainHandlerOptions` of `honeyhive-tracer/langchain`. */
export interface HoneyHiveTracerInput {
  readonly project: string
  readonly sessionName: string
  readonly source?: string
  readonly userProperties?: Dict
  readonly metrics?: Dict
  readonly config?: Dict
  readonly metadata?: Dict
  readonly apiKey?: string
  readonly verbose?: boolean
  readonly baseUrl?: string
}

/** The handler that LangChain calls, with what the old one had beside it. */
export type CompatLangChainHandler = LangChainHandler & {
  /** The tracer it records with. */
  readonly tracer: Tracer
  /** @deprecated Write `tracer.enrichSession({ feedback })`. */
  setFeedback(feedback: Dict): Promise<void>
  /** @deprecated Write `tracer.enrichSession({ metrics })`. */
  setMetric(metrics: Dict): Promise<void>
  /** @deprecated Write `tracer.enrichSession({ metadata })`. */
  setMetadata(metadata: Dict): Promise<void>
  /** @deprecated Write `tracer.enrichSession({ userProperties })`. */
  setUserProperties(userProperties: Dict): Promise<void>
  /** The session has begun with the handler. @deprecated Write `createLangChainHandler(tracer, { sessionName })` for another session. */
  startNewSession(): Promise<void>
}

interface CompatLangChainConstructor {
  new (input: HoneyHiveTracerInput): CompatLangChainHandler
}

function HoneyHiveLangChain(input: HoneyHiveTracerInput): CompatLangChainHandler {
  const { baseUrl, metrics, config, source = 'langchain', ...options } = input
  const tracer = Tracer.init({ ...options, source, ...(baseUrl === undefined ? {} : { serverUrl: baseUrl }) })
  if (metrics !== undefined || config !== undefined) void tracer.enrichSession({ metrics, config })
  const enrich = async (enrichment: Parameters<Tracer['enrichSession']>[0]): Promise<void> => {
    await tracer.enrichSession(enrichment)
  }
  return Object.assign(createLangChainHandler(tracer), {
    tracer,
    setFeedback: (feedback: Dict) => enrich({ feedback }),
    setMetric: (given: Dict) => enrich({ metrics: given }),
    setMetadata: (metadata: Dict) => enrich({ metadata }),
    setUserProperties: (userProperties: Dict) => enrich({ userProperties }),
    startNewSession: () => enrich({}),
  })
}

/**
 * A callback handler for LangChain with a tracer of its own.
 *
 * @deprecated Write `createLangChainHandler(tracer)` of `honeyhive-tracer/langchain`.
 */
export const HoneyHiveLangChainTracer: CompatLangChainConstructor = HoneyHiveLangChain as unknown as CompatLangChainConstructor
