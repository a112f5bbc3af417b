import { getEventListeners, once } from 'node:events'
import { Agent, createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange } from '../../src/export/exchange.js'

let server: Server
let url: URL
const agent = new Agent({ keepAlive: true })

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/reset') request.socket.destroy()
    else if (request.url !== '/hang') request.resume().on('end', () => response.end('{}'))
  }).listen(0)
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
})
