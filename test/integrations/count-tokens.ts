import { startDevServer } from '../../src/dev/server.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { KEY, type SpanInput, sendSpans } from '../dev/fixtures.js'

/** Tokens of a session that consists of these spans, as the local server counts them. */
export async function countTokens(spans: readonly DecodedSpan[]): Promise<number | undefined> {
  const server = await startDevServer({ port: 0, database: ':memory:', projects: { row: KEY } })
  try {
    await sendSpans(server, spans as readonly SpanInput[])
    return server.sessions({ project: 'row' })[0]?.totalTokens
  } finally {
    await server.close()
  }
}
