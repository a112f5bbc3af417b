import { useLayoutEffect, useState } from 'preact/hooks'

/** What the hash of the address names. Every view and every selected event has one. */
export interface Route {
  /** The decoded path parts, e.g. `['p', 'acme', 'sessions']`. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

const CHANGE = 'hive:route'

/** Reads the route from the address. */
export function readRoute(): Route {
  const [path = '', query = ''] = splitOnce(location.hash.replace(/^#\/?/, ''), '?')
  return { parts: path.split('/').filter(Boolean).map(decodePart), query: new URLSearchParams(query) }
}

/** The hash address of a view: path parts, then the query without its empty values. */
export function toHash(parts: readonly string[], query: Readonly<Record<string, string | null | undefined>> = {}): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value) params.set(key, value)
  const text = params.toString()
  return `#/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`
}

/** Goes to a hash address; `replace` keeps the history as long as it was. */
export function navigate(hash: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = hash
    return
  }
  history.replaceState(null, '', hash)
  dispatchEvent(new Event(CHANGE))
}

/** Replaces some values of the query and keeps the rest. */
export function updateQuery(changes: Readonly<Record<string, string | null>>): void {
  const route = readRoute()
  navigate(toHash(route.parts, { ...Object.fromEntries(route.query), ...changes }), { replace: true })
}

/** The current route; the component renders again when it changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute)
  useLayoutEffect(() => {
    const read = (): void => setRoute(readRoute())
    addEventListener('hashchange', read)
    addEventListener(CHANGE, read)
    return () => {
      removeEventListener('hashchange', read)
      removeEventListener(CHANGE, read)
    }
  }, [])
  return route
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
