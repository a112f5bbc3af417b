// Shapes that need more of an adapter than `wrap`. Each: `build(adapter, options)` gives `{ call(i), flush, check }`, `spans` made by one
// call, and what `setup` is told (nothing is set up where `ownSetup` says so). `check` looks at what a sink got of a few calls and says in words whether it is what it should be.
const QUESTION = 'what is an otter?'
const ITEMS = 50
const PLACED = 10
const ENRICHMENTS = 4
const ORDER = /\bORD-\d{6}\b/
const small = (q) => ({ answer: q.q, score: 0.5, n: q.k })
const sessionOf = (i) => `00000000-0000-4000-8000-${String(i % 1e6).padStart(12, '0')}`

const secrets = {
  'a password by name': 'correct-horse-battery',
  'a header': `Bearer ${'abcd1234'.repeat(4)}`,
  'a key in a sentence': `sk-${'Qw12Er34'.repeat(4)}`,
  'an order number': 'ORD-482915',
}
const withSecrets = {
  user: { name: 'Lutra', password: secrets['a password by name'] },
  request: { url: 'https://api.example.com/v1/chat', headers: { authorization: secrets['a header'], accept: 'application/json' } },
  messages: Array.from({ length: 8 }, (_, i) => ({
    role: i % 2 ? 'assistant' : 'user',
    content: `The otter floats on its back and opens shells with a stone. My key is ${i === 3 ? secrets['a key in a sentence'] : 'safe'}, my order ${i === 5 ? secrets['an order number'] : 'is late'}.`,
  })),
}

const flushOf = (a) => () => a.flush()
const plural = (n, what) => `${n} ${what}`

