import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createBacklog } from '../../src/experiments/backlog.js'
import { evaluate, exactMatch, reportResult } from '../../src/experiments/index.js'
import type { ExperimentRow } from '../../src/experiments/index.js'
import { createStopSwitch } from '../../src/experiments/interrupt.js'
import { createJournal, readJournal } from '../../src/experiments/journal.js'
import { OFFLINE, test as base } from './backend.js'

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'experiments-'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
})

const rows = (count: number): { inputs: { i: number }; groundTruth: string }[] =>
  Array.from({ length: count }, (_, i) => ({ inputs: { i }, groundTruth: `a${i}` }))

describe('a server that dies in a run', () => {
  test('costs no row, is waited for no longer than asked, and what it lacks can be sent later', async ({ backend, online }) => {
    let isDown = false
    backend.intercept = () => (isDown ? { status: 503 } : undefined)
    const result = await evaluate({
      ...online,
      reportTimeoutMs: 2_000,
      dataset: rows(30),
      maxConcurrency: 3,
      function: ({ inputs }) => {
        if (inputs.i === 5) isDown = true
        if (inputs.i === 20) throw new Error('broken')
        return `a${inputs.i}`
      },
      evaluators: { match: exactMatch() },
      thresholds: { errorRate: 0.1 },
    })
    // Without that limit of 2 s the client would go on for longer than a test may take.
    expect(result).toMatchObject({ status: 'completed', isRecorded: true, counts: { total: 30, succeeded: 29 } })
    expect(result.unreported.length).toBeGreaterThanOrEqual(24)
    expect(result.warnings.join('\n')).toContain('rows were not reported to the server')

    isDown = false
    const saved = JSON.parse(JSON.stringify(result)) as typeof result
    const server = { apiKey: online.apiKey, serverUrl: online.serverUrl }
    expect(await reportResult(saved as never, server)).toMatchObject({
      runId: result.runId,
      reported: result.unreported.length,
      unreported: [],
    })
    const sessions = backend.server.sessions()
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(30)
    const metrics = backend.server.events().filter((event) => event.type === 'chain' && event.metrics['match'] === true)
    expect(new Set(metrics.map(({ sessionId }) => sessionId)).size).toBe(29)
    expect(backend.sent('PUT /v1/runs').at(-1)?.body).toMatchObject({ status: 'completed', metadata: { rows: 30, failed_rows: 1 } })
  })

  test('an offline run can be sent whole', async ({ backend, online }) => {
    const offline = await evaluate({
      ...OFFLINE,
      dataset: rows(4),
      trials: 2,
      function: ({ inputs }) => `a${inputs.i}`,
      evaluators: { match: exactMatch() },
    })
    const server = { apiKey: online.apiKey, serverUrl: online.serverUrl }
    expect(await reportResult(offline.toJSON() as never, server)).toMatchObject({ reported: 8, unreported: [] })
    expect(backend.server.sessions()).toHaveLength(8)
    await expect(reportResult(offline.toJSON() as never, { apiKey: '' })).rejects.toThrow('needs an API key')
  })
})

describe('createBacklog', () => {
  test('names what did not arrive, and stops waiting', async () => {
    const backlog = createBacklog(2)
    backlog.add('a', Promise.resolve(true))
    backlog.add('b', Promise.resolve(false))
    backlog.add('c', new Promise(() => undefined))
    expect(await backlog.room(1_000)).toBe(true)
    expect(await backlog.empty(1)).toBe(false)
    expect([backlog.unsettled, backlog.arrived]).toEqual([['b', 'c'], 1])
  })
})

