/** The server is away while the process ends: what could not be delivered waits on disk for the next start. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HoneyHiveTracer, traceFn, type TracerOptions } from 'honeyhive-tracer'
import { startDevServer } from 'honeyhive-tracer/dev'
import { listen } from './local.js'

const away = await listen((_, response) => response.writeHead(503).end())
const directory = await mkdtemp(join(tmpdir(), 'honeyhive-spool-'))
const options: TracerOptions = { apiKey: 'key-of-shop', serverUrl: away.url, spool: directory, sessionName: 'spooled' }

const first = HoneyHiveTracer.init(options)
const work = traceFn(first, async (i: number) => i * 2, { eventName: 'work' })
for (let i = 0; i < 10; i++) await work(i)
assert.equal(await first.shutdown(500), false)
await away.close()
assert.ok((await readdir(directory)).length > 0)

// The server is back, and the program starts again. Only a tracer of the same key and server takes up what waits.
const server = await startDevServer({ port: Number(new URL(away.url).port), database: ':memory:', projects: { shop: 'key-of-shop' } })
const second = HoneyHiveTracer.init(options)
traceFn(second, () => 'back again', { eventName: 'start' })()
assert.equal(await second.shutdown(), true)

assert.equal(server.events({ project: 'shop' }).filter(({ name }) => name === 'work').length, 10)
await rm(directory, { recursive: true })
await server.close()
