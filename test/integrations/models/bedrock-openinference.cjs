const { BedrockInstrumentation } = require('@arizeai/openinference-instrumentation-bedrock')
const { createCases } = require('./bedrock-cases.cjs')

exports.instrumentations = [new BedrockInstrumentation()]

exports.setup = ({ url, traced }) => createCases(require('@aws-sdk/client-bedrock-runtime'), url, traced)
