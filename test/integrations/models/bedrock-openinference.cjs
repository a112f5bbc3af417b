const { BedrockInstrumentation } = require('@arizeai/openinference-instrumentation-bedrock')
const { createCases } = require('./bedrock-cases.cjs')

exports.instrumentations = [new BedrockInstrumentation()]

exports.setup = ({ http2Url, traced }) => createCases(require('@aws-sdk/client-bedrock-runtime'), http2Url, traced)
