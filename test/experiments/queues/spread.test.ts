import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { evaluate, exactMatch, openBullmqQueue, openPgBossQueue } from '../../../src/experiments/index.js'
import { OFFLINE } from '../backend.js'
import { type DataServer, findPostgres, findRedis } from '../../fixtures/data-servers.js'

/** The long form, behind TEST_LONG=1, is the one docs/experiments.md tells of. */
const IS_LONG = process.env['TEST_LONG'] === '1'
const ROWS = IS_LONG ? 100_000 : 400
const LIMIT_MS = IS_LONG ? 3_600_000 : 60_000
const WORKERS = IS_LONG ? 4 : 2
const servers = [['Redis by BullMQ', findRedis()] as const, ['Postgres by pg-boss', findPostgres()] as const]

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const file = fileURLToPath(new URL('process.ts', import.meta.url))

function start(role: 'coordinate' | 'work', settings: object): ChildProcess {
  return fork(file, [JSON.stringify({ role, ...settings })], { execArgv: ['--import', tsx], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

async function resultOf(child: ChildProcess): Promise<Record<string, unknown>> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [unknown]
    if (typeof message === 'object' && message !== null) return message as Record<string, unknown>
  }
}

async function untilLines(path: string, count: number): Promise<void> {
  const interval = IS_LONG ? 2_000 : 50
  await expect
    .poll(() => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length : 0), { timeout: LIMIT_MS, interval })
    .toBeGreaterThan(count)
}

/** A turn each minute: what is waited shows which turn it was, however long the requests take. */
const MINUTE = { intervalMs: 60_000, slackMs: 120_000 }

function describeTurns(name: string, open: () => Promise<DataServer>): void {
  test(`turns over ${name} are given once each, whoever asks`, { timeout: 60_000 }, async () => {
    const server = await open()
    const queues = await Promise.all(
      [1, 2].map(() => (server.url.startsWith('redis') ? openBullmqQueue : openPgBossQueue)({ url: server.url, name: 'turns' })),
    )
    try {
      const [one, other] = queues.map(({ turns }) => turns)
      if (one === undefined || other === undefined) throw new Error('no turns')
      const waits = await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? one : other).take('model', MINUTE)))
      // Three at once, then one each minute.
      const places = waits.map((waitMs) => Math.max(Math.ceil(waitMs / 60_000), -2) + 0).sort((a, b) => a - b)
      expect(places).toEqual([-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(Math.ceil(await one.take('another', { intervalMs: 60_000, slackMs: 0 }))).toBeLessThanOrEqual(0)
      await one.hold('another', 600_000)
      expect(Math.ceil((await other.take('another', MINUTE)) / 60_000)).toBe(10)
    } finally {
      await Promise.all(queues.map((queue) => queue.close()))
      await server.close()
    }
  })
}

for (const [name, server] of servers) {
  if ('missing' in server) test(`rows over ${name}: ${server.missing}`, ({ skip }) => skip(server.missing))
  else {
    describeTurns(name, server.start)
    describeQueue(name, server.start)
  }
}

function describeQueue(name: string, open: () => Promise<DataServer>): void {
  test(
    `rows over ${name} come back once each, equal to one process, with two workers and the coordinator killed and the queue restarted`,
    async () => {
      const server = await open()
      const journal = mkdtempSync(join(tmpdir(), 'spread-'))
      const pace = IS_LONG ? { pauseMs: 0, concurrency: 50 } : { pauseMs: 20, concurrency: 4 }
      const settings = { url: server.url, runId: crypto.randomUUID(), rows: ROWS, journal, ...pace }
      const lines = join(journal, `${settings.runId}.jsonl`)
      const children: ChildProcess[] = []
      const add = (child: ChildProcess): ChildProcess => {
        children.push(child)
        return child
      }
      try {
        const startedMs = performance.now()
        const first = add(start('coordinate', settings))
        const workers = Array.from({ length: WORKERS }, () => add(start('work', settings)))
        const [one, other] = workers
        await untilLines(lines, ROWS / 10)
        one?.kill('SIGKILL')
        await untilLines(lines, ROWS / 5)
        first.kill('SIGKILL')
        other?.kill('SIGKILL')
        await server.kill()
        await server.start()
        const last = add(start('coordinate', settings))
        const result = resultOf(last)
        add(start('work', settings))
        add(start('work', settings))
        const spread = await result
        if (IS_LONG) console.log(`${name}: ${ROWS} rows in ${Math.round((performance.now() - startedMs) / 1_000)} s`, spread['used'])
        const alone = await evaluate({
          ...OFFLINE,
          dataset: Array.from({ length: ROWS }, (_x, i) => ({ inputs: { i, at: new Date(i) }, groundTruth: `a${i}` })),
          function: ({ inputs }): unknown => {
            if (inputs.i % 25 === 7) throw new Error('broken')
            return inputs.i % 10 === 3 ? new Map([['at', inputs.at]]) : `a${inputs.at.getTime()}`
          },
          evaluators: { match: exactMatch() },
          thresholds: { errorRate: 0.1, match: 0.5 },
        })
        expect(spread['counts']).toEqual(alone.counts)
        expect(spread['metrics']).toEqual(JSON.parse(JSON.stringify({ match: alone.metrics.match })))
        const outputs = alone.rows.map((row) => [row.index, row.status, row.outputs instanceof Map ? [...row.outputs] : row.outputs])
        expect(spread['outputs']).toEqual(JSON.parse(JSON.stringify(outputs)))
      } finally {
        for (const child of children) child.kill('SIGKILL')
        await server.close()
        rmSync(journal, { recursive: true, force: true })
      }
    },
    2 * LIMIT_MS,
  )
}
