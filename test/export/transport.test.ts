import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { processState } from '../../src/context/globals.js'
import { isOwnEndpoint, leaseAgent, registerEndpoint } from '../../src/export/sockets.js'
import { toRequestHeaders } from '../../src/export/headers.js'
import { VERSION } from '../../src/version.js'
import { ApiKey } from '../../src/export/api-key.js'
import { HttpTransport, type HttpTransportOptions, type TransportRequest } from '../../src/export/transport.js'
import { type Certificate, makeCertificate } from '../fixtures/certificate.js'

let good: Certificate
let elsewhere: Certificate
const servers: Server[] = []

beforeAll(() => {
  good = makeCertificate('localhost')
  elsewhere = makeCertificate('elsewhere.example')
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const listenTls = (options: ServerOptions) => listen(createServer(options, (_, response) => response.end('{}')))

const send = async (serverUrl: string, ca?: string) => {
  const transport = new HttpTransport({ serverUrl, headers: {}, ca })
  return transport.send({ url: `${serverUrl}/x`, body: Buffer.from('{}'), timeoutMs: 30_000 }).finally(() => transport.close())
}

describe('TLS', () => {
  it('S18 accepts a certificate of the given authority', async () => {
    const port = await listenTls(good)
    expect((await send(`https://localhost:${port}`, good.cert)).status).toBe(200)
  })

  it('S18 refuses a self-signed certificate', async () => {
    const port = await listenTls(good)
    await expect(send(`https://localhost:${port}`)).rejects.toMatchObject({
      kind: 'network',
      message: expect.stringMatching(/SELF_SIGNED/),
    })
  })

  it('S18 refuses a certificate of another host', async () => {
    const port = await listenTls(elsewhere)
    await expect(send(`https://localhost:${port}`, elsewhere.cert)).rejects.toMatchObject({
      kind: 'network',
      message: expect.stringMatching(/ALTNAME/),
    })
  })

  it('S18 refuses TLS below 1.2', async () => {
    const port = await listenTls({ ...good, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await expect(send(`https://localhost:${port}`, good.cert)).rejects.toMatchObject({ kind: 'network' })
  })

  it('S18 does not speak TLS with a plain port', async () => {
    const port = await listen(createHttpServer())
    await expect(send(`https://localhost:${port}`)).rejects.toMatchObject({ kind: 'network' })
  })
})

describe('HttpTransport', () => {
  it('keeps at most 12 sockets to an origin over all tracers and closes them with the last', async () => {
    let open = 0
    let most = 0
    const server = createHttpServer((request, response) => request.resume().on('end', () => setTimeout(() => response.end('{}'), 20)))
    server.on('connection', (socket) => {
      most = Math.max(most, ++open)
      socket.on('close', () => open--)
    })
    const url = `http://127.0.0.1:${await listen(server)}`
    const transports = Array.from({ length: 50 }, () => new HttpTransport({ serverUrl: url, headers: {} }))
    await Promise.all(transports.map((transport) => transport.send({ url, body: Buffer.from('{}'), timeoutMs: 30_000 })))
    expect(most).toBeLessThanOrEqual(12)
    const closed = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (open > 0) return
        clearInterval(timer)
        resolve()
      }, 5)
    })
    for (const transport of transports) transport.close()
    await closed
    expect(processState.agents.size).toBe(0)
  })

  it('keeps the path of the base URL and sends one write with a length', async () => {
    const seen: unknown[] = []
    const url = `http://127.0.0.1:${await listen(
      createHttpServer((request, response) => {
        seen.push(request.url, request.headers['content-length'], request.headers['transfer-encoding'])
        request.resume()
        response.end()
      }),
    )}/base/`
    const transport = new HttpTransport({ serverUrl: url, headers: {} })
    await transport.send({ url: transport.tracesUrl, body: Buffer.from('{}'), timeoutMs: 30_000 })
    expect(seen).toEqual(['/base/opentelemetry/v1/traces', '2', undefined])
    expect(isOwnEndpoint(`${url}opentelemetry/v1/traces?x=1`)).toBe(true)
    expect(isOwnEndpoint(`${url}other`)).toBe(false)
    transport.close()
    expect(isOwnEndpoint(`${url}opentelemetry/v1/traces`)).toBe(false)
  })
})

