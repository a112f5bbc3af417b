/** Work on several threads: each thread makes its tracer and continues the trace it was given, so one session shows it all. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { isMainThread, workerData } from 'node:worker_threads'
import { HoneyHiveTracer, traceFn } from 'honeyhive-tracer'
import { startLocal, startThread } from './local.js'

interface Task {
  readonly items: readonly string[]
  readonly context: Readonly<Record<string, string>>
}

async function runInMain(): Promise<void> {
  const local = await startLocal('batch')
  const tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'], sessionName: 'batch' })

  const processAll = traceFn(
    tracer,
    async (chunks: readonly (readonly string[])[]) => {
      const workers = chunks.map((items) => {
        const task: Task = { items, context: tracer.injectContext({}) }
        return startThread(import.meta.url, task)
      })
      // Within the thread itself nothing has to be passed on: timers, promises and events keep their tracer.
      await Promise.all(workers.map((worker) => once(worker, 'exit')))
    },
    { eventName: 'processAll' },
  )

  await processAll([
    ['a', 'b'],
    ['c', 'd'],
  ])
  assert.equal(await tracer.shutdown(), true)
  assert.deepEqual(local.arrived('batch'), ['processAll', ...Array(4).fill('  processItem')])
  const inputs = local.find('batch', 'processItem').map((event) => event.inputs['item'])
  assert.deepEqual(inputs.sort(), ['a', 'b', 'c', 'd'])
  await local.close()
}

async function runInWorker({ items, context }: Task): Promise<void> {
  await using tracer = HoneyHiveTracer.init({ apiKey: process.env['HH_API_KEY'] })
  const processItem = traceFn(tracer, async (item: string) => item.toUpperCase(), { eventName: 'processItem', argNames: ['item'] })
  await tracer.withRemoteContext(context, () => Promise.all(items.map((item) => processItem(item))))
}

await (isMainThread ? runInMain() : runInWorker(workerData as Task))
