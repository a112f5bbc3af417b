import { NativeMap, reflectGet, NativeProxy } from '../builtins.js'
import type { Agent } from 'node:http'
import { silencePromise } from '../promises.js'
import { ExchangeError } from './exchange.js'
import { HttpsAgent } from './node-http.js'
import { findProxy, type ProxyRules, TunnelAgent } from './proxy.js'
import { type AgentLease, leaseAgent, toAgentOptions } from './sockets.js'

/** Makes connections in place of this package's own: an agent of Node, or a function that gives the one for a URL. */
export type AgentChoice = Agent | ((url: URL) => Agent | null | undefined)

/** How one tracer reaches servers. */
export interface ConnectionOptions {
  /** @defaultValue agents of this package, shared by the tracers of the process that connect in the same way */
  readonly agent?: AgentChoice | undefined
  /** Certificate authorities to trust instead of those of Node, PEM. */
  readonly ca?: string | undefined
  /** @defaultValue every host is reached directly */
  readonly proxy?: ProxyRules | undefined
}

/** The way to one URL. */
export interface Route {
  readonly agent: Agent
  /** Proxy that is asked for the URL in place of its host. */
  readonly relay: URL | undefined
  readonly ca: string | undefined
}

interface Tunnel {
  readonly inner: HttpsAgent
  readonly agent: TunnelAgent
}

interface OriginLease {
  readonly origin: string
  readonly lease: AgentLease
}

const NO_LEASES: readonly OriginLease[] = []

/**
 * The connections of one tracer. Those of an agent that was given are that agent's, so tracers share them only where they were
 * given the same one; all others are shared by tracers that connect in the same way.
 */
export class Connections {
  readonly #options: ConnectionOptions
  /** Made anew with each: most tracers have one, which takes a map ten times the room. */
  #leases: readonly OriginLease[] = NO_LEASES
  /** Few tracers have any. */
  #tunnels: Map<string, Tunnel> | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** @throws ExchangeError when the function given as `agent` throws, or gives something else. */
  routeTo(url: URL): Route {
    const { ca } = this.#options
    const proxy = findProxy(url, this.#options.proxy)
    const isTunnelled = proxy !== undefined && url.protocol === 'https:'
    if (isTunnelled) return { agent: this.#tunnel(url, proxy), relay: undefined, ca: undefined }
    const target = proxy ?? url
    const given = this.#given(target)
    if (given !== undefined) return { agent: forProtocol(given, target.protocol), relay: proxy, ca }
    return { agent: this.#lease(target, proxy).agent, relay: proxy, ca: undefined }
  }

  /** How many tracers have a share in the connections of this one, itself included. */
  get sharers(): number {
    let most = 1
    for (const { lease } of this.#leases) most = Math.max(most, lease.users)
    return most
  }

  /** Gives back what is ours; an agent that was given is left as it is. */
  close(): void {
    for (const { lease } of this.#leases) lease.release()
    for (const { agent } of this.#tunnels?.values() ?? []) agent.destroy()
    this.#leases = NO_LEASES
    this.#tunnels = undefined
  }

  #tunnel(url: URL, proxy: URL): Agent {
    const inner = this.#given(url)
    if (inner === undefined) return this.#lease(url, proxy).agent
    // Any other would make a connection of its own, past the proxy.
    if (!(inner instanceof HttpsAgent)) throw new ExchangeError('network', NO_TLS_AGENT, true)
    this.#tunnels ??= new NativeMap()
    const known = this.#tunnels.get(url.origin)
    if (known?.inner === inner) return known.agent
    known?.agent.destroy()
    const agent = new TunnelAgent({ proxy, inner, ca: this.#options.ca }, toAgentOptions(this.#options.ca))
    this.#tunnels.set(url.origin, { inner, agent })
    return agent
  }

  #lease({ origin }: URL, proxy: URL | undefined): AgentLease {
    const known = this.#leases.find((each) => each.origin === origin)
    if (known !== undefined) return known.lease
    const lease = leaseAgent(origin, { ca: this.#options.ca, proxy })
    // Made of its length: an array that grows holds room for sixteen more.
    this.#leases = this.#leases.concat({ origin, lease })
    return lease
  }

  #given(url: URL): Agent | undefined {
    const { agent } = this.#options
    if (agent === undefined || isAgent(agent)) return agent
    const chosen = ask(agent, url)
    if (chosen === undefined || chosen === null) return undefined
    if (isAgent(chosen)) return chosen
    silencePromise(chosen)
    throw new ExchangeError('network', 'the function given as `agent` gave no http.Agent or https.Agent', true)
  }
}

const NO_TLS_AGENT =
  'the `agent` is no https.Agent, so it cannot speak TLS through `proxy`. Give an https.Agent, or leave out one of the two'

function ask(choose: (url: URL) => unknown, url: URL): unknown {
  try {
    return choose(new URL(url))
  } catch {
    // What it threw may hold anything.
    throw new ExchangeError('network', 'the function given as `agent` threw', true)
  }
}

/** What Node takes as an agent; some are functions. */
export function isAgent(value: unknown): value is Agent {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isHolder && 'addRequest' in value && typeof value.addRequest === 'function'
}

/**
 * The agents of `agent-base`, which most agents for proxies are made of, serve both protocols and look at the stack for Node's own
 * `https.request` to tell which one they are asked about; our requests do not pass there.
 */
function forProtocol(agent: Agent, protocol: string): Agent {
  const own = (agent as { readonly protocol?: unknown }).protocol
  if (own === protocol || own === undefined || Object.hasOwn(agent, 'protocol')) return agent
  const defaultPort = protocol === 'https:' ? 443 : 80
  return new NativeProxy(agent, {
    get(target, key) {
      if (key === 'protocol') return protocol
      if (key === 'defaultPort') return defaultPort
      const value: unknown = reflectGet(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
