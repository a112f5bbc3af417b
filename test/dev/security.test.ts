import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { connect } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished } from 'vitest'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { createPageFiles } from '../../src/dev/http/page-files.js'
import { listFolder } from '../../src/dev/http/page-folder.js'
import { cpuMs, cpuMsOf, leastBelow } from '../fixtures/cost.js'
import { call, KEY, newId, rawRequest, rawSocket, sendSpans, test, toExport } from './fixtures.js'

const ROUTES = [
  ['GET', '/'],
  ['GET', '/favicon.svg'],
  ['GET', '/api/projects'],
  ['GET', '/api/sessions'],
  ['GET', '/api/live'],
  ['GET', '/v1/runs'],
  ['GET', '/nowhere'],
  ['POST', '/v1/traces'],
  ['POST', '/session/start'],
  ['POST', '/events'],
  ['PUT', '/events'],
  ['DELETE', '/v1/sessions/x'],
  ['OPTIONS', '/v1/traces'],
] as const

const isEmpty = (server: DevServer): boolean => server.projects().length === 0 && server.sessions().length === 0
const json = { 'content-type': 'application/json' }

describe('S01 S02 where it listens', () => {
  test('S01 addresses of this machine other than loopback are refused', async ({ server }) => {
    const outside =
      Object.values(networkInterfaces())
        .flat()
        .find((address) => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.2'
    await new Promise<void>((resolve, reject) => {
      const socket = connect(server.port, outside, () => reject(new Error(`${outside} was accepted`)))
      socket.on('error', () => resolve())
    })
  })

  test.for([
    '0.0.0.0',
    '::',
    '0',
    '0x0',
    '::0',
    '0.0',
    '00.00.00.00',
    '[::]',
    '0:0:0:0:0:0:0:0',
    '::ffff:0.0.0.0',
    '０.０.０.０',
    '０',
    '',
    ' ',
    '*',
    '192.168.0.1',
    'example.com',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '2130706433',
  ])('S02 host %j is refused', async (host) => {
    await expect(startDevServer({ port: 0, host, database: ':memory:' })).rejects.toMatchObject({ code: 'DEV_SERVER' })
  })

  test('S02 only the boolean true opens it', async () => {
    for (const flag of ['false', 'true', 1, {}]) {
      await expect(
        startDevServer({ port: 0, host: '0.0.0.0', database: ':memory:', dangerouslyBindAllInterfaces: flag as unknown as boolean }),
      ).rejects.toMatchObject({ code: 'DEV_SERVER' })
    }
    const server = await startDevServer({ port: 0, host: '0.0.0.0', database: ':memory:', dangerouslyBindAllInterfaces: true })
    expect((await fetch(`http://127.0.0.1:${server.port}/api/projects`)).status).toBe(200)
    await server.close()
  })

  test('loopback by name and by address is fine', async () => {
    for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.0.0.5'])
      await (await startDevServer({ port: 0, host, database: ':memory:' })).close()
  })
})

describe('S03 H93 Host', () => {
  test('the loopback names at the port pass', async ({ server }) => {
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'LocalHost'])
      expect((await rawRequest(server, { path: '/api/projects', headers: { host: `${name}:${server.port}` } })).status).toBe(200)
  })

  test.for(ROUTES)('S03 %s %s answers no foreign name and gives nothing away', async ([method, path], { server }) => {
    await sendSpans(server, [{ name: 'secret-name' }])
    for (const host of [
      'evil.com',
      `evil.com:${server.port}`,
      'localhost',
      'localhost:1',
      `localhost.evil.com:${server.port}`,
      `127.0.0.1:${server.port}@evil.com`,
    ]) {
      const reply = await rawRequest(server, {
        method,
        path,
        headers: { host, ...json },
        ...(method === 'POST' || method === 'PUT' ? { body: '{}' } : {}),
      })
      expect([host, reply.status, reply.text.includes('secret-name')]).toEqual([host, 403, false])
    }
  })

  test('H93 no Host, two Hosts, HTTP/1.0, an absolute target and a proxy target are refused', async ({ server }) => {
    const host = `127.0.0.1:${server.port}`
    for (const text of [
      'GET /api/projects HTTP/1.1\r\nConnection: close\r\n\r\n',
      `GET /api/projects HTTP/1.1\r\nHost: ${host}\r\nHost: evil.com\r\nConnection: close\r\n\r\n`,
      'GET /api/projects HTTP/1.0\r\n\r\n',
      'GET /api/projects HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n',
      `GET http://${host}/api/projects HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      `GET //evil.com/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    ])
      expect(await rawSocket(server, text)).toMatch(/^HTTP\/1\.1 40[03] /)
    expect(await rawSocket(server, `CONNECT evil.com:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).not.toMatch(/ 200 /)
    expect(await rawSocket(server, `TRACE / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 40[45] /)
  })

  test('H93 large headers, Expect, Upgrade and method overrides are nothing special', async ({ server }) => {
    expect((await rawRequest(server, { path: '/api/projects', headers: { 'x-large': 'x'.repeat(17_000) } })).status).toBe(431)
    const host = `127.0.0.1:${server.port}`
    expect(
      await rawSocket(server, `GET /api/projects HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n\r\n`),
    ).not.toMatch(/ 101 /)
    expect(await rawSocket(server, `GET / HTTP/1.1\r\nHost: ${host}\r\nExpect: nonsense\r\nConnection: close\r\n\r\n`)).toMatch(/ 417 /)
    expect((await rawRequest(server, { path: '/v1/runs', headers: { 'x-http-method-override': 'DELETE' } })).status).toBe(200)
  })
})

describe('S04 S05 other sites', () => {
  test.for(ROUTES)('S04 %s %s refuses foreign origins and never allows them', async ([method, path], { server }) => {
    for (const origin of [
      'http://evil.com',
      'null',
      `https://127.0.0.1:${server.port}`,
      'http://localhost:3000',
      `http://127.0.0.1:${server.port}.evil.com`,
    ]) {
      const reply = await rawRequest(server, {
        method,
        path,
        headers: { origin, ...json, 'access-control-request-method': 'POST' },
        ...(method === 'POST' || method === 'PUT' ? { body: '{}' } : {}),
      })
      expect([origin, reply.status, reply.headers['access-control-allow-origin']]).toEqual([origin, 403, undefined])
    }
    expect(isEmpty(server)).toBe(true)
  })

  test('S04 its own origin is served, without a permission header', async ({ server }) => {
    const reply = await rawRequest(server, { path: '/api/projects', headers: { origin: server.url, 'sec-fetch-site': 'same-origin' } })
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([200, undefined])
  })

  test('H93 a cross-site or same-site fetch without Origin gets no data; a link to the page opens it', async ({ server }) => {
    for (const site of ['cross-site', 'same-site']) {
      expect(
        (await rawRequest(server, { path: '/api/sessions', headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' } })).status,
      ).toBe(403)
      expect(
        (
          await rawRequest(server, {
            path: '/api/sessions',
            headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
          })
        ).status,
      ).toBe(403)
      expect(
        (
          await rawRequest(server, {
            path: '/',
            headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
          })
        ).status,
      ).toBe(200)
      expect(
        (
          await rawRequest(server, {
            path: '/',
            headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
          })
        ).status,
      ).toBe(403)
    }
  })

  test.for(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'S05 bodies of type %j are refused everywhere and store nothing',
    async (type, { server }) => {
      for (const path of [
        '/v1/traces',
        '/opentelemetry/v1/traces',
        '/session/start',
        '/v1/sessions',
        '/events',
        '/v1/runs',
        '/v1/datasets',
      ]) {
        const reply = await rawRequest(server, {
          method: 'POST',
          path,
          headers: type === '' ? {} : { 'content-type': type },
          body: JSON.stringify(toExport([{}])),
        })
        expect([path, reply.status]).toEqual([path, 415])
      }
      expect(isEmpty(server)).toBe(true)
    },
  )
})

test.for(['/', '/api/projects', '/nowhere', '/v1/runs/x'])('S08 %s carries the protective headers', async (path, { server }) => {
  const { headers } = await rawRequest(server, { path })
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  expect(headers['x-content-type-options']).toBe('nosniff')
  if (path.startsWith('/api') || path.startsWith('/v1')) expect(headers['cache-control']).toBe('no-store')
})

describe('S10 H94 paths', () => {
  test.for([
    '/../../../etc/passwd',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/%2E%2E%2Fetc',
    '/assets/..%5c..%5cpackage.json',
    '/%00',
    '/index.html%00.js',
    '/api/events/%00',
    '/\\..\\..',
    '/%',
    '/%ff',
    '/./x',
    '//evil',
    '/package.json',
    '/.git/config',
    '/.honeyhive/dev.db',
    '/assets/',
    '/src/dev/server.ts',
  ])('S10 H94 %s shows no file', async (path, { server }) => {
    const reply = await rawRequest(server, { path })
    expect([200, 400, 404].includes(reply.status)).toBe(true)
    expect(reply.text).not.toMatch(/root:|"honeyhive-tracer"|\[core\]|SQLite format|startDevServer/)
    expect(reply.text).not.toContain('Index of')
  })

  test('H94 a path of 64 KB, ten thousand pairs and odd numbers', async ({ server }) => {
    // The server closes without reading the rest, so the reset may overtake its answer.
    const refused = rawRequest(server, { path: `/${'a'.repeat(65_536)}` }).then(
      ({ status }) => status,
      ({ code }) => code,
    )
    expect([414, 431, 'ECONNRESET', 'EPIPE']).toContain(await refused)
    expect((await rawRequest(server, { path: `/api/sessions?${'a=1&'.repeat(3_500)}` })).status).toBe(200)
    for (const query of [
      '__proto__[x]=1',
      'limit=-1',
      'limit=1e9',
      'limit=NaN',
      'limit=',
      'fromMs=x',
      'q=%25_!',
      'metadata=a"b:c',
      'metadata=:',
      'type=%27%20OR%201=1',
      'error=2',
    ]) {
      expect([query, (await call(server, 'GET', `/api/sessions?${query}`)).status]).toEqual([query, 200])
    }
    for (const cursor of [
      'x',
      '%00',
      Buffer.from('[1]').toString('base64url'),
      Buffer.from('{"a":1}').toString('base64url'),
      Buffer.from('["x",1]').toString('base64url'),
    ]) {
      expect([cursor, (await call(server, 'GET', `/api/sessions?cursor=${cursor}`)).status]).toEqual([cursor, 400])
    }
    expect((await call(server, 'GET', '/api/sessions?project=unknown')).status).toBe(404)
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  test('S10 files come from a list made of the folder; a link that leads out is not on it', async () => {
    const root = mkdtempSync(join(tmpdir(), 'hh-page-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(join(root, 'page', 'assets'), { recursive: true })
    writeFileSync(join(root, 'page', 'index.html'), '<p>page</p>')
    writeFileSync(join(root, 'page', 'assets', 'app.js'), 'app')
    writeFileSync(join(root, 'secret.js'), 'secret')
    symlinkSync(join(root, 'secret.js'), join(root, 'page', 'out.js'))
    const files = createPageFiles(() => listFolder(join(root, 'page')))
    const read = (path: string, acceptsHtml = true): string =>
      new TextDecoder().decode(files.find(path, { acceptsHtml })?.read() ?? new TextEncoder().encode('none'))
    expect(['/', '/assets/app.js', '/some/page'].map((path) => read(path))).toEqual(['<p>page</p>', 'app', '<p>page</p>'])
    for (const path of ['/out.js', '/../secret.js', '/page/../../secret.js', '/assets/../../secret.js', '/missing.js'])
      expect(read(path)).toBe('none')
    expect(read('/some/page', false)).toBe('none')
  })
})

describe('S11 H92 bodies', () => {
  const post = (server: DevServer, body: Uint8Array | string, headers: Record<string, string> = {}) =>
    rawRequest(server, { method: 'POST', path: '/v1/traces', headers: { ...json, authorization: `Bearer ${KEY}`, ...headers }, body })

  test('S11 a gzip bomb of 300 MB is answered 413 without being inflated, in 50 MB', async ({ server }) => {
    const bomb = gzipSync(Buffer.alloc(300 * 1_048_576), { level: 9 })
    const before = process.memoryUsage().rss
    expect((await post(server, bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
    expect((process.memoryUsage().rss - before) / 1_048_576).toBeLessThan(50)
    const ratio = async (): Promise<number> => {
      const start = cpuMs()
      expect((await post(server, bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
      return (cpuMs() - start) / cpuMsOf(() => gunzipSync(bomb))
    }
    expect(await leastBelow(0.5, ratio)).toBeLessThan(0.5)
  })

  test('S11 a body beyond the limit is refused, announced or not', async ({ start }) => {
    const server = await start({ maxBodyBytes: 10_000, maxInflatedBytes: 20_000 })
    expect((await post(server, 'x'.repeat(10_001))).status).toBe(413)
    expect((await post(server, gzipSync('x'.repeat(20_001)), { 'content-encoding': 'gzip' })).status).toBe(413)
    expect((await post(server, brotliCompressSync('x'.repeat(20_001)), { 'content-encoding': 'br' })).status).toBe(413)
    const host = `127.0.0.1:${server.port}`
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const reply = await rawSocket(
      server,
      `POST /v1/traces HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}`,
    )
    expect(reply).toMatch(/^HTTP\/1\.1 413 /)
    expect(
      await rawSocket(
        server,
        `POST /v1/traces HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 413 /)
    expect(isEmpty(server)).toBe(true)
  })

  test('S11 a client that does not finish its headers or body is cut off', async ({ start }) => {
    const server = await start({ headersTimeoutMs: 300, requestTimeoutMs: 600 })
    const host = `127.0.0.1:${server.port}`
    const [headers, body] = await Promise.all([
      rawSocket(server, `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `),
      rawSocket(server, `POST /v1/traces HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`),
    ])
    expect([headers, body].map((text) => text.slice(0, 12))).toEqual(['HTTP/1.1 408', 'HTTP/1.1 408'])
  })

  test('S11 connections beyond the cap are closed, the others go on', async ({ start }) => {
    const server = await start({ maxConnections: 3 })
    const sockets = await Promise.all(
      Array.from(
        { length: 3 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(server.port, '127.0.0.1', () => resolve(socket))
          }),
      ),
    )
    const extra = connect(server.port, '127.0.0.1')
    await new Promise((resolve) => extra.on('close', resolve).on('error', () => undefined))
    sockets[0]?.write(`GET /api/projects HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`)
    expect(String(await new Promise((resolve) => sockets[0]?.once('data', resolve)))).toMatch(/^HTTP\/1\.1 200 /)
    for (const socket of sockets) socket.destroy()
  })

  test.for([
    ['empty', '', 400],
    ['{}', '{}', 200],
    ['[]', '[]', 400],
    ['null', 'null', 400],
    ['truncated', '{"resourceSpans":[{"scopeS', 400],
    ['200,000 arrays deep', '['.repeat(200_000), 400],
    ['200,000 objects deep', '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000), 400],
    ['an id that is a number', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":5}]}]}]}', 200],
  ] as const)('H92 %s is answered %d', async ([, body, status], { server }) => {
    expect((await post(server, body)).status).toBe(status)
    expect((await sendSpans(server, [{}])).status).toBe(200)
  })

  test('H92 double gzip, unknown and damaged encodings', async ({ server }) => {
    const body = JSON.stringify(toExport([{}]))
    expect((await post(server, gzipSync(gzipSync(body)), { 'content-encoding': 'gzip' })).status).toBe(400)
    expect((await post(server, gzipSync(gzipSync(body)), { 'content-encoding': 'gzip, gzip' })).status).toBe(415)
    expect((await post(server, brotliCompressSync(body).subarray(0, 30), { 'content-encoding': 'br' })).status).toBe(400)
    expect((await post(server, 'not gzip', { 'content-encoding': 'gzip' })).status).toBe(400)
    expect((await post(server, gzipSync(body).subarray(0, 30), { 'content-encoding': 'gzip' })).status).toBe(400)
    const unknown = await post(server, body, { 'content-encoding': 'compress' })
    expect([unknown.status, String(unknown.headers['accept-encoding']).startsWith('gzip, deflate, br')]).toEqual([415, true])
    expect(unknown.text).toContain('\\"compress\\" is not accepted here; send one of gzip, deflate, br')
  })

  test('H92 more than a million empty spans are answered quickly', async ({ server }) => {
    const reply = await post(server, `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(1_000_000)}{}]}]}]}`)
    expect(reply.status).toBe(413)
  })

  test('H92 S22 attribute keys that spell prototypes pollute nothing on any route', async ({ server }) => {
    const session = '5b0e2f6a-1111-4222-8333-444455556666'
    await sendSpans(server, [
      {
        traceId: newId(16),
        attributes: {
          'honeyhive.session_id': session,
          '__proto__.polluted': 1,
          'honeyhive_inputs.__proto__.polluted': 1,
          'constructor.prototype.polluted': 1,
          'gen_ai.request.__proto__.polluted': 1,
          'gen_ai.prompt.0.__proto__.polluted': 'x',
          'ai.telemetry.metadata.__proto__': 'x',
        },
      },
    ])
    const body =
      '{"session":{"session_id":"' +
      session +
      '","__proto__":{"polluted":1},"metadata":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}}'
    await call(server, 'POST', '/session/start', body)
    await call(server, 'PUT', '/events', `{"event_id":"${session}","metrics":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}`)
    await call(server, 'POST', '/v1/runs', '{"metadata":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}')
    await call(
      server,
      'POST',
      '/v1/events/search',
      '{"filters":[{"field":"__proto__.polluted","operator":"exists"},{"field":"constructor.prototype","operator":"exists"}],"projections":["__proto__.polluted","constructor.prototype.polluted"]}',
    )
    await call(server, 'GET', `/api/sessions/${session}`)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('strings that SQLite would cut or refuse come back whole', async ({ server }) => {
    await call(server, 'POST', '/v1/events', {
      event_type: 'tool',
      event_name: 'a\u0000b',
      inputs: { text: 'x\u0000y', lone: '\ud800' },
      error: 'e\u0000f',
    })
    expect(server.events()).toMatchObject([{ name: 'a\uFFFDb', error: 'e\uFFFDf', inputs: { text: 'x\u0000y', lone: '\ud800' } }])
  })
})
