import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { connect as openDatabase } from '../../src/dev/store/database.js'
import { startDevServer } from '../../src/dev/server.js'
import { call, isLong, KEY, newId, sendSpans, spawnServer, test, toExport } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'hh-dev-faults-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('F48 after SIGKILL in the middle of ingestion every acknowledged span is there', async () => {
  const path = join(folder, 'killed.db')
  const acknowledged = new Set<string>()
  for (let round = 0; round < (isLong ? 10 : 2); round++) {
    const { child, url } = await spawnServer(path)
    const killAfter = 15 + round * 17
    let sent = 0
    const work = async (): Promise<void> => {
      for (;;) {
        const spans = Array.from({ length: 20 }, () => ({ traceId: newId(16), spanId: newId(8) }))
        const reply = await fetch(`${url}/v1/traces`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
          body: JSON.stringify(toExport(spans)),
        }).catch(() => undefined)
        if (reply?.status !== 200) return
        for (const span of spans) acknowledged.add(span.spanId)
        if (++sent === killAfter) child.kill('SIGKILL')
      }
    }
    await Promise.all([work(), work(), work(), work()])
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
  }
  const server = await startDevServer({ port: 0, database: path })
  const stored = new Set(server.events().map((event) => event.spanId))
  await server.close()
  expect(acknowledged.size).toBeGreaterThan(500)
  expect([...acknowledged].filter((spanId) => !stored.has(spanId))).toEqual([])
})

describe('F49 a full disk', () => {
  test('is answered 503 with Retry-After, stores nothing of the request, and stays readable', async () => {
    const path = join(folder, 'full.db')
    const server = await startDevServer({ port: 0, database: path, maxDatabaseBytes: 600_000 })
    const text = 'x'.repeat(50_000)
    const statuses: number[] = []
    let refused: Awaited<ReturnType<typeof sendSpans>> | undefined
    for (let i = 0; i < 30 && refused === undefined; i++) {
      const reply = await sendSpans(server, [
        { attributes: { 'honeyhive_inputs.text': text } },
        { attributes: { 'honeyhive_inputs.text': text } },
      ])
      statuses.push(reply.status)
      if (reply.status !== 200) refused = reply
    }
    expect(refused).toMatchObject({ status: 503, body: { statusCode: 503, success: false, errorCode: 'storage_full' } })
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    const accepted = statuses.filter((status) => status === 200).length
    expect(server.events()).toHaveLength(accepted * 2)
    expect((await call(server, 'GET', '/api/sessions')).status).toBe(200)
    expect((await call(server, 'PUT', '/events', { event_id: newId(16), metadata: { text } })).status).toBe(503)
    await server.close()

    const roomy = await startDevServer({ port: 0, database: path })
    expect(roomy.events()).toHaveLength(accepted * 2)
    expect((await sendSpans(roomy, [{ attributes: { 'honeyhive_inputs.text': text } }])).status).toBe(200)
    await roomy.close()
  })

  test('a protobuf sender hears it too, and recovers once there is room again', async () => {
    const path = join(folder, 'room.db')
    const server = await startDevServer({ port: 0, database: path, maxDatabaseBytes: 250_000 })
    await sendSpans(server, [
      {
        attributes: {
          'honeyhive.session_id': '5b0e2f6a-1111-4222-8333-444455556666',
          'honeyhive.session_auto_create': true,
          'honeyhive_inputs.text': 'x'.repeat(50_000),
        },
      },
    ])
    expect((await sendSpans(server, [{ attributes: { 'honeyhive_inputs.text': 'x'.repeat(150_000) } }])).status).toBe(503)
    expect((await call(server, 'DELETE', '/v1/sessions/5b0e2f6a-1111-4222-8333-444455556666')).status).toBe(200)
    expect((await sendSpans(server, [{ attributes: { 'honeyhive_inputs.text': 'x'.repeat(40_000) } }])).status).toBe(200)
    await server.close()
  })
})

test('F14 requests whose connection dies before the answer are stored once when they are sent again', async ({ server }) => {
  const spans = Array.from({ length: 10 }, () => ({ traceId: newId(16), spanId: newId(8) }))
  const body = JSON.stringify(toExport(spans))
  for (let i = 0; i < 3; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
          () => socket.destroy(),
        )
      })
      socket.on('close', () => resolve())
    })
  }
  expect((await sendSpans(server, spans)).status).toBe(200)
  expect(server.events()).toHaveLength(10)
})

test('one request that cannot be stored leaves the others of its tick alone', async ({ server }) => {
  const replies = await Promise.all([
    call(server, 'POST', '/v1/events', { event_type: 'tool', inputs: {} }),
    call(server, 'POST', '/v1/events', { event_type: 'nonsense', inputs: {} }),
    call(server, 'POST', '/v1/events', { event_type: 'tool', inputs: {} }),
  ])
  expect(replies.map((reply) => reply.status)).toEqual([200, 400, 200])
  expect(server.events()).toHaveLength(2)
})

describe('the two engines', () => {
  const engines = [
    'libsql',
    ...(process.getBuiltinModule('node:sqlite' as 'node:fs') === undefined ? [] : (['node:sqlite'] as const)),
  ] as const

  test.for(engines)('%s gives back what it was given, and says when it is full', async (engine) => {
    const database = await openDatabase(join(folder, `${engine.replace(':', '-')}.db`), { engine })
    database.exec('CREATE TABLE t (a, b INTEGER, c TEXT)')
    database.run('INSERT INTO t VALUES (?, ?, ?)', 1.5, true, 'é\u0000😀')
    database.run('INSERT INTO t VALUES (?, ?, ?)', undefined, Number.NaN, null)
    expect(database.all('SELECT a, b, c FROM t').map((row) => [row.a, row.b, row.c])).toEqual([
      [1.5, 1, 'é\uFFFD😀'],
      [null, null, null],
    ])
    expect(database.get('SELECT a FROM t WHERE a = ?', 99)).toBeUndefined()
    expect(database.engine).toBe(engine)
    database.all('PRAGMA max_page_count = 3')
    expect(() => {
      for (let i = 0; i < 50; i++) database.run('INSERT INTO t VALUES (?, ?, ?)', 'x'.repeat(1_000), 1, null)
    }).toThrow(/disk is full/)
    database.close()
  })

  test('asking for an engine this Node does not have says what to do', async () => {
    if (engines.length === 2) expect((await openDatabase(':memory:', { engine: 'node:sqlite' })).engine).toBe('node:sqlite')
    else
      await expect(openDatabase(':memory:', { engine: 'node:sqlite' })).rejects.toMatchObject({
        code: 'DEV_SERVER',
        message: expect.stringContaining('22.5') as string,
      })
  })
})
