import { randomBytes } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { Agent, createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange, type ExchangeRequest, type Reply } from '../../src/export/exchange.js'

let server: Server
let url: URL
const agent = new Agent({ keepAlive: true })

let connections = 0
const answers: Readonly<Record<string, RequestListener>> = {
  '/chunks': (_, response) => {
    response.setHeader('x-request-id', '').setHeader('cf-ray', 'ray-1').setHeader('retry-after', '7')
    response.write('one ', () => setImmediate(() => response.write('two ', () => setImmediate(() => response.end('three')))))
  },
  '/cut': (request, response) => void response.write('half', () => setImmediate(() => request.socket.destroy())),
  '/slow': (_, response) => void response.write('half'),
  '/gzip': (_, response) => void response.setHeader('content-encoding', 'gzip').end(gzipSync('{"a":1}')),
  '/deflate': (_, response) => void response.setHeader('content-encoding', 'deflate').end(deflateSync('{"a":1}')),
  '/br': (_, response) => void response.setHeader('content-encoding', 'br').end(brotliCompressSync('{"a":1}')),
  '/bomb': (_, response) => void response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(3_000))),
  '/not-gzip': (_, response) => void response.setHeader('content-encoding', 'gzip').end('{"a":1}'),
  '/zstd': (_, response) => void response.setHeader('content-encoding', 'zstd').end('{"a":1}'),
  '/cut-gzip': (request, response) => {
    const whole = gzipSync(randomBytes(3_000))
    response.setHeader('content-encoding', 'gzip')
    response.write(whole.subarray(0, 2_000), () => setImmediate(() => request.socket.destroy()))
  },
  '/headers': (_, response) => void response.setHeader('content-security-policy', 'x'.repeat(60_000)).end('{}'),
  '/large': (_, response) => void response.end('x'.repeat(3_000)),
}
const echo: RequestListener = ({ method, url, headers }, response) => {
  response.end(JSON.stringify({ method, url, host: headers.host, length: headers['content-length'], own: headers['x-own'] }))
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = request.method === 'POST' ? answers[request.url ?? ''] : echo
    if (answer !== undefined) answer(request, response)
    else if (request.url === '/reset') request.socket.destroy()
    else if (request.url !== '/hang') request.resume().on('end', () => response.end('{}'))
  }).listen(0)
  server.on('connection', () => connections++)
  await once(server, 'listening')
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterAll(() => {
  agent.destroy()
  server.closeAllConnections()
  server.close()
})

const send = (path: string, signal: AbortSignal, timeoutMs = 2_000) =>
  exchange({ method: 'POST', url: new URL(path, url), headers: {}, body: Buffer.from('{}'), agent, timeoutMs, signal })

describe('exchange', () => {
  it('leaves nothing behind on a signal that outlives the request', async () => {
    const { signal } = new AbortController()
    for (let i = 0; i < 5; i++) expect((await send('/', signal)).status).toBe(200)
    await expect(send('/reset', signal)).rejects.toMatchObject({ kind: 'network' })
    await expect(send('/hang', signal, 20)).rejects.toMatchObject({ kind: 'timeout' })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('stops when the signal aborts, and sends nothing with one that has', async () => {
    const controller = new AbortController()
    const sent = send('/hang', controller.signal)
    controller.abort()
    await expect(sent).rejects.toMatchObject({ kind: 'aborted' })
    await expect(send('/', controller.signal)).rejects.toMatchObject({ kind: 'aborted' })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  const get = async (path: string, options: Partial<ExchangeRequest> = {}): Promise<Reply & { text: string }> => {
    const given = { method: 'POST', url: new URL(path, url), headers: {}, body: Buffer.from('{}'), agent, timeoutMs: 60_000, ...options }
    const reply = await exchange(given)
    return { ...reply, text: Buffer.from(reply.body).toString() }
  }

  it('reads a reply that a gateway compressed without being asked', async () => {
    for (const path of ['/gzip', '/deflate', '/br']) expect(await get(path)).toMatchObject({ text: '{"a":1}', isComplete: true })
    for (const path of ['/not-gzip', '/zstd']) expect(await get(path)).toMatchObject({ text: '{"a":1}', isComplete: true })
    expect(await get('/cut-gzip')).toMatchObject({ status: 200, isComplete: false })
    expect(await get('/bomb', { maxReplyBytes: 2_999 })).toMatchObject({ status: 200, text: '', isComplete: false })
  })

  it('reads a reply whole and in order, with what names it and when to come again', async () => {
    const reply = await get('/chunks')
    expect(reply).toMatchObject({
      status: 200,
      text: 'one two three',
      isComplete: true,
      requestId: 'ray-1',
      retryAfter: '7',
      contentType: '',
    })
  })

  it('reads a reply to which a gateway added more headers than Node takes by itself', async () => {
    expect(await get('/headers')).toMatchObject({ status: 200, text: '{}', isComplete: true })
  })

  it('gives back what came of a reply that broke off, took too long or is too large', async () => {
    expect(await get('/cut')).toMatchObject({ status: 200, text: 'half', isComplete: false })
    expect(await get('/slow', { timeoutMs: 2_000 })).toMatchObject({ status: 200, text: 'half', isComplete: false })
    const cut = await get('/large', { maxReplyBytes: 1_000 })
    expect([cut.text.length, cut.isComplete]).toEqual([1_000, false])
    const whole = await get('/large', { maxReplyBytes: 3_001 })
    expect([whole.text.length, whole.isComplete]).toEqual([3_000, true])
  })

  it('uses a connection again after a reply that ended, as its agent allows', async () => {
    const own = new Agent({ keepAlive: true, maxSockets: 1 })
    const before = connections
    for (let i = 0; i < 3; i++) expect((await get('/', { agent: own })).isComplete).toBe(true)
    expect(connections - before).toBe(1)
    own.destroy()
  })

  it('asks a relay for the whole address, and its host by name; without a body there is no length', async () => {
    const sent = async (options: Partial<ExchangeRequest>): Promise<unknown> =>
      JSON.parse((await get('/a?b=1', { method: 'GET', headers: { 'x-own': 'yes' }, ...options })).text)
    const { host } = url
    expect(await sent({ body: undefined })).toEqual({ method: 'GET', url: '/a?b=1', host, own: 'yes' })
    expect(await sent({})).toEqual({ method: 'GET', url: '/a?b=1', host, own: 'yes', length: '2' })
    const target = 'http://api.example.com:81/x?y=z'
    const relayed = { method: 'GET', url: target, host: 'api.example.com:81', own: 'yes' }
    expect(await sent({ url: new URL(target), relay: url, body: undefined })).toEqual(relayed)
  })
})
