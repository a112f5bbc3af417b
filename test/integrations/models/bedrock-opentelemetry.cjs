const { AwsInstrumentation } = require('@opentelemetry/instrumentation-aws-sdk')
const { createCases } = require('./bedrock-cases.cjs')

exports.instrumentations = [new AwsInstrumentation()]

exports.setup = ({ url, traced }) => createCases(require('@aws-sdk/client-bedrock-runtime'), url, traced)
