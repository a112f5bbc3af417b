import { BedrockInstrumentation } from '@traceloop/instrumentation-bedrock'
import * as sdk from '@aws-sdk/client-bedrock-runtime'
import { createCases } from './bedrock-cases.cjs'

const instrumentation = new BedrockInstrumentation()
export const instrumentations = [instrumentation]

export function setup({ http2Url, traced }) {
  instrumentation.manuallyInstrument(sdk)
  return createCases(sdk, http2Url, traced)
}
