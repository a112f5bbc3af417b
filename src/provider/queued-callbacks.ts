import { hasBackgroundCallbacks } from '../config/sources.js'
import { processState } from '../context/globals.js'

/**
 * Instrumentors of LangChain and LangGraph, by their scope. They start spans in LangChain's callbacks, which run in one queue for
 * the whole process, so in the async context of whichever request started the queue.
 */
const QUEUED = ['langchain', 'langgraph']

/** Whether the instrumentor of this scope starts its spans in callbacks that a queue runs. */
export function startsInCallbacks(scopeName: string): boolean {
  try {
    const name = scopeName.toLowerCase()
    return QUEUED.some((library) => name.includes(library))
  } catch {
    // A host that replaced a function of the language: the careful answer.
    return true
  }
}

/**
 * Whether the context around such a callback tells nothing of whose it is. Parents that it names by hand are right all the same.
 * With one live tracer there is nobody to mix it up with.
 */
export function isContextOfTheQueue(): boolean {
  return processState.instances.size > 1 && hasBackgroundCallbacks()
}

/** What keeps such a span from being recorded, and what to do. */
export function describeQueue(): string {
  return `it starts in a callback that LangChain runs in the background, in the context of any request, and ${processState.instances.size} tracers are live. Set LANGCHAIN_CALLBACKS_BACKGROUND=false when the program starts, or give each call a handler of honeyhive-tracer/langchain`
}
