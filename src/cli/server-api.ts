import { HoneyHiveError } from '../errors.js'

/** Which local server a command reads. */
export interface ServerFlags {
  readonly url: string
  readonly db?: string
}

/** Options every command that reads a local server has. */
export const SERVER_OPTIONS: readonly (readonly [flags: string, description: string, fallback?: string])[] = [
  ['--url <url>', 'address of a running local server', 'http://127.0.0.1:4319'],
  ['--db <file>', 'read this database instead of a running server; nothing of it is changed'],
]

/** What a command reads: the page's API of a server, or of a database file. */
export interface TraceSource {
  /** For messages: where it is. */
  readonly name: string
  /**
   * Asks for a path below `/api`.
   *
   * Rejects with HoneyHiveError when nobody answers, or refuses.
   */
  ask(path: string): Promise<Response>
  /** As {@link ask}, read as JSON. */
  getJson<T>(path: string): Promise<T>
}

/** Runs `read` on a running local server, or on a database that is opened without the right to change it. */
export async function withSource<T>({ url, db }: ServerFlags, read: (source: TraceSource) => Promise<T>): Promise<T> {
  if (db === undefined) return read(toSource(url.replace(/\/+$/, ''), askServer))
  const { openStoreToRead } = await import('../dev/store/store.js')
  const { createPageApi } = await import('../dev/page-api/routes.js')
  const { createPriceTable } = await import('../dev/prices/price-table.js')
  const { createRunPages } = await import('../dev/page-api/runs.js')
  const store = await openStoreToRead(db)
  try {
    const api = createPageApi({ reader: store, runs: createRunPages(store), prices: createPriceTable() })
    return await read(toSource(db, async (_name, path) => api.request(path)))
  } finally {
    await store.close()
  }
}

function toSource(name: string, send: (name: string, path: string) => Promise<Response>): TraceSource {
  const ask = async (path: string): Promise<Response> => {
    const response = await send(name, path)
    if (response.ok) return response
    throw new HoneyHiveError('HTTP_STATUS', `${name} answered ${response.status} for ${path}. Is this a honeyhive-tracer dev server?`)
  }
  return { name, ask, getJson: async <T>(path: string) => (await (await ask(path)).json()) as T }
}

async function askServer(baseUrl: string, path: string): Promise<Response> {
  try {
    return await fetch(`${baseUrl}/api${path}`)
  } catch (cause) {
    throw new HoneyHiveError('HTTP_NETWORK', `No local server at ${baseUrl}. Start one with "npx honeyhive-tracer dev", or give --db.`, {
      cause,
    })
  }
}
