const { AnthropicInstrumentation } = require('@arizeai/openinference-instrumentation-anthropic')
const { createCases } = require('./anthropic-cases.cjs')

exports.instrumentations = [new AnthropicInstrumentation()]

exports.setup = ({ url, traced }) => {
  const { Anthropic } = require('@anthropic-ai/sdk')
  return createCases(new Anthropic({ apiKey: 'key', baseURL: url, maxRetries: 0 }), traced)
}
