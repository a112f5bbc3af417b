/**
 * DataLoader: one batch serves several requests and runs in the async context of one of them. A loader for each request is right
 * by itself; in a shared one the work of a key is bound where it is loaded, or the whole batch to a tracer of its own:
 * `new DataLoader(platform.bind(loadBatch))`.
 */
import DataLoader from 'dataloader'
import { ask, serve } from './tenants.js'

interface Key {
  readonly question: string
  readonly load: typeof ask
}

const loader = new DataLoader<Key, string, string>((keys) => Promise.all(keys.map(({ question, load }) => load(question))), {
  cacheKeyFn: ({ question }) => question,
})

await serve((tracer, question) => loader.load({ question, load: tracer.bind(ask) }))
