const genai = require('@google/genai')
const { GenAIInstrumentation } = require('@traceloop/instrumentation-google-generativeai')
const { createCases } = require('./google-cases.cjs')

const instrumentation = new GenAIInstrumentation()
exports.instrumentations = [instrumentation]

exports.setup = ({ url, traced }) => {
  const patched = { ...genai }
  instrumentation.manuallyInstrument(patched)
  return createCases(new patched.GoogleGenAI({ apiKey: 'key', httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } }), traced)
}
