import { Writable } from 'node:stream'
import { createApiHost, toPlain } from './opentelemetry-api.mjs'

/** OpenTelemetry's own SDK for Node, 2.x or 3.x, with the instrumentations of HTTP, fetch and two loggers. */
export async function start({ require, isOn }) {
  const { NodeSDK, tracing } = require('@opentelemetry/sdk-node')
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
  const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici')
  const { PinoInstrumentation } = require('@opentelemetry/instrumentation-pino')
  const { WinstonInstrumentation } = require('@opentelemetry/instrumentation-winston')
  const { AlwaysOffSampler, AlwaysOnSampler, InMemorySpanExporter, ParentBasedSampler, SimpleSpanProcessor } =
    tracing ?? require('@opentelemetry/sdk-trace')
  const exporter = new InMemorySpanExporter()
  const isThird = tracing === undefined
  new NodeSDK({
    serviceName: 'app',
    autoDetectResources: false,
    sampler: new ParentBasedSampler({ root: isOn ? new AlwaysOnSampler() : new AlwaysOffSampler() }),
    spanProcessors: [new SimpleSpanProcessor(isThird ? { exporter } : exporter)],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation(), new PinoInstrumentation(), new WinstonInstrumentation()],
  }).start()

  const logs = []
  const take = (line) => {
    const { msg, message, trace_id: traceId, span_id: spanId } = JSON.parse(line)
    logs.push({ message: msg ?? message, traceId, spanId })
  }
  const pino = require('pino')({}, { write: take })
  const winston = require('winston')
  const stream = new Writable({ write: (chunk, _encoding, done) => done(void take(String(chunk))) })
  const logger = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] })
  return {
    ...createApiHost(require),
    log(message) {
      pino.info(`${message}, pino`)
      logger.info(`${message}, winston`)
    },
    finish: () => ({ spans: exporter.getFinishedSpans().map(toPlain), logs }),
  }
}
