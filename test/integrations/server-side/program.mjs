// One application in one framework, in a process of its own. It prints nothing; what was seen goes to the file RESULT.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { startApplication } from './applications.mjs'
import { besideProvider, besideSdk } from './beside-host.mjs'
import { createClients } from './clients.mjs'
import { createInstrumentations } from './instrumentations.mjs'
import { onPlainProvider, onRoutingProvider, onTracer } from './on-tracer.mjs'

const sides = { plain: onPlainProvider, tracer: onTracer, routing: onRoutingProvider, sdk: besideSdk, provider: besideProvider }
const CONCURRENCY = 16

const { FORMAT, FRAMEWORK: framework, RESULT, SIDE, PLAN } = process.env
const { requests, databases } = JSON.parse(PLAN)
const { load } = await import(pathToFileURL(`${process.cwd()}/${FORMAT === 'cjs' ? 'load.cjs' : 'load.mjs'}`).href)

const worker = new Worker(new URL('traffic.mjs', import.meta.url), { execArgv: [] })
const [{ service }] = await once(worker, 'message')
const waiting = new Map()
worker.on('message', ({ id, answer }) => waiting.get(id)(answer))
const call = (url) => {
  const id = waiting.size
  return new Promise((resolve) => {
    waiting.set(id, resolve)
    worker.postMessage({ id, url })
  })
}

/** Runs the application and asks it everything in `asked`; gives what the services it calls saw, and its log lines. */
async function run(side, asked) {
  const [answers, headers, logs] = [{}, {}, []]
  const clients = await createClients({ load, service, databases, logs })
  const work = createWork(side, clients, headers)
  const enter = (request, response, next, fastify) => side.enter(questionOf(request), { request, response, next, fastify })
  const application = await startApplication(framework, { load, instrumentations, enter, work: (request) => work(questionOf(request)) })
  const queue = [...asked]
  async function ask() {
    for (let question = queue.shift(); question !== undefined; question = queue.shift())
      answers[question.marker] = await call(`${application.url}/work?${new URLSearchParams(question)}`)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, ask))
  await application.close()
  await clients.close()
  return { answers, headers, logs }
}

function questionOf(request) {
  return Object.fromEntries(new URL(request.originalUrl ?? request.url, 'http://localhost').searchParams)
}

/** What the handler does, by `style`. */
function createWork({ traced, inHandler, bind = (fn) => fn }, { promises, callbacks, logger }, headers) {
  const log = (marker, place) => logger.info({ marker, place }, 'line')
  const see = (marker, name, value) => {
    headers[marker] ??= {}
    headers[marker][name] = value
  }
  const styles = {
    async promises({ marker }) {
      for (const [name, run] of promises) {
        see(marker, name, await run(marker))
        await traced(`after ${name}`, () => log(marker, `after ${name}`))()
      }
    },
    async together({ marker }) {
      const one = ([name, run]) => traced(`with ${name}`, async () => see(marker, name, await run(marker)))()
      await Promise.all(promises.map(one))
    },
    async callbacks({ marker }) {
      for (const [name, run] of callbacks) {
        const done = (resolve, reject) => async (error, value) => {
          if (error) return reject(error)
          see(marker, name, value)
          log(marker, `in callback of ${name}`)
          await traced(`in ${name}`, () => log(marker, `in ${name}`))()
          resolve()
        }
        await new Promise((resolve, reject) => run(marker, bind(done(resolve, reject))))
      }
    },
    async failure({ marker }) {
      for (const [name, run] of promises.slice(0, 1)) see(marker, name, await run(marker))
      throw Object.assign(new Error(`refused ${marker}`), { expose: false })
    },
  }
  return (question) =>
    inHandler(question, async () => {
      log(question.marker, 'handler')
      await traced('answer', styles[question.style])(question)
      return { marker: question.marker }
    })
}

const instrumentations = await createInstrumentations(load, framework)
writeFileSync(RESULT, JSON.stringify(await sides[SIDE]({ load, framework, instrumentations, requests, run })))
process.exit(0)
