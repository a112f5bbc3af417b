/** One tracer in one scenario, in a process of its own: `node run-one.mjs <contestant> <scenario> <url>`. */
import { readdirSync } from 'node:fs'
import { contestants, said } from './contestants.mjs'

const [, , who, scenario, url, count = '0'] = process.argv
const n = Number(count)
for (const method of ['warn', 'error', 'log', 'info']) console[method] = (...parts) => void said.push(parts.map(String).join(' '))
process.on('unhandledRejection', (reason) => said.push(`unhandledRejection ${String(reason)}`))

const make = await (await contestants[who])(url)
const startedAt = performance.now()
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const sockets = () => readdirSync('/proc/self/fd').length
const attempt = async (act) => {
  try {
    const answer = await act()
    return answer === false ? 'false' : 'ok'
  } catch (error) {
    return `rejected: ${String(Array.isArray(error) ? error[0] : error).slice(0, 60)}`
  }
}
const done = (more) =>
  process.stdout.write(
    `${JSON.stringify({ ms: Math.round(performance.now() - startedAt), said: said.length, first: said[0]?.slice(0, 120), ...more })}\n`,
  )

const scenarios = {
  async burst() {
    const tracer = await make()
    for (let i = 0; i < n; i++) tracer.span('work').end()
    const flush = await attempt(() => tracer.flush())
    done({ flush, lost: tracer.lost() })
  },
  async steady() {
    const tracer = await make()
    for (let i = 0; i < n; i += 20) {
      for (let j = 0; j < 20; j++) tracer.span('work').end()
      await sleep(100)
    }
    const flush = await attempt(() => tracer.flush())
    done({ flush, lost: tracer.lost() })
  },
  async poison() {
    const tracer = await make()
    for (let i = 0; i < n; i++) tracer.span('work').end()
    try {
      tracer.span('poison').end(Number.NaN)
    } catch (error) {
      said.push(`threw into the host: ${String(error)}`)
    }
    const flush = await attempt(() => tracer.flush())
    done({ flush, lost: tracer.lost() })
  },
  async exit() {
    const tracer = await make()
    for (let i = 0; i < n; i++) tracer.span('work').end()
    process.on('exit', () => done({ flush: 'none', lost: tracer.lost() }))
  },
  async shutdown() {
    const tracer = await make()
    for (let i = 0; i < n; i++) tracer.span('work').end()
    const flush = await attempt(() => tracer.shutdown())
    done({ flush, lost: tracer.lost() })
  },
  async sockets() {
    for (let i = 0; i < 3; i++) {
      const warm = await make()
      warm.span('work').end()
      await warm.shutdown()
    }
    await sleep(200)
    const before = sockets()
    for (let i = 0; i < n; i++) {
      const tracer = await make()
      tracer.span('work').end()
      await attempt(() => tracer.shutdown())
    }
    await sleep(500)
    done({ flush: 'ok', lost: 0, left: sockets() - before })
  },
}
await scenarios[scenario]()
if (scenario !== 'exit') process.exit(0)
