import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent as HttpAgent, createServer, get, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'
import { processState } from '../../src/context/globals.js'
import { HoneyHiveConfigError, HoneyHiveTracer, type TracerOptions } from '../../src/index.js'
import { runFixture } from '../faults/run-fixture.js'
import { type Certificate, makeCertificate } from '../fixtures/certificate.js'

let home: Certificate
let stranger: Certificate
const servers: Server[] = []
const sockets = new Set<Socket>()

beforeAll(() => {
  home = makeCertificate()
  stranger = makeCertificate()
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const server of servers.splice(0)) server.close()
})

async function listen(server: Server): Promise<number> {
  server.on('connection', (socket: Socket) => sockets.add(socket))
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

interface Asked {
  readonly path: string
  readonly from: number
  readonly client: string | undefined
}

/** A server that answers as HoneyHive does, and tells from which socket and which client it was asked. */
async function startServer({ tls = home, asksForClient = false }: { tls?: Certificate | undefined; asksForClient?: boolean } = {}) {
  const asked: Asked[] = []
  const answer = (request: IncomingMessage, response: { end(text: string): void; setHeader(name: string, value: string): void }): void => {
    const { remotePort = 0 } = request.socket
    const client = asksForClient ? String((request.socket as TLSSocket).getPeerCertificate().subject?.CN) : undefined
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    request.on('end', () => {
      asked.push({ path: `${request.method} ${request.url}`, from: remotePort, client })
      response.setHeader('content-type', 'application/json')
      const { session, event_id: id } = JSON.parse(text === '' ? '{}' : text) as { session?: { session_id: string }; event_id?: string }
      response.end(JSON.stringify({ session_id: session?.session_id, event_id: id }))
    })
  }
  const client = asksForClient ? { requestCert: true, rejectUnauthorized: true, ca: stranger.cert } : {}
  const port = await listen(createTlsServer({ ...tls, ...client }, answer))
  return { asked, url: `https://localhost:${port}` }
}

async function startProxy(tls?: Certificate): Promise<{ readonly url: string; readonly lines: string[] }> {
  const lines: string[] = []
  const server = tls === undefined ? createServer() : createTlsServer(tls)
  server.on('connect', ({ url }: IncomingMessage, socket: Socket) => {
    lines.push(`CONNECT ${url}`)
    const onward = connect(Number(url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    sockets.add(onward)
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
  })
  const port = await listen(server)
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`, lines }
}

const said: string[] = []
const logger = { debug: () => undefined, warn: (line: string) => void said.push(line), error: () => undefined }
const SENT = ['POST /opentelemetry/v1/traces', 'POST /session/start', 'PUT /events']

/** Records a span with `options` and shuts down. */
async function deliver(serverUrl: string, options: TracerOptions, timeoutMs = 30_000) {
  said.length = 0
  const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl, logger, ...options })
  tracer.startSpan('step').end()
  const hasArrived = await tracer.shutdown(timeoutMs)
  return { hasArrived, stats: tracer.stats() }
}

const pathsOf = (asked: readonly Asked[]): string[] => asked.map(({ path }) => path).sort()

describe('ca', () => {
  test.each([
    ['text', () => home.cert],
    ['a buffer', () => Buffer.from(home.cert)],
    ['a list', () => [stranger.cert, Buffer.from(home.cert)]],
    ['text with several', () => `# company\n${stranger.cert}\n${home.cert}`],
  ])('given as %s, is trusted by spans and REST calls', async (_, ca) => {
    const { url, asked } = await startServer()
    expect(await deliver(url, { ca: ca() })).toMatchObject({ hasArrived: true, stats: { exported: 1 } })
    expect(pathsOf(asked)).toEqual(SENT)
    expect(said).toEqual([])
  })

  test('given as the path of a file, is read when the tracer is made', async () => {
    const { url } = await startServer()
    const directory = mkdtempSync(join(tmpdir(), 'authority-'))
    const file = join(directory, 'ca.pem')
    writeFileSync(file, home.cert)
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: url, logger, ca: file })
    rmSync(directory, { recursive: true })
    tracer.startSpan('step').end()
    expect(await tracer.shutdown(30_000)).toBe(true)
  })

  test('one that does not vouch for the server is said at once with what to do, and the loss is counted', async () => {
    const { url, asked } = await startServer()
    const { hasArrived, stats } = await deliver(url, { ca: stranger.cert, batch: { retryBudgetMs: 0 } })
    expect([hasArrived, stats.exported, stats.dropped.retryExhausted]).toEqual([false, 0, 1])
    expect(asked).toEqual([])
    expect(said.join('\n')).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT.*Give its certificate authority as `ca`.*NODE_EXTRA_CA_CERTS/)
    expect(stats.lastError).toContain('Give its certificate authority as `ca`')
  })

  test('while it is tried again, the first attempt has said what to do', async () => {
    const { url } = await startServer()
    const { stats } = await deliver(url, {}, 300)
    expect(stats.dropped.shutdownTimeout).toBe(1)
    expect(said[0]).toContain('Give its certificate authority as `ca`')
  })

  test('what Node is told to trust besides is trusted', async () => {
    const { url, asked } = await startServer()
    const directory = mkdtempSync(join(tmpdir(), 'authority-'))
    const file = join(directory, 'ca.pem')
    writeFileSync(file, home.cert)
    const ending = await runFixture('accidents.ts', { SERVER_URL: url, MODE: 'exitAfterFlush', NODE_EXTRA_CA_CERTS: file })
    expect(ending).toMatchObject({ code: 3, stderr: '' })
    expect(pathsOf(asked)).toContain('POST /opentelemetry/v1/traces')
    rmSync(directory, { recursive: true })
  })

  test('holds for the server behind a proxy, and for a proxy that is reached by https itself', async () => {
    for (const proxyTls of [undefined, home]) {
      const { url, asked } = await startServer()
      const proxy = await startProxy(proxyTls)
      expect((await deliver(url, { ca: home.cert, proxy: proxy.url })).hasArrived).toBe(true)
      expect(pathsOf(asked)).toEqual(SENT)
      expect(new Set(proxy.lines)).toEqual(new Set([`CONNECT localhost:${new URL(url).port}`]))
    }
  })

  test('tracers with different ones share no socket', async () => {
    const { url, asked } = await startServer()
    const one = HoneyHiveTracer.init({ apiKey: 'a', serverUrl: url, logger, ca: home.cert, skipSessionCreation: true })
    const other = HoneyHiveTracer.init({
      apiKey: 'b',
      serverUrl: url,
      logger,
      ca: [home.cert, stranger.cert],
      skipSessionCreation: true,
    })
    for (const tracer of [one, other, one, other]) {
      tracer.startSpan('step').end()
      expect(await tracer.forceFlush()).toBe(true)
    }
    const [first, second, third, fourth] = asked.map(({ from }) => from)
    expect([third, fourth]).toEqual([first, second])
    expect(first).not.toBe(second)
    await Promise.all([one.shutdown(), other.shutdown()])
    expect(processState.agents.size).toBe(0)
  })

  test.each([
    ['/no/such/file.pem', 'a file that cannot be read (ENOENT)'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'no certificate can be read'],
    ['', '""'],
  ])('one that cannot be read is a wrong setting: %j', (ca, expected) => {
    expect(() => HoneyHiveTracer.init({ apiKey: 'key', ca })).toThrow(HoneyHiveConfigError)
    expect(() => HoneyHiveTracer.init({ apiKey: 'key', ca })).toThrow(expected)
  })
})

