import { createHash } from 'node:crypto'
import type { AgentOptions } from 'node:https'
import { processState } from '../context/globals.js'
import { HttpAgent, HttpsAgent } from './node-http.js'
import { TunnelAgent } from './proxy.js'

/** How connections to one origin are made. */
export interface TlsOptions {
  /** Certificate authorities to trust instead of those of Node, PEM. */
  readonly ca?: string | undefined
  /** Proxy that `https:` is tunnelled through; requests to `http:` go to the proxy as their origin. */
  readonly proxy?: URL | undefined
}

/**
 * Most sockets to one origin, over all tracers of the process. One tracer holds at most eight, four for spans and four for
 * sessions and events, so that a tenant whose requests hang leaves some for the others.
 */
const MAX_SOCKETS = 12
/** An idle socket is closed before the usual 60 s of servers and load balancers, milliseconds. */
const IDLE_SOCKET_MS = 15_000

/** Takes a share in the agent all tracers of the process use for `origin`. */
export function leaseAgent(origin: string, tls: TlsOptions = {}): AgentLease {
  const key = toAgentKey(origin, tls)
  const entry = processState.agents.get(key) ?? { users: 0, agent: createAgent(origin, tls) }
  processState.agents.set(key, entry)
  return new AgentLease(key, entry)
}

type AgentEntry = NonNullable<ReturnType<(typeof processState)['agents']['get']>>

/** A share in the keep-alive agent of one origin. */
export class AgentLease {
  readonly #key: string
  readonly #entry: AgentEntry
  #isReleased = false

  constructor(key: string, entry: AgentEntry) {
    this.#key = key
    this.#entry = entry
    entry.users++
  }

  get agent(): HttpAgent {
    // Only this module fills the map, and only with agents.
    return this.#entry.agent as HttpAgent
  }

  /** How many shares there are. */
  get users(): number {
    return this.#entry.users
  }

  /** Gives the share back; the last one closes the sockets. Further calls do nothing. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    const entry = this.#entry
    entry.users--
    if (entry.users > 0) return
    if (processState.agents.get(this.#key) === entry) processState.agents.delete(this.#key)
    entry.agent.destroy()
  }
}

function toAgentKey(origin: string, { ca, proxy }: TlsOptions): string {
  const parts = [ca, proxy?.href].filter((part) => part !== undefined)
  return parts.length === 0 ? origin : `${origin}#${createHash('sha256').update(parts.join('\n')).digest('hex')}`
}

function createAgent(origin: string, { ca, proxy }: TlsOptions): HttpAgent {
  if (!origin.startsWith('https:')) return new HttpAgent(POOL_OPTIONS)
  const options = toAgentOptions(ca)
  return proxy === undefined ? new HttpsAgent(options) : new TunnelAgent({ proxy, ca }, options)
}

const POOL_OPTIONS = {
  keepAlive: true,
  maxSockets: MAX_SOCKETS,
  maxFreeSockets: MAX_SOCKETS,
  timeout: IDLE_SOCKET_MS,
  scheduling: 'lifo' as const,
}

/** How this package keeps connections over TLS. */
export function toAgentOptions(ca: string | undefined): AgentOptions {
  return { ...POOL_OPTIONS, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) }
}

/**
 * Makes `url` known as one of our own; a url that ends in a slash stands for everything below it unless it is exact.
 *
 * @returns a function that takes it back, effective once.
 */
export function registerEndpoint(url: string, { isExact = false }: { readonly isExact?: boolean } = {}): () => void {
  const plain = toPlainUrl(url) ?? url
  const key = isExact ? `${plain}${EXACT}` : plain
  const { endpoints } = processState
  endpoints.set(key, (endpoints.get(key) ?? 0) + 1)
  let isRegistered = true
  return () => {
    if (!isRegistered) return
    isRegistered = false
    const left = (endpoints.get(key) ?? 1) - 1
    if (left > 0) endpoints.set(key, left)
    else endpoints.delete(key)
  }
}

/** Whether `url` is an address some tracer of this process sends its own data to. */
export function isOwnEndpoint(url: string): boolean {
  const { endpoints } = processState
  if (endpoints.size === 0) return false
  const plain = toPlainUrl(url)
  // A path alone, as server instrumentations name it, is no address that anything is sent to.
  if (plain === undefined) return false
  if (endpoints.has(`${plain}${EXACT}`)) return true
  for (let end = plain.length; end > 0; end = plain.lastIndexOf('/', end - 2) + 1) {
    if (endpoints.has(plain.slice(0, end))) return true
  }
  return false
}

/** Marks an endpoint that does not stand for what is below it; no plain url holds it. */
const EXACT = '#'

/** Origin and path, without query, fragment or user info; `undefined` for what is no absolute URL. */
function toPlainUrl(url: string): string | undefined {
  try {
    const { origin, pathname } = new URL(url)
    return `${origin}${pathname}`
  } catch {
    return undefined
  }
}
