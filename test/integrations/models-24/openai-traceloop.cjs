const { OpenAIInstrumentation } = require('@traceloop/instrumentation-openai')
const { createCases } = require('../models/openai-cases.cjs')

exports.instrumentations = [new OpenAIInstrumentation()]

exports.setup = ({ url, traced }) => {
  const { OpenAI } = require('openai')
  return createCases(new OpenAI({ apiKey: 'key', baseURL: `${url}/v1`, maxRetries: 0 }), traced)
}
