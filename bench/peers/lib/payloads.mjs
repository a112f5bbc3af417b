// The five shapes of call that are timed. Every shape is {args(i), spans, build(adapter)} where build returns the
// function to call; the work inside is tiny, so what is measured is the tracer.
const para = 'The otter floats on its back and opens shells with a stone it keeps in a fold of its skin. "Yes", it said.\n'
const message = (i, bytes) => ({
  role: i % 2 ? 'assistant' : 'user',
  content: para.repeat(Math.max(1, Math.round(bytes / para.length))),
  n: i,
})
const chat = (messages, bytesEach) => ({
  model: 'm-1',
  temperature: 0.2,
  messages: Array.from({ length: messages }, (_, i) => message(i, bytesEach)),
})

/** A chat of about so many bytes of JSON. */
export function chatOf(bytes) {
  const empty = { model: 'm-1', temperature: 0.2, messages: [{ role: 'user', content: '', n: 0 }] }
  if (bytes <= 2000) empty.messages[0].content = para.repeat(20).slice(0, Math.max(1, bytes - JSON.stringify(empty).length))
  else return chat(Math.ceil(bytes / 10_500), Math.min(bytes, 10_400))
  return empty
}

const small = (q) => ({ answer: q.q, score: 0.5, n: q.k })
const smallArgs = (i) => ({ q: 'what is an otter?', k: i })
const big10k = chat(10, 950) // ~10 KB of JSON
const big1m = chat(100, 10_400) // ~1 MB of JSON
const answer = (q) => ({ answer: 'ok', messages: q.messages.length })

export const payloads = { small: smallArgs(1), kb10: big10k, mb1: big1m }
export const shapes = {
  sync: { args: smallArgs, spans: 1, mustBeSync: true, build: (a) => a.wrap((q) => small(q), { name: 'sync', type: 'tool' }) },
  async: { args: smallArgs, spans: 1, build: (a) => a.wrap(async (q) => small(q), { name: 'async', type: 'tool' }) },
  nested5: {
    args: smallArgs,
    spans: 5,
    build: (a) => {
      let f = a.wrap(async (q) => small(q), { name: 'level5', type: 'model' })
      for (let d = 4; d >= 1; d--) {
        const g = f
        f = a.wrap(async (q) => g(q), { name: `level${d}`, type: 'chain' })
      }
      return f
    },
  },
  kb10: { args: () => big10k, spans: 1, build: (a) => a.wrap(async (q) => answer(q), { name: 'kb10', type: 'model' }) },
  mb1: { args: () => big1m, spans: 1, build: (a) => a.wrap(async (q) => answer(q), { name: 'mb1', type: 'model' }) },
}
