import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain'
import * as callbackManager from '@langchain/core/callbacks/manager'
import { createCases } from './langchain-cases.mjs'

const instrumentation = new LangChainInstrumentation()
export const instrumentations = [instrumentation]

export function setup(side) {
  instrumentation.manuallyInstrument(callbackManager)
  return createCases(side)
}
