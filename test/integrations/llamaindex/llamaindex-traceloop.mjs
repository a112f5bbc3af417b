import * as openai from '@llamaindex/openai'
import * as workflow from '@llamaindex/workflow'
import { LlamaIndexInstrumentation } from '@traceloop/instrumentation-llamaindex'
import * as llamaindex from 'llamaindex'
import { z } from 'zod'
import { createCases } from './llamaindex-cases.cjs'

const instrumentation = new LlamaIndexInstrumentation()
export const instrumentations = [instrumentation]

export function setup(side) {
  instrumentation.manuallyInstrument(llamaindex, openai)
  return createCases({ llamaindex, openai, workflow, z }, side)
}
