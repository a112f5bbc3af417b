import * as callbackManagerModule from '@langchain/core/callbacks/manager'
import { LangChainInstrumentation } from '@traceloop/instrumentation-langchain'
import { createCases } from './langchain-cases.mjs'

const instrumentation = new LangChainInstrumentation()
export const instrumentations = [instrumentation]

export function setup(side) {
  instrumentation.manuallyInstrument({ callbackManagerModule })
  return createCases(side)
}