describe('a request', () => {
  async function listenAndEcho(): Promise<string> {
    const server = createHttpServer(async (request, response) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
      const { 'content-encoding': encoding, 'content-type': type, 'content-length': length, 'x-own': own } = request.headers
      const body = encoding === 'gzip' ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks)
      response.end(JSON.stringify({ method: request.method, encoding, type, isShort: Number(length) < 200, own, bytes: body.length }))
    })
    return `http://127.0.0.1:${await listen(server)}`
  }

  async function sendTo(url: string, options: Partial<HttpTransportOptions>, request: Partial<TransportRequest>): Promise<unknown> {
    const transport = new HttpTransport({ serverUrl: url, headers: { 'x-own': 'of the tracer' }, ...options })
    const reply = await transport.send({ url, timeoutMs: 30_000, ...request }).finally(() => transport.close())
    return JSON.parse(Buffer.from(reply.body).toString())
  }

  it('is compressed from 4,096 bytes on, or from what was given, where that is wanted', async () => {
    const url = await listenAndEcho()
    const sent = (bytes: number, options: Partial<HttpTransportOptions>) => sendTo(url, options, { body: Buffer.alloc(bytes, 'x') })
    expect(await sent(4_096, { compression: 'gzip' })).toMatchObject({ encoding: 'gzip', isShort: true, bytes: 4_096 })
    expect(await sent(4_095, { compression: 'gzip' })).toMatchObject({ isShort: false, bytes: 4_095 })
    expect(await sent(4_095, { compression: 'gzip' })).not.toHaveProperty('encoding')
    expect(await sent(300, { compression: 'gzip', compressFromBytes: 300 })).toMatchObject({ encoding: 'gzip', bytes: 300 })
    for (const compression of ['none', undefined] as const)
      expect(await sent(9_000, { compression })).toMatchObject({ isShort: false, bytes: 9_000 })
  })

  it('has the method, the type and the headers it is given, those of its own before those of the tracer', async () => {
    const url = await listenAndEcho()
    expect(await sendTo(url, {}, {})).toMatchObject({ method: 'POST', own: 'of the tracer', bytes: 0 })
    const given = { method: 'PUT', contentType: 'text/plain', headers: { 'x-own': 'of the request' }, body: Buffer.from('a') } as const
    expect(await sendTo(url, {}, given)).toMatchObject({ method: 'PUT', type: 'text/plain', own: 'of the request', bytes: 1 })
    expect(await sendTo(url, {}, { body: Buffer.from('a') })).not.toHaveProperty('type')
  })

  it('is not made once the transport is closed, and says so', async () => {
    const transport = new HttpTransport({ serverUrl: 'http://127.0.0.1:9', headers: {} })
    transport.close()
    transport.close()
    await expect(transport.send({ url: 'http://127.0.0.1:9/x', timeoutMs: 30_000 })).rejects.toThrow('the transport is closed')
    expect(processState.agents.size).toBe(0)
  })

  it('may be tried again with another key only where the key can change', () => {
    const keys = [() => 'other', undefined].map((ask) => new ApiKey({ known: 'key', ask, onKey: () => undefined }))
    const transports = [undefined, ...keys].map((key) => new HttpTransport({ serverUrl: 'http://127.0.0.1:9', headers: {}, key }))
    expect(transports.map(({ hasRenewableKey }) => hasRenewableKey)).toEqual([false, true, false])
    for (const transport of transports) transport.close()
  })
})

describe('sharers', () => {
  it('counts the transports that have sent to the same address and are not closed', async () => {
    const port = await listen(createHttpServer((request, response) => request.resume().on('end', () => response.end('{}'))))
    const transports = Array.from({ length: 3 }, () => new HttpTransport({ serverUrl: `http://127.0.0.1:${port}`, headers: {} }))
    const [first] = transports as [HttpTransport]
    expect(first.sharers).toBe(1)
    for (const transport of transports) await transport.send({ url: transport.tracesUrl, body: Buffer.from('{}'), timeoutMs: 30_000 })
    expect(first.sharers).toBe(3)
    transports[2]?.close()
    expect(first.sharers).toBe(2)
    for (const transport of transports) transport.close()
  })
})

