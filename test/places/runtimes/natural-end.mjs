// Ends without a word to the tracer.
import { HoneyHiveTracer } from 'honeyhive-tracer'

const tracer = HoneyHiveTracer.init({ serverUrl: process.env.RECEIVER, apiKey: 'test-key', protocol: 'http/json' })
tracer.startActiveSpan('at the end', () => undefined)
