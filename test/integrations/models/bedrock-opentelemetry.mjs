import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk'
import { createCases } from './bedrock-cases.cjs'

export const instrumentations = [new AwsInstrumentation()]

export async function setup({ http2Url, traced }) {
  // Not before the instrumentation was made; the loader hook does the rest.
  return createCases(await import('@aws-sdk/client-bedrock-runtime'), http2Url, traced)
}
