import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect } from 'vitest'
import { startDevServer } from '../../src/dev/server.js'
import { cpuMs, leastBelow, toReferenceMs } from '../fixtures/cost.js'
import { call, KEY, newId, rawRequest, sendSpans, test, toExport } from './fixtures.js'

const folder = mkdtempSync(join(tmpdir(), 'hh-dev-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SESSION = '5b0e2f6a-1111-4222-8333-444455556666'
const inSession = { 'honeyhive.session_id': SESSION, 'honeyhive.session_auto_create': true }

describe('startDevServer', () => {
  test('is ready with little work on a free port, and closes twice without harm', async () => {
    // Processor time, about 3 ms on an idle core.
    const startMs = async (): Promise<number> => {
      const before = cpuMs()
      const started = await startDevServer({ port: 0, database: ':memory:' })
      const tookMs = cpuMs() - before
      await started.close()
      return toReferenceMs(tookMs, 100)
    }
    expect(await leastBelow(100, startMs)).toBeLessThan(100)
    const server = await startDevServer({ port: 0, database: ':memory:' })
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    await Promise.all([server.close(), server.close()])
    await expect(fetch(server.url)).rejects.toThrow()
  })

  test('says which port is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    await expect(startDevServer({ port, database: ':memory:' })).rejects.toMatchObject({
      code: 'DEV_SERVER',
      message: expect.stringContaining(String(port)) as string,
    })
    taken.close()
  })

  test('makes its folder and file for the owner only', async () => {
    const path = join(folder, 'new', 'deeper', 'dev.db')
    const server = await startDevServer({ port: 0, database: path })
    await sendSpans(server, [{}])
    const modes = [join(folder, 'new', 'deeper'), path].map((name) => (statSync(name).mode & 0o777).toString(8))
    const wal = existsSync(`${path}-wal`) ? (statSync(`${path}-wal`).mode & 0o077).toString(8) : '0'
    await server.close()
    expect([...modes, wal]).toEqual(['700', '600', '0'])
  })

  test('refuses a database that a newer release wrote, and one that is no database', async () => {
    const path = join(folder, 'newer.db')
    const { connect } = await import('../../src/dev/store/database.js')
    const database = await connect(path)
    database.exec('PRAGMA user_version = 999')
    database.close()
    await expect(startDevServer({ port: 0, database: path })).rejects.toMatchObject({
      code: 'DEV_SERVER',
      message: expect.stringContaining('999') as string,
    })
    await expect(startDevServer({ port: 0, database: folder })).rejects.toMatchObject({ code: 'DEV_SERVER' })
  })

  test('keeps everything over a restart', async () => {
    const path = join(folder, 'restart.db')
    const first = await startDevServer({ port: 0, database: path })
    await sendSpans(first, [{ attributes: { ...inSession, 'honeyhive.project': 'p' } }])
    const before = [first.projects(), first.sessions(), first.events()]
    await first.close()
    const second = await startDevServer({ port: 0, database: path })
    expect([second.projects(), second.sessions(), second.events()]).toEqual(before)
    await second.close()
  })
})