describe('agent', () => {
  /** An agent that counts the connections it makes. */
  class CountingAgent extends HttpsAgent {
    made = 0
    override createConnection(...given: Parameters<HttpsAgent['createConnection']>): ReturnType<HttpsAgent['createConnection']> {
      this.made++
      return super.createConnection(...given)
    }
  }

  test('makes the connections of spans and REST calls, with its own options; it is left open', async () => {
    const { url, asked } = await startServer({ asksForClient: true })
    const agent = new CountingAgent({ keepAlive: true, maxSockets: 1, ca: home.cert, key: stranger.key, cert: stranger.cert })
    expect((await deliver(url, { agent })).hasArrived).toBe(true)
    expect([pathsOf(asked), new Set(asked.map(({ client }) => client)), agent.made]).toEqual([SENT, new Set(['localhost']), 1])
    expect(Object.keys(agent.freeSockets)).toHaveLength(1)
    expect(processState.agents.size).toBe(0)
    expect((await deliver(url, { agent })).hasArrived).toBe(true)
    expect(agent.made).toBe(1)
    agent.destroy()
  })

  test('trusts `ca` beside what it says itself', async () => {
    const { url } = await startServer()
    const agent = new CountingAgent()
    expect((await deliver(url, { agent, ca: home.cert })).hasArrived).toBe(true)
    expect(agent.made).toBeGreaterThan(0)
  })

  test('a function gives the agent for each URL, or none', async () => {
    const [one, two] = [await startServer(), await startServer()]
    const agent = new CountingAgent({ ca: home.cert })
    const seen = new Set<string>()
    const choose = (url: URL): HttpsAgent | undefined => {
      seen.add(url.href)
      return url.href.startsWith(one.url) ? agent : undefined
    }
    const options = { agent: choose, ca: home.cert, exportUrl: `${two.url}/v1/traces` }
    expect((await deliver(one.url, options)).hasArrived).toBe(true)
    expect(seen).toEqual(new Set([`${one.url}/session/start`, `${one.url}/events`, `${two.url}/v1/traces`]))
    expect([agent.made > 0, pathsOf(two.asked)]).toEqual([true, ['POST /v1/traces']])
    expect(processState.agents.size).toBe(0)
  })

  test.each<[string, () => TracerOptions, RegExp]>([
    [
      'throws',
      () => ({
        agent: () => {
          throw new Error('secret')
        },
      }),
      /the function given as `agent` threw/,
    ],
    ['gives something else', () => ({ agent: () => 'secret' as never }), /gave no http.Agent or https.Agent/],
    ['gives one for another protocol', () => ({ agent: () => new HttpAgent() }), /ERR_INVALID_PROTOCOL.*Give an https.Agent for https:/],
    [
      'cannot speak TLS through a proxy',
      () => ({ agent: new HttpAgent(), proxy: 'http://127.0.0.1:9' }),
      /cannot speak TLS through `proxy`/,
    ],
  ])('one that %s is said at once with what to do, and nothing goes another way', async (_, toOptions, expected) => {
    const { url, asked } = await startServer()
    const { stats } = await deliver(url, { ca: home.cert, batch: { retryBudgetMs: 0 }, ...toOptions() })
    expect(stats.dropped.retryExhausted).toBe(1)
    expect(asked).toEqual([])
    expect(said.join('\n')).toMatch(expected)
    expect(said.join('\n')).not.toContain('secret')
  })

  test('speaks TLS through the tunnel of `proxy`', async () => {
    const { url, asked } = await startServer({ asksForClient: true })
    const proxy = await startProxy()
    const agent = new CountingAgent({ ca: home.cert, key: stranger.key, cert: stranger.cert })
    expect((await deliver(url, { agent, proxy: proxy.url })).hasArrived).toBe(true)
    expect(new Set(asked.map(({ client }) => client))).toEqual(new Set(['localhost']))
    expect([agent.made, proxy.lines.length]).toEqual([proxy.lines.length, agent.made])
    expect(agent.made).toBeGreaterThan(0)
  })

  test('one made of agent-base, which asks the stack for its protocol, works for both', async () => {
    const { url, asked } = await startServer()
    const proxy = await startProxy()
    const agent = new HttpsProxyAgent(proxy.url, { ca: home.cert })
    expect((await deliver(url, { agent, ca: home.cert })).hasArrived).toBe(true)
    expect([pathsOf(asked), proxy.lines.length > 0]).toEqual([SENT, true])
  })

  test('the proxies of the environment do not count beside it', () => {
    const env = { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: 'http://proxy:1' }
    expect(resolveConfig({ apiKey: 'key', agent: new HttpsAgent() }, env).proxy).toBeUndefined()
    expect(resolveConfig({ apiKey: 'key' }, env).proxy).toBeDefined()
  })

  test('a request of the host that waits for our socket holds the process as one without us does', async () => {
    let hold: (release: () => void) => void = () => undefined
    const held = new Promise<() => void>((resolve) => {
      hold = resolve
    })
    const port = await listen(
      createServer((request, response) => {
        if (request.url === '/host') hold(() => response.end())
        else setTimeout(() => response.end('{}'), 50)
      }),
    )
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
    const tracer = HoneyHiveTracer.init({ apiKey: 'key', serverUrl: `http://127.0.0.1:${port}`, agent, skipSessionCreation: true })
    tracer.startSpan('step').end()
    const flushed = tracer.forceFlush()
    while (Object.keys(agent.sockets).length === 0) await new Promise(setImmediate)
    const host = get({ host: '127.0.0.1', port, path: '/host', agent })
    expect(Object.keys(agent.requests)).toHaveLength(1)
    const release = await held
    // One end of the connection is the server's.
    expect(countSockets()).toBe(2)
    release()
    await Promise.all([once(host, 'response'), flushed])
    await tracer.shutdown()
    agent.destroy()
  })
})

/** Sockets that hold the process. */
function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}
