const { OpenAIInstrumentation } = require('@opentelemetry/instrumentation-openai')
const { createCases } = require('./openai-cases.cjs')

exports.instrumentations = [new OpenAIInstrumentation({ captureMessageContent: true })]

exports.setup = ({ url, traced }) => {
  const { OpenAI } = require('openai')
  return createCases(new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 }), traced)
}
