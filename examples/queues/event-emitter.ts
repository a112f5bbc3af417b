/** EventEmitter: a listener runs in the async context of whoever emits, so it is bound where it is added. */
import { EventEmitter } from 'node:events'
import { ask, serve } from './tenants.js'

/** A connection that answers many requests, all from one loop. */
const connection = new EventEmitter()
const sent: string[] = []
const loop = setInterval(() => {
  for (const question of sent.splice(0)) connection.emit(question)
}, 1)

await serve(
  (tracer, question) =>
    new Promise((resolve, reject) => {
      const onReady = (): void => void ask(question).then(resolve, reject)
      connection.once(question, tracer.bind(onReady))
      sent.push(question)
    }),
)
clearInterval(loop)
