import { NativeAbortController } from '../builtins.js'
import { RestClient } from '../api/client.js'
import { createFetchTransport } from '../api/fetch-transport.js'
import { withMask } from '../api/masked-transport.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { createDiagnostics } from '../diagnostics.js'
import { toRequestHeaders } from '../export/headers.js'
import { SpanStats } from '../export/stats.js'
import { HttpTransport } from '../export/transport.js'
import { redactorFor } from '../tracer/instance-redactor.js'

/** Values of a query; a list repeats its name. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

/** The awaited requests of one experiment. Every method rejects with a HoneyHiveError that names the route. */
export interface Backend {
  get(path: string, query?: Query): Promise<unknown>
  post(path: string, body: unknown): Promise<unknown>
  put(path: string, body: unknown): Promise<unknown>
  /** Gives up requests under way, which would keep the process alive, and gives the sockets back. */
  close(): Promise<void>
}

/** Opens the requests of an experiment; `undefined` without a key, when everything stays in this process. */
export function createBackend(config: ResolvedConfig): Backend | undefined {
  const { apiKey, serverUrl, source } = config
  if (apiKey === undefined || config.disabled || config.testMode) return undefined
  const mask = redactorFor(config).label
  const headers = toRequestHeaders({ apiKey, source: mask(source), headers: config.headers })
  const transport =
    config.fetch === undefined
      ? new HttpTransport({ serverUrl, headers, proxy: config.proxy, agent: config.agent, ca: config.ca })
      : createFetchTransport({ serverUrl, headers, fetch: config.fetch })
  const diagnostics = createDiagnostics({ logger: config.logger, label: 'experiment', mask })
  const client = new RestClient({ transport: withMask(transport, mask), diagnostics, stats: new SpanStats({ diagnostics }) })
  const closing = new NativeAbortController()
  const { signal } = closing
  return {
    get: (path, query = {}) => client.request('GET', path + toQueryText(query), undefined, { signal }),
    post: (path, body) => client.request('POST', path, body, { signal }),
    put: (path, body) => client.request('PUT', path, body, { signal }),
    async close() {
      closing.abort()
      await client.close(0)
      transport.close()
    },
  }
}

function toQueryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const item of typeof value === 'string' ? [value] : value) parameters.append(name, item)
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}
