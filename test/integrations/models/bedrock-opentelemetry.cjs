const { AwsInstrumentation } = require('@opentelemetry/instrumentation-aws-sdk')
const { createCases } = require('./bedrock-cases.cjs')

exports.instrumentations = [new AwsInstrumentation()]

exports.setup = ({ http2Url, traced }) => createCases(require('@aws-sdk/client-bedrock-runtime'), http2Url, traced)
