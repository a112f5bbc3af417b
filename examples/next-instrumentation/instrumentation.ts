/** The `instrumentation.ts` of a Next.js application: Next calls `register` once, when the server starts. */
import { registerOTel } from '@vercel/otel'

export async function register(): Promise<void> {
  // HoneyHive needs Node; the edge runtime gets everything else.
  if (process.env['NEXT_RUNTIME'] === 'edge') return registerOTel({ serviceName: 'shop' })
  const { HoneyHiveTracer } = await import('honeyhive-tracer')
  const { HoneyHiveSpanProcessor } = await import('honeyhive-tracer/otel')
  const tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], source: process.env['VERCEL_ENV'] ?? 'development' })
  // 'auto' keeps what @vercel/otel would export by itself.
  registerOTel({ serviceName: 'shop', spanProcessors: ['auto', new HoneyHiveSpanProcessor({ tracer })] })
}
