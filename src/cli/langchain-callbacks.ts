import type { Finding } from './finding.js'

/** What is to be said of LangChain's callbacks where an instrumentor of LangChain is used. */
export function describeCallbacks(circumstance: string): Pick<Finding, 'message' | 'remedy'> {
  return {
    message: `LangChain runs callbacks in the background, in the context of any request, and ${circumstance}: what its instrumentors start there is not recorded`,
    remedy: 'Set LANGCHAIN_CALLBACKS_BACKGROUND=false, or use createLangChainHandler() of honeyhive-tracer/langchain in their place.',
  }
}