describe('a journal that was torn', () => {
  test('at any byte costs at most the torn row', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const run = (journal: string, how: object) =>
      evaluate({ ...OFFLINE, ...how, journal, dataset: rows(4), maxConcurrency: 1, function: ({ inputs }) => `a${inputs.i}` })
    await run(folder, { runId })
    const whole = await readFile(join(folder, `${runId}.jsonl`))
    const ends = [...whole.toString('latin1').matchAll(/\n/g)].map(({ index }) => index)
    for (let cut = 0; cut <= whole.length; cut += 61) {
      const torn = await mkdtemp(join(folder, 'torn-'))
      await writeFile(join(torn, `${runId}.jsonl`), whole.subarray(0, cut))
      // The header is the first line; a row whose newline alone is missing is whole.
      const kept = Math.max(ends.filter((end) => end <= cut).length - 1, 0)
      expect((await run(torn, { resume: runId })).counts.resumed, `cut at ${cut}`).toBe(kept)
      expect((await run(torn, { resume: runId })).counts.resumed, `cut at ${cut}, second time`).toBe(4)
    }
  })

  test('at every byte, or with bytes that were never written, gives every whole row and takes the next ones', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const header = { runId, name: 'törn 東京', evaluators: [{ name: 'm', lowerIsBetter: true }] }
    const row = (i: number): ExperimentRow =>
      ({
        datapointId: `r${i}`,
        status: 'success',
        outputs: i === 1 ? new Map([['at', new Date(i)]]) : `näh "${i}"\n\u2028\u2029😀`,
        scores: { m: i },
      }) as unknown as ExperimentRow
    const write = async (directory: string, list: readonly ExperimentRow[]): Promise<void> => {
      const journal = createJournal(directory, header)
      for (const one of list) await journal.append(one)
      await journal.close()
    }
    await write(folder, [row(0), row(1), row(2)])
    const file = join(folder, `${runId}.jsonl`)
    const whole = await readFile(file)
    const ends = [...whole.toString('latin1').matchAll(/\n/g)].map(({ index }) => index)
    const read = async (): Promise<string[]> => [...(await readJournal(folder, runId)).rows.keys()]
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const kept = ['r0', 'r1', 'r2'].slice(0, Math.max(ends.filter((end) => end <= cut).length - 1, 0))
      for (const tail of cut % 7 === 0 ? ['', '\0\0\0\0', '\ufffd{"datapointId":'] : ['']) {
        await writeFile(file, Buffer.concat([whole.subarray(0, cut), Buffer.from(tail)]))
        // A line whose newline alone is missing is whole, as long as nothing follows it.
        const before = tail === '' || !ends.includes(cut) ? kept : kept.slice(0, -1)
        expect(await read(), `cut at ${cut}, then ${JSON.stringify(tail)}`).toEqual(before)
        await write(folder, [row(3)])
        const { rows: after, header: known } = await readJournal(folder, runId)
        expect([...after.keys()], `cut at ${cut}, then ${JSON.stringify(tail)}, and a row`).toEqual([...before, 'r3'])
        expect(known).toMatchObject({ name: header.name, evaluators: [{ name: 'm', lowerIsBetter: true }] })
        for (const [key, { outputs }] of after) expect(outputs).toEqual(row(Number(key.slice(1))).outputs)
      }
    }
  })

  test('gives outputs back as they were, and runs again what has no exact form', async ({ folder }) => {
    const runId = crypto.randomUUID()
    const outputs = [new Map([['at', new Date(5)]]), undefined, null, 10n, Number.NaN, 'text', { deep: [undefined, 1] }, { call: () => 1 }]
    let calls = 0
    const run = (how: object) =>
      evaluate({
        ...OFFLINE,
        ...how,
        journal: folder,
        dataset: rows(outputs.length),
        function: ({ inputs }): unknown => {
          calls += 1
          return outputs[inputs.i]
        },
      })
    await run({ runId })
    const resumed = await run({ resume: runId })
    expect(resumed.rows.slice(0, -1).map((row) => row.outputs)).toEqual(outputs.slice(0, -1))
    expect(calls).toBe(outputs.length + 1)
  })
})

describe('resuming', () => {
  test('runs evaluators that are new or failed, on the outputs that are there', async ({ folder }) => {
    const runId = crypto.randomUUID()
    let calls = 0
    let isJudgeDown = true
    const run = (how: object, evaluators: object) =>
      evaluate({
        ...OFFLINE,
        ...how,
        journal: folder,
        dataset: rows(5),
        function: ({ inputs }) => {
          calls += 1
          return `a${inputs.i}`
        },
        evaluators: evaluators as { match: () => number },
      })
    const judge = (): number => {
      if (isJudgeDown) throw new Error('429')
      return 0.5
    }
    await run({ runId }, { match: exactMatch(), judge })
    isJudgeDown = false
    const resumed = await run({ resume: runId }, { match: exactMatch(), judge, length: (text: string) => text.length })
    expect(calls).toBe(5)
    expect(resumed.counts).toMatchObject({ resumed: 5, evaluatorErrors: 0 })
    expect(
      Object.values(resumed.metrics as Record<string, { name: string; average: number }>).map(({ name, average }) => [name, average]),
    ).toEqual([
      ['match', 1],
      ['judge', 0.5],
      ['length', 2],
    ])
    const again = await run({ resume: runId }, { match: exactMatch(), judge, length: () => 9 })
    expect((again.metrics as Record<string, { average: number }>)['length']?.average).toBe(2)
  })

  test('from the server gives outputs, scores, decisions, time and tokens of every form', async ({ online }) => {
    const runId = crypto.randomUUID()
    const outputs = ['a0', 1, [1, 2], { text: 'x' }, true, null]
    let isDown = true
    const run = (how: object) =>
      evaluate({
        ...online,
        ...how,
        dataset: rows(8),
        evaluators: { known: (output: unknown) => output !== undefined },
        function: ({ inputs }): unknown => {
          if (isDown && inputs.i >= outputs.length) throw new Error('down')
          return outputs[inputs.i] ?? null
        },
      })
    const first = await run({ runId })
    isDown = false
    const second = await run({ resume: runId })
    expect(second.counts).toMatchObject({ resumed: 6, succeeded: 8 })
    expect(second.rows.slice(0, 6).map((row) => row.outputs)).toEqual(outputs)
    expect(second.rows[0]).toMatchObject({
      decisions: { known: true },
      scores: { known: true },
      attempts: 1,
      durationMs: first.rows[0]?.durationMs,
    })
    expect(second.metrics.known).toMatchObject({ passed: 8, failed: 0 })
  })

  test('a journal line that is no row is passed over', async ({ folder }) => {
    const runId = crypto.randomUUID()
    await appendFile(join(folder, `${runId}.jsonl`), 'null\n[]\n{"other":1}\n\u0000\n')
    expect((await evaluate({ ...OFFLINE, resume: runId, journal: folder, dataset: rows(1), function: () => 1 })).counts.resumed).toBe(0)
  })
})

describe('createStopSwitch', () => {
  test('SIGTERM stops like Ctrl-C, and the listeners go away', async () => {
    const before = process.listenerCount('SIGTERM')
    const { stop, release } = createStopSwitch(undefined, true)
    process.emit('SIGTERM', 'SIGTERM')
    expect(stop.isStopped).toBe(true)
    await release()
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
