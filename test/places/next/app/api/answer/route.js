import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'

const tracer = HoneyHiveTracer.init({ apiKey: 'test-key', serverUrl: process.env.RECEIVER, protocol: 'http/json' })
// Named, since the build shortens the names of functions.
const answer = traceFn(tracer, async (question) => question.length, { eventName: 'answer' })

export const dynamic = 'force-dynamic'

export async function GET(request) {
  const length = await answer(new URL(request.url).searchParams.get('q') ?? '')
  const isFlushed = await tracer.forceFlush()
  return Response.json({ length, isFlushed, exported: tracer.stats().exported })
}
