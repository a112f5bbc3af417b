import { Agent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { type ConnectionOptions, Connections, isAgent } from '../../src/export/connections.js'
import { TunnelAgent } from '../../src/export/proxy.js'

const open: Connections[] = []
afterEach(() => {
  for (const connections of open.splice(0)) connections.close()
})

function connect(options: ConnectionOptions): Connections {
  const connections = new Connections(options)
  open.push(connections)
  return connections
}

const HTTP = new URL('http://one.invalid:81/path')
const HTTPS = new URL('https://one.invalid/path')
const OTHER = new URL('https://two.invalid/path')
const PROXY = { http: 'http://proxy.invalid:3128', https: 'http://proxy.invalid:3128', except: 'direct.invalid' }

/** As the agents of `agent-base`: its protocol is asked for, and its methods need it as `this`. */
class BothProtocols extends HttpsAgent {
  readonly #asked: string[] = []
  get protocol(): string {
    return 'https:'
  }
  set protocol(_: string) {
    // Node's own constructor writes it.
  }
  get asked(): readonly string[] {
    return this.#asked
  }
  note(what: string): void {
    this.#asked.push(what)
  }
}

describe('an agent that was given', () => {
  it('is used as it is, with the certificates that were given beside it', () => {
    const agent = new Agent()
    expect(connect({ agent, ca: 'pem' }).routeTo(HTTP)).toEqual({ agent, relay: undefined, ca: 'pem' })
  })

  it('is asked for each URL, and may leave one to this package', () => {
    const mine = new HttpsAgent()
    const asked: string[] = []
    const connections = connect({
      agent: (url) => {
        asked.push(url.href)
        url.pathname = '/changed'
        return url.hostname === 'one.invalid' ? mine : url.port === '1' ? null : undefined
      },
    })
    const NEITHER = new URL('https://two.invalid:1/')
    expect(connections.routeTo(HTTPS).agent).toBe(mine)
    const own = [connections.routeTo(OTHER).agent, connections.routeTo(NEITHER).agent]
    for (const agent of own) expect([agent instanceof HttpsAgent, agent === mine]).toEqual([true, false])
    expect(asked).toEqual(['https://one.invalid/path', 'https://two.invalid/path', 'https://two.invalid:1/'])
    expect(HTTPS.pathname).toBe('/path')
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('with a key in it')
      },
      'the function given as `agent` threw',
    ],
    ['gives something else', () => ({ addRequest: true }) as never, 'the function given as `agent` gave no http.Agent or https.Agent'],
    ['gives a text', () => 'agent' as never, 'the function given as `agent` gave no http.Agent or https.Agent'],
  ])('as a function that %s is a failure that lasts, in words of ours', (_, agent, message) => {
    expect(() => connect({ agent }).routeTo(HTTPS)).toThrow(expect.objectContaining({ kind: 'network', isLasting: true, message }))
  })

  it('is told by the method that Node calls', () => {
    const callable = Object.assign(() => undefined, { addRequest: () => undefined })
    const given: readonly unknown[] = [
      new Agent(),
      new HttpsAgent(),
      callable,
      { addRequest: 1 },
      {},
      () => undefined,
      null,
      undefined,
      'agent',
      7,
    ]
    expect(given.map(isAgent)).toEqual([true, true, true, false, false, false, false, false, false, false])
  })

  it('that serves both protocols is told which one it is asked for', () => {
    const agent = new BothProtocols()
    const connections = connect({ agent })
    expect(connections.routeTo(HTTPS).agent).toBe(agent)
    const shown = connections.routeTo(HTTP).agent as BothProtocols & { defaultPort: number }
    expect([shown.protocol, shown.defaultPort, agent.protocol]).toEqual(['http:', 80, 'https:'])
    shown.note('one')
    expect(shown.asked).toEqual(['one'])
    expect(shown.maxSockets).toBe(agent.maxSockets)

    class Plain extends Agent {
      get protocol(): string {
        return 'http:'
      }
      set protocol(_: string) {
        // As above.
      }
    }
    const secure = connect({ agent: new Plain() }).routeTo(HTTPS).agent as Plain & { defaultPort: number }
    expect([secure.protocol, secure.defaultPort]).toEqual(['https:', 443])
  })

  it('whose protocol is a field of its own, or is not said, stays as it is', () => {
    const own = new Agent()
    const silent = Object.assign(() => undefined, { addRequest: () => undefined }) as never
    expect(connect({ agent: own }).routeTo(HTTPS).agent).toBe(own)
    expect(connect({ agent: () => silent }).routeTo(HTTPS).agent).toBe(silent)
  })
})

describe('connections of this package', () => {
  it('are one agent for each origin, shared by tracers that connect in the same way', () => {
    const [one, two, careful] = [connect({}), connect({}), connect({ ca: 'pem' })]
    const { agent } = one.routeTo(HTTPS)
    expect([one.routeTo(new URL('https://one.invalid/else')).agent, two.routeTo(HTTPS).agent]).toEqual([agent, agent])
    expect([one.routeTo(OTHER).agent === agent, careful.routeTo(HTTPS).agent === agent]).toEqual([false, false])
    expect([one.sharers, two.sharers, careful.sharers, connect({}).sharers]).toEqual([2, 2, 1, 1])
    two.close()
    expect([one.sharers, two.sharers]).toEqual([1, 1])
    expect(one.routeTo(HTTPS).agent).toBe(agent)
  })

  it('ask a proxy for http, tunnel https through it, and go around it where it is excepted', () => {
    const connections = connect({ proxy: PROXY, ca: 'pem' })
    const relayed = connections.routeTo(HTTP)
    expect([relayed.relay?.host, relayed.agent instanceof TunnelAgent]).toEqual(['proxy.invalid:3128', false])
    const tunnelled = connections.routeTo(HTTPS)
    expect([tunnelled.relay, tunnelled.ca, tunnelled.agent instanceof TunnelAgent]).toEqual([undefined, undefined, true])
    const direct = connections.routeTo(new URL('https://direct.invalid/'))
    expect([direct.relay, direct.agent instanceof TunnelAgent]).toEqual([undefined, false])
  })
})

describe('an agent that was given and a proxy', () => {
  it('speaks TLS inside of one tunnel for each origin, which ends with the tracer or with another agent', () => {
    let inner = new HttpsAgent()
    const connections = connect({ agent: () => inner, proxy: PROXY })
    const first = connections.routeTo(HTTPS).agent
    const ended: string[] = []
    const note = (agent: Agent, name: string): void => {
      const { destroy } = agent
      agent.destroy = () => {
        ended.push(name)
        destroy.call(agent)
      }
    }
    note(first, 'first')
    expect(first).toBeInstanceOf(TunnelAgent)
    expect(connections.routeTo(HTTPS).agent).toBe(first)
    const other = connections.routeTo(OTHER).agent
    note(other, 'other')
    expect([other === first, ended]).toEqual([false, []])

    inner = new HttpsAgent()
    const second = connections.routeTo(HTTPS).agent
    note(second, 'second')
    expect([second === first, ended]).toEqual([false, ['first']])
    expect(connections.routeTo(HTTPS).agent).toBe(second)

    connections.close()
    expect(ended.sort()).toEqual(['first', 'other', 'second'])
    expect(connections.routeTo(HTTPS).agent).not.toBe(second)
  })

  it('that cannot speak TLS is refused, because it would go past the proxy', () => {
    const agent = Object.assign(() => undefined, { addRequest: () => undefined }) as never
    expect(() => connect({ agent: () => agent, proxy: PROXY }).routeTo(HTTPS)).toThrow(/no https\.Agent, so it cannot speak TLS/)
  })
})
