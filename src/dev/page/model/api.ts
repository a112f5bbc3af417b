import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** Why a request to the local server gave nothing to show. */
export class ApiError extends Error {
  /** HTTP status, or 0 when the server could not be reached. */
  readonly status: number
  readonly path: string
  constructor(path: string, status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.path = path
  }
}

/** What a view knows about one answer of the server. */
export interface Loaded<T> {
  readonly data: T | null
  readonly error: ApiError | null
  readonly isLoading: boolean
  /** Asks again; what is shown stays until the answer is there. */
  readonly reload: () => void
}

const CACHE_ENTRIES = 40
const cache = new Map<string, unknown>()

/** Reads one JSON answer. Rejects with {@link ApiError}, or with an `AbortError` when `signal` fires. */
export async function fetchJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await reach(path, signal ? { signal } : {})
  if (!response.ok) throw new ApiError(path, response.status, await readMessage(response))
  const body = (await response.json().catch(() => {
    throw new ApiError(path, response.status, 'The answer is not JSON.')
  })) as T
  remember(path, body)
  return body
}

/** Changes something on the server. Rejects with {@link ApiError}. */
export async function sendJson<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const content = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await reach(path, { method, ...content })
  if (!response.ok) throw new ApiError(path, response.status, await readMessage(response))
  return (await response.json()) as T
}

async function reach(path: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { headers: { accept: 'application/json' }, ...options })
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    throw new ApiError(path, 0, 'The local server does not answer.')
  }
}

async function readMessage(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const body = JSON.parse(text) as { error?: unknown; message?: unknown; detail?: unknown }
    const message = body.message ?? body.error ?? body.detail
    if (typeof message === 'string') return message
    return message ? JSON.stringify(message).slice(0, 300) : response.statusText
  } catch {
    return text.slice(0, 300) || response.statusText
  }
}

function remember(path: string, body: unknown): void {
  cache.delete(path)
  cache.set(path, body)
  const oldest = cache.keys().next().value
  if (cache.size > CACHE_ENTRIES && oldest !== undefined) cache.delete(oldest)
}

interface State<T> {
  readonly path: string | null
  readonly data: T | null
  readonly error: ApiError | null
  readonly isLoading: boolean
}

/** How {@link useApi} loads. */
export interface ApiOptions {
  readonly keep?: boolean
  /** When it changes, the path is asked again. */
  readonly version?: unknown
}

/**
 * Loads `path`, at once from what was read before, then from the server. `keep` shows the last answer while the next one
 * of another path is on its way, for filters. A null path loads nothing.
 */
export function useApi<T>(path: string | null, { keep = false, version }: ApiOptions = {}): Loaded<T> {
  const [state, setState] = useState<State<T>>({ path: null, data: null, error: null, isLoading: path !== null })
  const running = useRef<AbortController | null>(null)
  const load = useCallback(() => {
    if (path === null) return
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    setState((old) => ({ path, data: shownData(old, path, keep), error: null, isLoading: true }))
    fetchJson<T>(path, controller.signal).then(
      (data) => setState({ path, data, error: null, isLoading: false }),
      (error: unknown) => {
        if (controller.signal.aborted) return
        const failure = error instanceof ApiError ? error : new ApiError(path, 0, String(error))
        setState((old) => ({ path, data: old.path === path ? old.data : null, error: failure, isLoading: false }))
      },
    )
  }, [path, keep])
  useEffect(() => {
    load()
    return () => running.current?.abort()
  }, [load])
  const seen = useRef(version)
  useEffect(() => {
    if (seen.current !== version) load()
    seen.current = version
  }, [version])
  const data = state.path === path || keep ? state.data : ((cache.get(path ?? '') as T | undefined) ?? null)
  return { data, error: state.path === path ? state.error : null, isLoading: state.isLoading || state.path !== path, reload: load }
}

function shownData<T>(old: State<T>, path: string, keep: boolean): T | null {
  if (old.path === path) return old.data
  return (cache.get(path) as T | undefined) ?? (keep ? old.data : null)
}

/** A path with its query, without empty values. */
export function toPath(path: string, query: Readonly<Record<string, string | number | null | undefined>> = {}): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') params.set(key, String(value))
  const text = params.toString()
  return text ? `${path}?${text}` : path
}
