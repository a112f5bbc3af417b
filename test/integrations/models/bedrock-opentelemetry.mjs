import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk'
import { createCases } from './bedrock-cases.cjs'

export const instrumentations = [new AwsInstrumentation()]

export async function setup({ url, traced }) {
  // Not before the instrumentation was made; the loader hook does the rest.
  return createCases(await import('@aws-sdk/client-bedrock-runtime'), url, traced)
}