describe('exportUrl', () => {
  const user = { 'x-team': 'a', authorization: 'Basic collector' }
  const headersFor = (apiKey: string | undefined) => toRequestHeaders({ apiKey, source: 'dev', headers: user })
  const seen: { url: string | undefined; headers: IncomingHttpHeaders }[] = []

  function listenAndSee(): Promise<number> {
    const server = createHttpServer((request, response) => {
      seen.push({ url: request.url, headers: request.headers })
      request.resume().on('end', () => response.end('{}'))
    })
    return listen(server)
  }

  async function sendBoth(serverUrl: string, exportUrl: string): Promise<HttpTransport> {
    seen.length = 0
    const transport = new HttpTransport({ serverUrl, exportUrl, headers: headersFor('hh_key'), foreignHeaders: headersFor(undefined) })
    await transport.send({ url: transport.tracesUrl, body: Buffer.from('{}'), timeoutMs: 2_000 })
    await transport.send({ url: `${transport.baseUrl}/events`, body: Buffer.from('{}'), timeoutMs: 2_000 })
    return transport
  }

  it('takes traces exactly there, without the key when the origin is not the server', async () => {
    const [home, collector] = [await listenAndSee(), await listenAndSee()]
    const transport = await sendBoth(`http://127.0.0.1:${home}`, `http://127.0.0.1:${collector}/v1/traces/?tenant=7`)
    expect(seen).toMatchObject([
      { url: '/v1/traces/?tenant=7', headers: { authorization: 'Basic collector', 'x-team': 'a', host: `127.0.0.1:${collector}` } },
      { url: '/events', headers: { authorization: 'Bearer hh_key', 'x-team': 'a', host: `127.0.0.1:${home}` } },
    ])
    expect(JSON.stringify(seen[0])).not.toContain('hh_key')
    transport.close()
    expect(processState.agents.size).toBe(0)
  })

  it('gets the key on the origin of the server, whatever its path', async () => {
    const port = await listenAndSee()
    const transport = await sendBoth(`http://127.0.0.1:${port}/base`, `http://127.0.0.1:${port}/v1/traces`)
    expect(seen).toMatchObject([
      { url: '/v1/traces', headers: { authorization: 'Bearer hh_key' } },
      { url: '/base/events', headers: { authorization: 'Bearer hh_key' } },
    ])
    transport.close()
  })

  it('is an endpoint of our own like those of the server, and stands for nothing below it', () => {
    const transport = new HttpTransport({ serverUrl: 'https://api.example', exportUrl: 'https://collector.example/', headers: {} })
    expect(isOwnEndpoint('https://collector.example/?x=1')).toBe(true)
    expect(isOwnEndpoint('https://collector.example/orders')).toBe(false)
    expect(isOwnEndpoint('https://api.example/events')).toBe(true)
    transport.close()
    expect(processState.endpoints.size).toBe(0)
  })
})

describe('registerEndpoint', () => {
  it('counts users, and a url ending in a slash stands for all below it', () => {
    const take = [registerEndpoint('https://a.example/v1/'), registerEndpoint('https://a.example/v1/')]
    expect(
      ['https://a.example/v1/runs/7', 'https://user:pw@a.example/v1/x', 'https://a.example/v2', 'https://b.example/v1/x', 'no url'].map(
        isOwnEndpoint,
      ),
    ).toEqual([true, true, false, false, false])
    take[0]?.()
    take[0]?.()
    expect(isOwnEndpoint('https://a.example/v1/runs')).toBe(true)
    take[1]?.()
    expect(isOwnEndpoint('https://a.example/v1/runs')).toBe(false)
  })
})

describe('isOwnEndpoint', () => {
  it('answers for what is no absolute url: server instrumentations name a path alone', () => {
    const takeBack = registerEndpoint('https://a.example/')
    for (const url of ['/', '/v1/traces?x=1', '//', '//a.example/', '?', '', '*', 'a.example:443', 'https://', 'mailto:a', 'file:///a'])
      expect([url, isOwnEndpoint(url)]).toEqual([url, false])
    takeBack()
  })
})

