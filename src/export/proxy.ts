import type { ClientRequest, ClientRequestArgs } from 'node:http'
import type { AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { HttpAgent, HttpsAgent } from './node-http.js'
import { beginRequest, toHostOptions } from './outgoing.js'

/** Which proxy requests go through. */
export interface ProxyRules {
  /** Proxy of requests to `http:` URLs. */
  readonly http: string | undefined
  /** Proxy of requests to `https:` URLs. */
  readonly https: string | undefined
  /** Hosts that are reached directly, as Node reads `NO_PROXY`. */
  readonly except: string
}

/** The proxy for `url`; `undefined` where it is reached directly. */
export function findProxy(url: URL, rules: ProxyRules | undefined): URL | undefined {
  const proxy = url.protocol === 'https:' ? rules?.https : rules?.http
  if (rules === undefined || proxy === undefined || isExcepted(url, rules.except)) return undefined
  return new URL(proxy)
}

/**
 * Whether an entry names the host: itself, `.domain` or `*.domain` for what is below, `host:port`, `*` for all, or a range
 * of IPv4 addresses `first-last`.
 *
 * @see Node.js, "Built-in Proxy Support", section "`NO_PROXY` format"
 */
function isExcepted({ protocol, hostname, port }: URL, except: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const withPort = `${host}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`
  return except
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false
      if (entry === '*' || entry === host || entry === withPort) return true
      if (/^\*?\./.test(entry)) return host.endsWith(entry.replace('*', ''))
      return isInRange(host, entry)
    })
}

function isInRange(host: string, entry: string): boolean {
  const [address, first, last] = [host, ...entry.split('-')].map(toNumber)
  return address !== undefined && first !== undefined && last !== undefined && first <= address && address <= last
}

/** An IPv4 address as a number. */
function toNumber(address: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1)
  return parts?.reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** The header a proxy knows its user by; none where its URL names no user. */
export function toProxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'Proxy-Authorization': `Basic ${Buffer.from(user).toString('base64')}` }
}

type CreateCallback = (error: Error | null, stream: Duplex) => void

/** Longest wait for a proxy to open the way, milliseconds: the limit of one request. */
const CONNECT_LIMIT_MS = 10_000

/** How a tunnel is made. */
export interface TunnelOptions {
  readonly proxy: URL
  /** Agent whose TLS is spoken through the tunnel. @defaultValue Node's with the options of the tunnel */
  readonly inner?: HttpsAgent | undefined
  /** Certificate authorities to trust instead of those of Node, PEM; the proxy's own certificate included. */
  readonly ca?: string | undefined
}

/** Keeps TLS connections that go through a proxy, which sees none of what is in them. */
export class TunnelAgent extends HttpsAgent {
  readonly #tunnel: TunnelOptions

  constructor(tunnel: TunnelOptions, options: AgentOptions) {
    super(options)
    this.#tunnel = tunnel
  }

  override createConnection(options: ClientRequestArgs, callback?: CreateCallback): undefined {
    // Node's types leave out that an agent is always given one.
    const done = callback as (error: Error | null, stream?: Duplex) => void
    const target = `${options.host?.includes(':') === true ? `[${options.host}]` : options.host}:${options.port ?? 443}`
    const request = connectThrough(this.#tunnel, target)
    request.once('error', (error) => done(error))
    request.once('socket', (socket) => socket.unref())
    request.setTimeout(CONNECT_LIMIT_MS, () => request.destroy(new Error('the proxy did not answer')))
    request.once('connect', ({ statusCode }, socket) => {
      request.setTimeout(0)
      socket.setTimeout(0)
      if (statusCode === 200) return this.#encrypt(options, socket, done)
      socket.destroy()
      done(Object.assign(new Error('the proxy refused'), { code: `proxy: HTTP ${statusCode}` }))
    })
    request.end()
    return undefined
  }

  /** Speaks TLS on the socket that leads to the server; an agent that was given does it with its own options. */
  #encrypt(options: ClientRequestArgs, socket: Duplex, done: (error: Error | null, stream?: Duplex) => void): void {
    const { inner } = this.#tunnel
    try {
      const through = { ...options, ...inner?.options, socket } as ClientRequestArgs
      const stream = inner === undefined ? super.createConnection(through) : inner.createConnection(through, done)
      if (stream) done(null, stream)
    } catch (error) {
      done(error instanceof Error ? error : new Error('the agent made no connection'))
    }
  }
}

function connectThrough({ proxy, ca }: TunnelOptions, target: string): ClientRequest {
  const isSecure = proxy.protocol === 'https:'
  const headers = { Host: target, ...toProxyAuthorization(proxy) }
  // One that keeps nothing: each tunnel has a connection of its own.
  const agent = isSecure ? new HttpsAgent({ ...(ca === undefined ? {} : { ca }) }) : new HttpAgent()
  return beginRequest({ method: 'CONNECT', ...toHostOptions(proxy), path: target, agent, headers }, headers)
}
