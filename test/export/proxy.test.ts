import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'
import { findProxy, type ProxyRules, toProxyAuthorization } from '../../src/export/proxy.js'
import { HttpTransport } from '../../src/export/transport.js'
import { HoneyHiveConfigError, HoneyHiveTracer } from '../../src/index.js'
import { type Certificate, makeCertificate } from '../fixtures/certificate.js'
import { startReceiver } from '../fixtures/receiver.js'

const rules = (proxy: string | undefined, except = ''): ProxyRules => ({ http: proxy, https: proxy, except })

describe('findProxy', () => {
  const found = (url: string, except: string): boolean => findProxy(new URL(url), rules('http://proxy:3128', except)) !== undefined

  test.each([
    ['example.com', 'https://example.com/x', true],
    ['example.com', 'https://sub.example.com', false],
    ['other.com, EXAMPLE.com', 'https://example.com', true],
    ['.example.com', 'https://api.example.com', true],
    ['*.example.com', 'https://api.example.com', true],
    ['.example.com', 'https://notexample.com', false],
    ['example.com:8443', 'https://example.com:8443', true],
    ['example.com:8443', 'https://example.com', false],
    ['example.com:443', 'https://example.com', true],
    ['10.0.0.1-10.0.0.9', 'http://10.0.0.5', true],
    ['10.0.0.1-10.0.0.9', 'http://10.0.0.10', false],
    ['9.255.255.0-10.1.0.0', 'http://10.0.5.0', true],
    ['10.0.0.1-10.0.0.9', 'http://11.0.0.5', false],
    ['10.0.0.1-10.0.0.9', 'http://10.1.0.5', false],
    ['::1', 'http://[::1]:80', true],
    ['*', 'https://anything', true],
    ['', 'https://anything', false],
  ])('NO_PROXY "%s" and %s: direct %s', (except, url, isDirect) => {
    expect(found(url, except)).toBe(!isDirect)
  })

  test('the scheme of what is asked for chooses the proxy', () => {
    const both: ProxyRules = { http: 'http://for-http:1', https: undefined, except: '' }
    expect([findProxy(new URL('http://a'), both)?.hostname, findProxy(new URL('https://a'), both)]).toEqual(['for-http', undefined])
  })
})

describe('toProxyAuthorization', () => {
  const userOf = (url: string): string | undefined => {
    const header = toProxyAuthorization(new URL(url))['Proxy-Authorization']
    return header && Buffer.from(header.replace('Basic ', ''), 'base64').toString()
  }

  test('says user and password as they were before they were written into a URL, and nothing where there are none', () => {
    expect(userOf('http://user:p%40ss@proxy')).toBe('user:p@ss')
    expect([userOf('http://user@proxy'), userOf('http://:word@proxy'), userOf('http://proxy')]).toEqual(['user:', ':word', undefined])
  })
})

describe('settings', () => {
  const proxyOf = (proxy: string | false | undefined, env: Record<string, string>) => {
    const { disabled, proxy: resolved, warnings } = resolveConfig({ apiKey: 'key', proxy }, env)
    return { disabled, proxy: resolved, warnings }
  }
  const env = { HTTPS_PROXY: 'http://env-proxy:3128', NO_PROXY: 'a,b' }
  const off = { disabled: false, proxy: undefined, warnings: [] }

  test('variables count only where Node was told to use them; the option counts always', () => {
    const fromEnv = { disabled: false, proxy: { http: undefined, https: 'http://env-proxy:3128/', except: 'a,b' }, warnings: [] }
    expect(proxyOf(undefined, env)).toEqual(off)
    expect(proxyOf(undefined, { ...env, NODE_USE_ENV_PROXY: '1' })).toEqual(fromEnv)
    expect(proxyOf(undefined, { ...env, NODE_OPTIONS: '--max-old-space-size=99 --use-env-proxy' })).toEqual(fromEnv)
    expect(proxyOf(undefined, { ...env, NODE_USE_ENV_PROXY: '1', https_proxy: 'http://lower:1' }).proxy?.https).toBe('http://lower:1/')
    expect(proxyOf(false, { ...env, NODE_USE_ENV_PROXY: '1' })).toEqual(off)
    expect(proxyOf('http://user:word@mine:1', env).proxy).toEqual({
      http: 'http://user:word@mine:1/',
      https: 'http://user:word@mine:1/',
      except: 'a,b',
    })
  })

  test('one that cannot be read disables the tracer, because going around it is not what was meant', () => {
    const lost = proxyOf(undefined, { HTTPS_PROXY: 'proxy without a scheme', NODE_USE_ENV_PROXY: '1' })
    expect([lost.disabled, lost.warnings]).toEqual([true, [expect.stringContaining('HTTPS_PROXY is no http or https URL of a proxy')]])
    for (const proxy of ['', 'proxy:3128', 'socks5://p:1', 'http://p:1/path', 'http://p:1/?q', 5 as never])
      expect(() => HoneyHiveTracer.init({ apiKey: 'key', proxy })).toThrow(HoneyHiveConfigError)
    expect(() => HoneyHiveTracer.init({ proxy: 'ftp://user:secret-word@host' })).not.toThrow(/secret-word/)
  })
})

