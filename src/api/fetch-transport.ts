import { NativePromise } from '../builtins.js'
import { registerEndpoint } from '../export/sockets.js'
import { runDetached } from '../export/detached.js'
import { ExchangeError, type Reply, toRequestId } from '../export/exchange.js'
import { toTimerMs } from '../time.js'
import { toAuthorization, type Transport, type TransportRequest } from '../export/transport.js'
import { type ApiKey, sendWithKey } from '../export/api-key.js'

/** Settings of {@link createFetchTransport}. */
export interface FetchTransportOptions {
  /** Base URL of the server. */
  readonly serverUrl: string
  /** Headers of every request, see `toRequestHeaders`. */
  readonly headers: Readonly<Record<string, string>>
  /** Key of every request. @defaultValue what `headers` say */
  readonly key?: ApiKey | undefined
  /** The user's `fetch` option. */
  readonly fetch: typeof fetch
}

/** The REST transport over a `fetch` the user gave. Its own error texts are not passed on: they may quote the key. */
export function createFetchTransport({ serverUrl, headers, key: source, fetch }: FetchTransportOptions): Transport {
  const base = new URL(serverUrl)
  const baseUrl = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const unregister = registerEndpoint(`${baseUrl}/`)

  async function exchange(request: TransportRequest, key: string | undefined): Promise<Reply> {
    const limit = AbortSignal.timeout(Math.ceil(toTimerMs(request.timeoutMs)))
    const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal])
    try {
      return await within(signal, ask(request, key, signal))
    } catch {
      if (request.signal?.aborted === true) throw new ExchangeError('aborted', 'the request was aborted')
      if (limit.aborted) throw new ExchangeError('timeout', `no reply within ${Math.ceil(request.timeoutMs)} ms`)
      throw new ExchangeError('network', 'the given fetch failed')
    }
  }

  async function ask(request: TransportRequest, key: string | undefined, signal: AbortSignal): Promise<Reply> {
    const response = await fetch(request.url, {
      method: request.method ?? 'POST',
      headers: {
        ...headers,
        ...toAuthorization(key),
        ...request.headers,
        ...(request.contentType === undefined ? {} : { 'Content-Type': request.contentType }),
      },
      redirect: 'manual',
      signal,
      ...(request.body === undefined ? {} : { body: Buffer.from(request.body) }),
    })
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      retryAfter: response.headers.get('retry-after') ?? undefined,
      requestId: toRequestId((name) => response.headers.get(name)),
      body: new Uint8Array(await response.arrayBuffer()),
      isComplete: true,
    }
  }

  return {
    baseUrl,
    hasRenewableKey: source?.isRenewable,
    send: (request) => runDetached(() => sendWithKey(source, (key) => exchange(request, key))),
    close: unregister,
  }
}

/** What becomes of `work` until `signal` aborts: not every `fetch` listens to it, and none may hold up those behind it. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop: () => void = () => undefined
  const aborted = new NativePromise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await NativePromise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
