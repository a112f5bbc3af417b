/** p-queue: a task runs in the async context of the one that ended before it, so each is bound where it is added. */
import PQueue from 'p-queue'
import { ask, serve } from './tenants.js'

const queue = new PQueue({ concurrency: 2 })

await serve((tracer, question) => queue.add(tracer.bind(() => ask(question))))