describe('requests', () => {
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  let certificate: Certificate

  beforeAll(() => {
    certificate = makeCertificate()
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  const listen = async (server: Server): Promise<number> => {
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /** A proxy that notes what it is asked for; names that end in `.invalid` stand for this machine. */
  const startProxy = async (answer?: number) => {
    const asked: { readonly line: string; readonly authorization: string | undefined; readonly key: string | undefined }[] = []
    const note = ({ method, url, headers }: IncomingMessage): void =>
      void asked.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'], key: headers.authorization })
    const server = createServer((incoming, outgoing) => {
      note(incoming)
      const target = new URL(incoming.url ?? '')
      const onward = httpRequest(
        { port: target.port, path: target.pathname, method: incoming.method, headers: incoming.headers },
        (reply) => {
          outgoing.writeHead(reply.statusCode ?? 0, reply.headers)
          reply.pipe(outgoing)
        },
      )
      incoming.pipe(onward)
    })
    server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
      note(incoming)
      sockets.add(socket)
      if (answer !== undefined) return void socket.end(`HTTP/1.1 ${answer} No\r\n\r\n`)
      const onward = connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
      sockets.add(onward)
      for (const end of [socket, onward]) end.on('error', () => end.destroy())
    })
    return { port: await listen(server), asked }
  }

  test('spans and REST calls to http go to the proxy, with the user of its URL; NO_PROXY is reached directly', async () => {
    const receiver = await startReceiver()
    const proxy = await startProxy()
    const { port } = new URL(receiver.url)
    const tracer = HoneyHiveTracer.init({
      apiKey: 'key',
      serverUrl: `http://tracing.invalid:${port}`,
      allowInsecureUrl: true,
      proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}`,
    })
    tracer.startSpan('step').end()
    expect(await tracer.shutdown()).toBe(true)
    expect(receiver.spans.map(({ name }) => name)).toEqual(['step'])
    expect(proxy.asked.map(({ line }) => line).sort()).toEqual([
      `POST http://tracing.invalid:${port}/opentelemetry/v1/traces`,
      `POST http://tracing.invalid:${port}/session/start`,
      `PUT http://tracing.invalid:${port}/events`,
    ])
    expect(proxy.asked[0]?.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    await receiver.close()
  })

  test('https is tunnelled: the proxy sees where to, never the key; connections are kept', async () => {
    const keys: (string | undefined)[] = []
    const port = await listen(
      createTlsServer(certificate, ({ headers }, response) => {
        keys.push(headers.authorization)
        response.end('{}')
      }),
    )
    const proxy = await startProxy()
    const serverUrl = `https://localhost:${port}`
    const transport = new HttpTransport({
      serverUrl,
      headers: { Authorization: 'Bearer key' },
      ca: certificate.cert,
      proxy: rules(`http://127.0.0.1:${proxy.port}`),
    })
    for (const body of ['1', '2'])
      expect((await transport.send({ url: `${serverUrl}/x`, body: Buffer.from(body), timeoutMs: 30_000 })).status).toBe(200)
    expect(keys).toEqual(['Bearer key', 'Bearer key'])
    expect(proxy.asked).toEqual([{ line: `CONNECT localhost:${port}`, authorization: undefined, key: undefined }])
    transport.close()
  })

  test('the certificate of the server counts behind the proxy too', async () => {
    const port = await listen(createTlsServer(certificate, (_, response) => response.end('{}')))
    const proxy = await startProxy()
    const serverUrl = `https://localhost:${port}`
    const transport = new HttpTransport({ serverUrl, headers: {}, proxy: rules(`http://127.0.0.1:${proxy.port}`) })
    await expect(transport.send({ url: `${serverUrl}/x`, timeoutMs: 30_000 })).rejects.toThrow(
      'the connection failed (DEPTH_ZERO_SELF_SIGNED_CERT)',
    )
    transport.close()
  })

  test('a proxy is asked for the usual port where there is none, for an address of IPv6 in brackets; and is left when it refuses', async () => {
    const lines: string[] = []
    const proxy = createServer()
    const ends: Promise<unknown>[] = []
    proxy.on('connect', ({ method, url }: IncomingMessage, socket: Socket) => {
      lines.push(`${method} ${url}`)
      ends.push(new Promise((resolve) => socket.once('end', resolve).once('error', resolve)))
      socket.on('error', () => socket.destroy())
      socket.resume()
      // It keeps the connection open.
      socket.write('HTTP/1.1 403 No\r\n\r\n')
    })
    const port = await listen(proxy)
    for (const serverUrl of ['https://tracing.invalid', 'https://[::1]:8443', 'https://[::1]']) {
      const transport = new HttpTransport({ serverUrl, headers: {}, proxy: rules(`http://127.0.0.1:${port}`) })
      await expect(transport.send({ url: `${serverUrl}/x`, timeoutMs: 30_000 })).rejects.toThrow('(proxy: HTTP 403)')
      transport.close()
    }
    expect(lines).toEqual(['CONNECT tracing.invalid:443', 'CONNECT [::1]:8443', 'CONNECT [::1]:443'])
    await Promise.all(ends)
  })

  test.each([
    ['refuses', 407],
    ['is not there', undefined],
  ])('a proxy that %s is trouble that is told, and nobody goes around it', async (_, answer) => {
    const port = await listen(createTlsServer(certificate, (_request, response) => response.end('{}')))
    const proxyPort = answer === undefined ? 1 : (await startProxy(answer)).port
    const serverUrl = `https://localhost:${port}`
    const transport = new HttpTransport({
      serverUrl,
      headers: {},
      ca: certificate.cert,
      proxy: rules(`http://127.0.0.1:${proxyPort}`),
    })
    const expected = answer === undefined ? 'ECONNREFUSED' : 'proxy: HTTP 407'
    await expect(transport.send({ url: `${serverUrl}/x`, timeoutMs: 30_000 })).rejects.toThrow(`the connection failed (${expected})`)
    transport.close()
  })
})
