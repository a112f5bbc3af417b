/**
 * Cost of one row beside other runners: the same function and score over the same rows, each runner in a fresh process, the
 * median of the rounds. Nothing leaves the machine: a stub on loopback answers for every backend.
 *
 *   node run.mjs [--rows 1000,10000] [--rounds 3] [--only "honeyhive offline,braintrust offline"]
 */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { runners } from './runners.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000,10000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    runner: { type: 'string' },
    url: { type: 'string' },
  },
})

if (values.runner === undefined) {
  const stub = await startStub()
  for (const rows of values.rows.split(',').map(Number)) await runAll(rows, stub.url)
  stub.close()
} else await runOne(values.runner, Number(values.rows), values.url ?? '')

// A round goes through all runners, so that a busy minute of the machine is none of one runner alone.
async function runAll(rows, url) {
  const names = values.only?.split(',') ?? Object.keys(runners)
  const all = new Map(names.map((name) => [name, []]))
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const name of names) all.get(name).push(await measure(name, rows, url))
  console.log(`runner                 us/row  CPU us/row  MB more  (${rows} rows, median of ${values.rounds})`)
  for (const [name, measured] of all) {
    const failed = measured.find((one) => one.error !== undefined)
    if (failed !== undefined) {
      console.log(`${name.padEnd(20)}  not measured: ${failed.error}`)
      continue
    }
    const figure = (key) =>
      median(measured.map((one) => one[key]))
        .toFixed(0)
        .padStart(8)
    console.log(`${name.padEnd(20)} ${figure('wallUs')}    ${figure('cpuUs')} ${figure('megabytes')}`)
  }
}

async function measure(name, rows, url) {
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(import.meta.url), '--runner', name, '--rows', String(rows), '--url', url],
      { maxBuffer: 1 << 26, timeout: 600_000 },
    )
    return JSON.parse(stdout.trim().split('\n').at(-1))
  } catch (error) {
    return {
      error:
        String(error.stderr || error.message)
          .trim()
          .split('\n')
          .find((line) => /error/i.test(line)) ?? 'failed',
    }
  }
}

async function runOne(name, rows, url) {
  const run = await runners[name](url)
  const dataset = Array.from({ length: rows }, (_, i) => ({ id: `row-${i}`, question: `question ${i}`, answer: `QUESTION ${i}` }))
  // What a runner loads and connects at first use is not a cost of the rows.
  await run(dataset.slice(0, 5))
  const memory = process.memoryUsage().rss
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  const average = await run(dataset)
  const wallMs = performance.now() - startedMs
  const used = process.cpuUsage(cpu)
  if (average !== 1) throw new Error(`error: the score is ${average}, not 1`)
  const megabytes = (process.memoryUsage().rss - memory) / 1e6
  process.stdout.write(
    `\n${JSON.stringify({ wallUs: (wallMs * 1000) / rows, cpuUs: (used.user + used.system) / rows, megabytes })}\n`,
    () => process.exit(0),
  )
}

/** Answers every request with what the runners need to go on. */
async function startStub() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const id = '00000000-0000-4000-8000-000000000000'
      const path = request.url ?? ''
      const body = path.includes('/info')
        ? { version: '0.12.0', batch_ingest_config: { use_multipart_endpoint: false } }
        : {
            id,
            session_id: id,
            run_id: id,
            name: 'bench',
            tenant_id: id,
            reference_dataset_id: id,
            start_time: new Date(0).toISOString(),
            data: { id },
          }
      // Searches by name answer with a list.
      const reply = request.method === 'GET' && path.includes('?') ? [body] : body
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close(server.closeAllConnections()) }
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