export const furtherShapes = {
  stream: {
    spans: 1,
    what: `an async generator of ${ITEMS} items, consumed to its end`,
    build(a) {
      const stream = (a.stream ?? a.wrap)(
        async function* (_question) {
          for (let i = 0; i < ITEMS; i++) yield { delta: `item ${i}`, index: i }
        },
        { name: 'stream', type: 'model' },
      )
      return {
        async call(i) {
          let seen = 0
          for await (const _item of await stream({ q: QUESTION, k: i })) seen++
          return seen
        },
        flush: flushOf(a),
        check(spans) {
          const text = JSON.stringify(spans.find((span) => span.name === 'stream')?.attributes ?? {})
          const first = text.includes('item 0')
          if (first && text.includes(`item ${ITEMS - 1}`)) return 'its items arrive'
          return text === '{}' ? 'no span' : 'its items do not arrive'
        },
      }
    },
  },
  tracers5: {
    spans: 5,
    what: 'five tracers, each with a key of its own, a call of one inside a call of the other',
    async build(a, opt) {
      if (!a.instance) return undefined
      const tracers = []
      for (let i = 0; i < 5; i++) tracers.push(await a.instance({ ...opt, key: `key-${i}` }))
      let nested = tracers[4].wrap(async (q) => small(q), { name: 'level4', type: 'tool' })
      for (let i = 3; i >= 0; i--) {
        const inner = nested
        nested = tracers[i].wrap(async (q) => inner(q), { name: `level${i}`, type: 'chain' })
      }
      return {
        call: (i) => nested({ q: QUESTION, k: i }),
        flush: () => Promise.all(tracers.map((tracer) => tracer.flush())),
        check(spans) {
          const levels = spans.filter((span) => /^level\d$/.test(span.name))
          const keys = new Set(levels.map((span) => span.key)).size
          const known = new Set(levels.map((span) => `${span.key} ${span.spanId}`))
          const orphans = levels.filter((span) => span.parentSpanId && !known.has(`${span.key} ${span.parentSpanId}`)).length
          return `${plural(keys, keys === 1 ? 'key' : 'keys')} of 5; ${orphans} of ${levels.length} spans name a parent that their own key never gets`
        },
      }
    },
  },
  routed: {
    spans: PLACED + 1,
    what: `${PLACED} spans that an instrumentation makes with the global provider, inside a call of one of two tracers`,
    ownSetup: true, // the global provider is the one it registers
    async build(a, opt) {
      if (!a.routed) return undefined
      const { api, places, flush } = await a.routed(opt)
      const instrumented = api.trace.getTracerProvider().getTracer('openai-like', '1.0.0')
      const request = (k) =>
        instrumented.startActiveSpan('chat m-1', { kind: api.SpanKind.CLIENT }, (span) => {
          span.setAttributes({ 'gen_ai.system': 'openai', 'gen_ai.request.model': 'm-1', 'gen_ai.request.temperature': 0.2 })
          span.setAttribute('gen_ai.usage.input_tokens', 12 + (k % 3))
          span.setAttribute('gen_ai.usage.output_tokens', 34)
          span.setStatus({ code: api.SpanStatusCode.OK })
          span.end()
        })
      return {
        call: (i) =>
          places[i % 2](async () => {
            for (let j = 0; j < PLACED; j++) request(j)
          }),
        flush,
        check(spans) {
          const placed = spans.filter((span) => span.name === 'chat m-1')
          const own = new Map(spans.filter((span) => span.name === 'place').map((span) => [span.spanId, span.key]))
          const beside = placed.filter((span) => own.get(span.parentSpanId) === span.key).length
          const keys = new Set(placed.map((span) => span.key)).size
          return `${beside} of ${placed.length} under the call they were made in; ${keys} of 2 keys`
        },
      }
    },
  },
  redaction: {
    spans: 1,
    what: 'a call with 1.2 KB of arguments that hold four secrets: the rules there are by default and one of the program',
    setup: { redact: ORDER },
    build(a) {
      const call = a.wrap(async (q) => ({ answer: 'ok', echo: q.user }), { name: 'redacted', type: 'model' })
      return {
        call: () => call(withSecrets),
        flush: flushOf(a),
        check(spans) {
          const text = JSON.stringify(spans.filter((span) => span.name === 'redacted'))
          if (text === '[]') return 'no span'
          const leaked = Object.entries(secrets).filter(([, secret]) => text.includes(secret.replace('Bearer ', '')))
          return leaked.length === 0 ? 'no secret arrives' : `arrive: ${leaked.map(([name]) => name).join(', ')}`
        },
      }
    },
  },
  enrichment: {
    spans: 1,
    what: `a call that adds metadata to its span ${ENRICHMENTS} times`,
    build(a) {
      if (!a.enrich) return undefined
      const call = a.wrap(
        async (q) => {
          for (let j = 0; j < ENRICHMENTS; j++) a.enrich({ [`step${j}`]: `step of ${q.k}`, [`found${j}`]: { river: 'Tweed', depth: j } })
          return small(q)
        },
        { name: 'enriched', type: 'tool' },
      )
      return {
        call: (i) => call({ q: QUESTION, k: i }),
        flush: flushOf(a),
        check(spans) {
          const text = JSON.stringify(spans.find((span) => span.name === 'enriched')?.attributes ?? {})
          const found = Array.from({ length: ENRICHMENTS }, (_, j) => text.includes(`step${j}`)).filter(Boolean).length
          return found === ENRICHMENTS ? 'all arrive' : `${found} of ${ENRICHMENTS} arrive`
        },
      }
    },
  },
  sessions: {
    spans: 1,
    what: 'a call inside a session of its own',
    build(a) {
      if (!a.inSession) return undefined
      const call = a.wrap(async (q) => small(q), { name: 'in session', type: 'tool' })
      return {
        call: (i) => a.inSession(sessionOf(i), () => call({ q: QUESTION, k: i })),
        flush: flushOf(a),
        check(spans) {
          const of = new Set(spans.filter((span) => span.name === 'in session').map((span) => a.sessionOf(span)))
          return `${of.size} sessions of 4 calls`
        },
      }
    },
  },
}
export const furtherNames = Object.keys(furtherShapes)
