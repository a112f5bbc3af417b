/** Runs rows of one experiment run, named on the command line, until it is told to stop. */
import { Worker } from 'bullmq'
import { createExperiment, type ExperimentRow } from 'honeyhive-tracer/experiments'
import { QUEUE, type Row, readConnection, settings } from './experiment.js'

const runId = process.argv[2]
if (runId === undefined) throw new Error('usage: worker.ts <run id>')

// `resume` joins the run: rows that are finished are taken over, also when the worker before died right after one.
const experiment = await createExperiment({ ...settings, resume: runId })
const worker = new Worker<{ row: Row; index: number }, ExperimentRow>(
  QUEUE,
  async ({ data }) => {
    const row = await experiment.runDatapoint(data.row, data.index)
    // The job is only done when the server has the row: a worker that dies before leaves the job to another.
    if (!(await experiment.flush())) throw new Error('the row did not reach the server')
    return row
  },
  { connection: readConnection(), concurrency: 4, lockDuration: 2_000, stalledInterval: 1_000, maxStalledCount: 3 },
)

process.once('SIGTERM', () => {
  void worker
    .close()
    .then(() => experiment.tracer.shutdown())
    .then(() => process.exit(0))
})