describe('ingestion', () => {
  test('plain, gzip, deflate and brotli on the three paths are the same', async ({ server }) => {
    const encodings = { identity: (text: string) => Buffer.from(text), gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
    for (const path of ['/opentelemetry/v1/traces', '/v1/traces', '/nextjs/v1/traces']) {
      for (const [encoding, encode] of Object.entries(encodings)) {
        const reply = await fetch(server.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json; charset=utf-8', 'content-encoding': encoding, authorization: `Bearer ${KEY}` },
          body: encode(JSON.stringify(toExport([{ attributes: inSession }]))),
        })
        expect([reply.status, await reply.text()]).toEqual([200, '{}'])
      }
    }
    expect(server.sessions()).toMatchObject([{ id: SESSION, events: 12, name: 'Session' }])
  })

  test('an auto-created session and N spans are N + 1 records, one tree, summed up', async ({ server }) => {
    const traceId = newId(16)
    const [root, model, tool] = [newId(8), newId(8), newId(8)]
    // Children end first, so they come first.
    await sendSpans(server, [
      {
        traceId,
        spanId: tool,
        parentSpanId: model,
        name: 'tool',
        attributes: { ...inSession, honeyhive_error: 'bad' },
        startMs: 1_700_000_000_020,
        endMs: 1_700_000_000_030,
      },
    ])
    await sendSpans(server, [
      {
        traceId,
        spanId: model,
        parentSpanId: root,
        name: 'model',
        attributes: {
          ...inSession,
          honeyhive_event_type: 'model',
          'gen_ai.usage.input_tokens': 10,
          'gen_ai.usage.output_tokens': 5,
          'gen_ai.usage.cost': 0.25,
        },
        startMs: 1_700_000_000_010,
        endMs: 1_700_000_000_040,
      },
      {
        traceId,
        spanId: root,
        name: 'root',
        attributes: { ...inSession, honeyhive_event_type: 'chain', 'honeyhive_feedback.rating': 5 },
        startMs: 1_700_000_000_000,
        endMs: 1_700_000_000_050,
      },
    ])
    expect(server.events({ sessionId: SESSION })).toHaveLength(4)
    expect(server.sessions()).toMatchObject([
      {
        events: 3,
        modelEvents: 1,
        errors: 1,
        totalTokens: 15,
        cost: 0.25,
        hasFeedback: true,
        startMs: 1_700_000_000_000,
        endMs: 1_700_000_000_050,
        durationMs: 50,
      },
    ])
    expect(server.tree(SESSION)).toMatchObject([
      { name: 'root', parentId: SESSION, children: [{ name: 'model', children: [{ name: 'tool', children: [] }] }] },
    ])
  })

  test('F14 the same spans sent again, together or alone, stay one event each and count once', async ({ server }) => {
    const spans = Array.from({ length: 20 }, () => ({
      traceId: newId(16),
      spanId: newId(8),
      attributes: { ...inSession, 'gen_ai.usage.input_tokens': 3 },
    }))
    await Promise.all(Array.from({ length: 4 }, () => sendSpans(server, spans)))
    for (const span of spans.slice(0, 3)) await sendSpans(server, [span])
    expect(server.sessions()).toMatchObject([{ events: 20, totalTokens: 60 }])
    expect(new Set(server.events({ sessionId: SESSION }).map((event) => event.id)).size).toBe(21)
  })

  test('a span sent again does not undo an update made in between', async ({ server }) => {
    const span = {
      traceId: newId(16),
      spanId: newId(8),
      attributes: { ...inSession, honeyhive_event_id: SESSION.replace('5b', '6b'), 'honeyhive_outputs.a': 1 },
    }
    await sendSpans(server, [span])
    await call(server, 'PUT', '/events', { event_id: SESSION.replace('5b', '6b'), outputs: { b: 2 }, metrics: { score: 1 } })
    await sendSpans(server, [span])
    expect(server.events({ sessionId: SESSION }).at(-1)).toMatchObject({ outputs: { b: 2 }, metrics: { score: 1 } })
  })

  test('a span may name its event id: children and updates find it, a second claimant gets its own', async ({ server }) => {
    const traceId = newId(16)
    const [parent, child] = [newId(8), newId(8)]
    const id = '11111111-2222-4333-8444-555555555555'
    await sendSpans(server, [{ traceId, spanId: child, parentSpanId: parent, name: 'child', attributes: inSession }])
    await sendSpans(server, [{ traceId, spanId: parent, name: 'parent', attributes: { ...inSession, honeyhive_event_id: id } }])
    await sendSpans(server, [{ name: 'thief', attributes: { ...inSession, honeyhive_event_id: id } }])
    expect(server.tree(SESSION)).toMatchObject([{ name: 'parent', id, children: [{ name: 'child' }] }, { name: 'thief' }])
  })

  test('spans of an unknown session, of no session and with a lost parent are all kept and shown', async ({ server }) => {
    const traceId = newId(16)
    await sendSpans(server, [{ name: 'orphan root', attributes: { 'honeyhive.session_id': SESSION } }])
    await sendSpans(server, [
      { name: 'lost', parentSpanId: newId(8), attributes: { 'honeyhive.session_id': SESSION } },
      { traceId, name: 'nowhere' },
    ])
    expect(
      server
        .sessions()
        .map((session) => session.name)
        .sort(),
    ).toEqual(['nowhere', 'orphan root'])
    const detail = (await call(server, 'GET', `/api/sessions/${SESSION}`)).body
    expect(detail).toMatchObject({ event: null, events: [{ parentId: SESSION }, { parentId: SESSION }] })
    expect((await call(server, 'GET', `/v1/sessions/${SESSION}`)).status).toBe(404)
  })

  test('spans without valid ids are refused by count, the others of the request stay', async ({ server }) => {
    const reply = await sendSpans(server, [{ traceId: 'xyz' }, { attributes: inSession }, { spanId: '0'.repeat(16) }])
    expect(reply).toMatchObject({
      status: 200,
      body: { partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringContaining('trace id') as string } },
    })
    expect(server.sessions()).toMatchObject([{ events: 1 }])
  })

  test('protobuf is answered in protobuf, errors too', async ({ server }) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const accepted = await rawRequest(server, { method: 'POST', path: '/v1/traces', headers, body: new Uint8Array() })
    expect([accepted.status, accepted.headers['content-type'], accepted.text]).toEqual([200, 'application/x-protobuf', ''])
    const refused = await rawRequest(server, { method: 'POST', path: '/v1/traces', headers, body: Uint8Array.from([0x0b]) })
    expect([refused.status, refused.headers['content-type']]).toEqual([400, 'application/x-protobuf'])
    expect(refused.text).toContain('Malformed protobuf')
  })

  test('links are kept and seen from both ends, across projects', async ({ server }) => {
    const [from, to] = [
      { traceId: newId(16), spanId: newId(8) },
      { traceId: newId(16), spanId: newId(8) },
    ]
    const resource = { 'process.pid': 4242, 'host.name': 'box', 'service.name': 'svc' }
    await sendSpans(server, [{ ...from, name: 'b root', links: [{ ...to, attributes: { 'honeyhive.link': 'cross-tracer' } }] }], {
      key: 'key-of-tracer-bbbb',
      resource,
    })
    expect(server.events()[0]?.linked).toEqual([{ direction: 'to', kind: 'cross-tracer', ...to, event: null }])
    await sendSpans(server, [{ ...to, name: 'a span' }], { key: 'key-of-tracer-aaaa', resource })
    const [b, a] = ['b root', 'a span'].map((name) => server.events().find((event) => event.name === name))
    expect(b).toMatchObject({ links: 1, linked: [{ direction: 'to', event: { name: 'a span', projectId: a?.projectId } }] })
    expect(a).toMatchObject({ links: 0, linked: [{ direction: 'from', kind: 'cross-tracer', event: { name: 'b root' } }] })
    expect(a?.projectId).not.toBe(b?.projectId)

    const { processes } = (await call(server, 'GET', '/api/processes')).body as { processes: { id: string }[] }
    expect(processes).toMatchObject([{ pid: 4242, host: 'box', service: 'svc', projects: ['key …aaaa', 'key …bbbb'] }])
    const detail = (await call(server, 'GET', `/api/processes/${processes[0]?.id}`)).body
    expect(detail).toMatchObject({
      lanes: [{ events: [{}] }, { events: [{}] }],
      links: [{ fromEventId: b?.id, toEventId: a?.id, kind: 'cross-tracer' }],
    })
  })

  test('what a client says it lost is kept under a name people know, highest count per tracer and reason', async ({ server }) => {
    const send = (dropped: string, source = 'checkout'): Promise<unknown> =>
      rawRequest(server, {
        method: 'POST',
        path: '/v1/traces',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${KEY}`,
          'hh-client-dropped': dropped,
          'hh-client-instance': '0b5e7a52-1c1e-4e7b-9d4e-2f6c8a1b3d4f',
        },
        body: JSON.stringify(toExport([{ attributes: { 'honeyhive.source': source } }])),
      })
    await send('queueFull=3;tooLarge=1;;bad;__proto__=x')
    await send('queueFull=7', 'nightly')
    expect((await call(server, 'GET', '/api/drops')).body).toMatchObject({
      drops: [
        { tracer: 'checkout · 0b5e7a52', reason: 'queueFull', count: 7 },
        { tracer: 'checkout · 0b5e7a52', reason: 'tooLarge', count: 1 },
      ],
    })
  })
})

describe('projects', () => {
  test('a known key has the project it was given, whatever label a span carries', async ({ start }) => {
    const server = await start({ projects: { alpha: 'key-a', beta: 'key-b' } })
    await sendSpans(server, [{ attributes: { 'honeyhive.project': 'beta' } }], { key: 'key-a' })
    expect(server.projects()).toMatchObject([
      { name: 'alpha', events: 1 },
      { name: 'beta', events: 0 },
    ])
  })

  test('labels divide an unknown key; without label the key names its project; without key there is one for all', async ({ server }) => {
    await sendSpans(server, [{ attributes: { 'honeyhive.project': 'one' } }, { attributes: { 'honeyhive.project': 'two' } }, {}])
    await sendSpans(server, [{}], { key: null })
    await call(server, 'POST', '/session/start', { session: { project: 'one', session_name: 's' } })
    expect(
      server
        .projects()
        .map(({ name, sessions }) => [name, sessions])
        .sort(),
    ).toEqual([
      ['key …6789', 1],
      ['no key', 1],
      ['one', 2],
      ['two', 1],
    ])
  })

  test('keys that end alike are told apart by how they begin', async ({ server }) => {
    for (const key of ['first-key-of-all-1234', 'other-key-of-all-1234', 'short-of-1234', 'small-of-1234'])
      await sendSpans(server, [{}], { key })
    const names = server.projects().map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['key …1234', 'key othe…1234', 'key …1234']))
    expect(new Set(names).size).toBe(4)
    expect(names.join(' ')).not.toContain('other-key')
  })

  test('short keys are told apart too, and none is shown whole but the one the command tells to use', async ({ server }) => {
    const keys = ['local', 'tenant-1', 'tenant-2', 'tunnel-2', 'tenant-1b-2', 'ab', 'ac', 'a', 'x']
    for (const key of keys) await sendSpans(server, [{}], { key })
    for (const key of keys) await sendSpans(server, [{}], { key })
    const names = server.projects().map(({ name }) => name)
    expect(names.toSorted()).toEqual([
      'key a…',
      'key a… of 1',
      'key a… of 2',
      'key te…1',
      'key te…2',
      'key te…2 of 11',
      'key tu…2',
      'key x…',
      'local',
    ])
  })

  test('keys that no letter tells apart are numbered', async ({ server }) => {
    for (const key of ['aXb', 'aYb', 'aZb', 'aWb']) await sendSpans(server, [{}], { key })
    expect(
      server
        .projects()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['key a…', 'key a… of 3', 'key a… of 3 #2', 'key a… of 3 #3'])
  })

  test('two keys with one label do not share a project', async ({ server }) => {
    await sendSpans(server, [{ attributes: { 'honeyhive.project': 'same' } }])
    await sendSpans(server, [{ attributes: { 'honeyhive.project': 'same' } }], { key: 'another-key-zzzz' })
    expect(new Map(server.projects().map((project) => [project.name, project.events]))).toEqual(
      new Map([
        ['same', 1],
        ['same (key …zzzz)', 1],
      ]),
    )
  })

  test('two keys may use one session id: each sees its own', async ({ start }) => {
    const server = await start({ projects: { alpha: 'key-a', beta: 'key-b' } })
    await sendSpans(server, [{ name: 'a', attributes: inSession }], { key: 'key-a' })
    await sendSpans(server, [{ name: 'b', attributes: inSession }], { key: 'key-b' })
    expect([server.tree(SESSION, { project: 'alpha' }), server.tree(SESSION, { project: 'beta' })]).toMatchObject([
      [{ name: 'a' }],
      [{ name: 'b' }],
    ])
    expect((await call(server, 'GET', `/api/sessions/${SESSION}?project=alpha`)).body).toMatchObject({ events: [{ name: 'a' }] })
  })

  test('S13 the key itself is nowhere in the file', async () => {
    const path = join(folder, 'keys.db')
    const server = await startDevServer({ port: 0, database: path, projects: { named: 'SENTINEL-mapped-key-1' } })
    await sendSpans(server, [{}], { key: 'SENTINEL-other-key-2' })
    await sendSpans(server, [{}], { key: 'SENTINEL-mapped-key-1' })
    await server.close()
    const { readFileSync, readdirSync } = await import('node:fs')
    const files = readdirSync(folder).filter((name) => name.startsWith('keys.db'))
    expect(files.length).toBeGreaterThan(0)
    for (const name of files) expect(readFileSync(join(folder, name)).includes('SENTINEL')).toBe(false)
  })

  test('one key for two names is refused', async () => {
    await expect(startDevServer({ port: 0, database: ':memory:', projects: { a: 'k', b: 'k' } })).rejects.toMatchObject({
      code: 'DEV_SERVER',
    })
  })
})

describe('options of the server', () => {
  test.each([
    [{ port: 'x' }, '"port": expected a whole number from 0 to 65535, got "x" from code.'],
    [{ port: 70_000 }, '"port"'],
    [{ host: 5 }, '"host"'],
    [{ database: 5 }, '"database"'],
    [{ retention: { maxAgeDays: 3 } }, 'Unknown option "retention.maxAgeDays" from code. Did you mean "retention.maxAgeMs"?'],
    [{ retention: { maxAgeMs: 'x' } }, '"retention.maxAgeMs": expected a number of milliseconds, got "x"'],
    [{ retention: { maxBytes: Number.NaN } }, '"retention.maxBytes"'],
    [{ retention: 5 }, '"retention"'],
    [{ engine: 'foo' }, `"engine": expected 'node:sqlite' or 'libsql', got "foo"`],
    [{ strictMapping: 'no' }, '"strictMapping"'],
    [{ maxSpans: '10' }, '"maxSpans"'],
    [{ requestTimeoutMs: '5s' }, '"requestTimeoutMs"'],
    [{ maxDatabaseBytes: -1 }, '"maxDatabaseBytes"'],
    [{ projects: { shop: 5 } }, '"projects"'],
    [{ projects: ['shop'] }, '"projects"'],
    [{ allowedHosts: 'a' }, '"allowedHosts"'],
    [{ prices: [] }, '"prices"'],
  ])('%j is refused', async (options, message) => {
    const error: unknown = await startDevServer({ port: 0, database: ':memory:', ...options } as object).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
  })

  test('that are not given may be null, and no limit is Infinity', async () => {
    const unlimited = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
    const given = { host: null, engine: null, projects: null, retention: unlimited, maxSpans: Number.POSITIVE_INFINITY }
    const server = await startDevServer({ port: 0, database: ':memory:', ...given } as object)
    await sendSpans(server, [{}])
    expect(server.sessions()).toHaveLength(1)
    await server.close()
  })
})

describe('retention', () => {
  test('sessions beyond the age go, and the oldest go until the size fits', async () => {
    const path = join(folder, 'retention.db')
    const first = await startDevServer({ port: 0, database: path })
    const now = Date.now()
    const big = 'x'.repeat(200_000)
    await sendSpans(first, [{ name: 'happened in 2001, sent today', startMs: 1_000_000_000_000, endMs: 1_000_000_000_000 }])
    for (let i = 0; i < 10; i++)
      await sendSpans(first, [{ name: `s${i}`, startMs: now + i, endMs: now + i, attributes: { 'honeyhive_inputs.text': big } }])
    await first.close()
    const { connect } = await import('../../src/dev/store/database.js')
    const database = await connect(path)
    database.run("UPDATE sessions SET touched_ms = touched_ms - 90000000 WHERE name = 's3'")
    database.close()
    const aged = await startDevServer({ port: 0, database: path, retention: { maxAgeMs: 80_000_000 } })
    await expect.poll(() => aged.sessions().map((session) => session.name)).not.toContain('s3')
    expect(aged.sessions()).toHaveLength(10)
    await aged.close()
    const small = await startDevServer({ port: 0, database: path, retention: { maxBytes: 1_500_000 } })
    await expect.poll(() => small.sessions().length).toBeLessThan(10)
    await small.close()
  })
})
