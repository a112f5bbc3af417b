/** What coordinator and workers share: the rows, the function and the scores. */
import { setTimeout as pause } from 'node:timers/promises'
import type { EvaluateOptions } from 'honeyhive-tracer/experiments'

/** Name of the queue. */
export const QUEUE = 'experiment-rows'

/** One row. */
export interface Row {
  readonly id: string
  readonly inputs: { readonly n: number }
  readonly groundTruth: number
}

export const rows: readonly Row[] = Array.from({ length: 60 }, (_, n) => ({ id: `row-${n}`, inputs: { n }, groundTruth: n * n }))

export const settings = {
  name: 'bullmq',
  dataset: rows,
  function: async function square({ inputs }): Promise<number> {
    await pause(40)
    return inputs.n * inputs.n
  },
  evaluators: { correct: (outputs: number, _inputs: unknown, expected: number) => outputs === expected },
  progress: false,
  printResults: false,
} satisfies EvaluateOptions<Row, number, { correct: (outputs: number, inputs: unknown, expected: number) => boolean }>

/** Address of Redis, as BullMQ takes it. */
export function readConnection(): { host: string; port: number; maxRetriesPerRequest: null } {
  const { hostname, port } = new URL(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379')
  return { host: hostname, port: Number(port === '' ? 6379 : port), maxRetriesPerRequest: null }
}
