/** async.queue: one worker serves all tasks, so a task brings along the work that is bound to its request. */
import { queue as createQueue } from 'async'
import { ask, serve } from './tenants.js'

interface Task {
  readonly question: string
  readonly run: typeof ask
}

const queue = createQueue<Task, string, Error>(({ question, run }, done) => {
  run(question).then((answer) => done(null, answer), done)
}, 2)

await serve((tracer, question) => queue.push<string>({ question, run: tracer.bind(ask) }))
