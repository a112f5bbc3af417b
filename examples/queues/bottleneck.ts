/** Bottleneck: a job runs in the async context that the limiter happens to be in, so each is bound where it is scheduled. */
import Bottleneck from 'bottleneck'
import { ask, serve } from './tenants.js'

const limiter = new Bottleneck({ maxConcurrent: 2 })

await serve((tracer, question) => limiter.schedule(tracer.bind(ask), question))