describe('leaseAgent', () => {
  it('shares by origin and certificate authority, and returns each share once', () => {
    const [one, two, other] = [
      leaseAgent('https://a.example'),
      leaseAgent('https://a.example'),
      leaseAgent('https://a.example', { ca: 'x' }),
    ]
    expect(one.agent).toBe(two.agent)
    expect(other.agent).not.toBe(one.agent)
    one.release()
    one.release()
    expect(processState.agents.get('https://a.example')?.users).toBe(1)
    two.release()
    other.release()
    expect(processState.agents.size).toBe(0)
  })

  it('closes the idle sockets with the last share, and not before', async () => {
    const server = createHttpServer((_, response) => response.end('{}'))
    // It closes none itself.
    server.keepAliveTimeout = 0
    const port = await listen(server)
    const serverUrl = `http://127.0.0.1:${port}`
    const [first, last] = [new HttpTransport({ serverUrl, headers: {} }), new HttpTransport({ serverUrl, headers: {} })]
    const opened = once(server, 'connection')
    const ask = (transport: HttpTransport) => transport.send({ url: `${serverUrl}/x`, body: Buffer.from('{}'), timeoutMs: 30_000 })
    await Promise.all([ask(first), ask(last)])
    first.close()
    const [socket] = (await opened) as [Socket]
    expect(socket.destroyed).toBe(false)
    const ended = once(socket, 'end')
    last.close()
    await ended
  })
})

describe('toRequestHeaders', () => {
  const options = { apiKey: 'hh_key', source: 'dev' }

  it('names key, source and client, and lets the user add but not replace', () => {
    expect(toRequestHeaders({ ...options, headers: { 'x-team': 'a', authorization: 'Bearer other', 'Content-Length': '1' } })).toEqual({
      'x-team': 'a',
      'User-Agent': expect.stringMatching(/^honeyhive-tracer\/\S+ OTel-OTLP-Exporter-JavaScript\/\d/),
      Authorization: 'Bearer hh_key',
      'X-Source': 'dev',
      'hh-client-package': 'honeyhive-tracer',
      'hh-client-version': VERSION,
      'hh-client-language': 'typescript',
    })
  })

  it('puts the product of the user in front of the standard user agent', () => {
    const { version } = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/package.json') as { version: string }
    const own = `honeyhive-tracer/${VERSION} OTel-OTLP-Exporter-JavaScript/${version}`
    const sent = toRequestHeaders({ ...options, headers: { 'user-agent': 'shop/7' } })
    expect(sent['User-Agent']).toBe(`shop/7 ${own}`)
    expect(Object.keys(sent).filter((name) => name.toLowerCase() === 'user-agent')).toHaveLength(1)
    expect(() => toRequestHeaders({ ...options, headers: { 'user-agent': 'a\r\nb: c' } })).toThrow(/Invalid "headers.user-agent"/)
  })

  it('has no key for a host that is not HoneyHive, and lets the user give credentials of its own', () => {
    const sent = toRequestHeaders({ ...options, apiKey: undefined, headers: { authorization: 'Basic x' } })
    expect(sent).toMatchObject({ authorization: 'Basic x', 'hh-client-version': VERSION })
    expect(sent).not.toHaveProperty('Authorization')
  })

  it.each(['hh_key\r\nx-evil: 1', 'hh\nkey', 'hh\u0000key', 'hh😀key'])('S14 refuses the key %j without showing it', (apiKey) => {
    expect(() => toRequestHeaders({ ...options, apiKey })).toThrow(/^Invalid "apiKey"(?!.*hh)/s)
  })

  it('S14 refuses a header that starts another one', () => {
    expect(() => toRequestHeaders({ ...options, headers: { 'x-a': 'secret\r\nb: c' } })).toThrow(/^Invalid "headers.x-a"(?!.*secret)/s)
    expect(() => toRequestHeaders({ ...options, headers: { 'x a': 'b' } })).toThrow(/Invalid header name/)
  })

  it('escapes a source that cannot stand in a header', () => {
    expect(toRequestHeaders({ ...options, source: 'prüfung\n✓' })['X-Source']).toBe('pr%C3%BCfung%0A%E2%9C%93')
    expect(toRequestHeaders({ ...options, source: 'staging (eu)' })['X-Source']).toBe('staging (eu)')
  })
})
