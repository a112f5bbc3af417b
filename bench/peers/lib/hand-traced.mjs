// startActiveSpan by hand, JSON inputs and outputs as attributes: what every 'raw' adapter does.
const SESSION = '00000000-0000-4000-8000-000000000003'

function start(api, span, { type, sessionKey }) {
  span.setAttribute('event_type', type)
  span.setAttribute('session_id', (sessionKey && api.context.active().getValue(sessionKey)) ?? SESSION)
}
function fail(api, span, e) {
  span.recordException(e)
  span.setStatus({ code: api.SpanStatusCode.ERROR, message: String(e?.message) })
  span.end()
}

export function handTraced(api, tracer, fn, { name, type, stringify = JSON.stringify, sessionKey }) {
  return function traced(...args) {
    return tracer.startActiveSpan(name, (span) => {
      start(api, span, { type, sessionKey })
      span.setAttribute('inputs', stringify(args))
      let result
      try {
        result = fn.apply(this, args)
      } catch (e) {
        fail(api, span, e)
        throw e
      }
      if (typeof result?.then === 'function') {
        return result.then(
          (v) => {
            span.setAttribute('outputs', stringify(v))
            span.end()
            return v
          },
          (e) => {
            fail(api, span, e)
            throw e
          },
        )
      }
      span.setAttribute('outputs', stringify(result))
      span.end()
      return result
    })
  }
}

/** The same for an async generator: the span is open while it is read, current inside its body, and holds the items. */
export function handStreamed(api, tracer, fn, { name, type }) {
  return async function* streamed(...args) {
    const span = tracer.startSpan(name)
    start(api, span, { type })
    span.setAttribute('inputs', JSON.stringify(args))
    const inside = api.trace.setSpan(api.context.active(), span)
    const items = api.context.with(inside, () => fn.apply(this, args))
    const seen = []
    try {
      for (;;) {
        const { done, value } = await api.context.with(inside, () => items.next())
        if (done) break
        seen.push(value)
        yield value
      }
    } catch (e) {
      span.recordException(e)
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: String(e?.message) })
      throw e
    } finally {
      void items.return() // a consumer that stopped early
      span.setAttribute('outputs', JSON.stringify(seen))
      span.end()
    }
  }
}

const secretName = /^(password|authorization|api_?key|token|cookie|secret)$/i
const secretText = /\bsk-[A-Za-z0-9]{20,}\b|\bBearer [\w.-]+/g

/** JSON.stringify with the six names and two formats a careful person writes down, and a rule of the program's own. */
export function handRedacted(rule) {
  const own = new RegExp(rule.source, 'g')
  const mask = (key, value) => {
    if (secretName.test(key)) return '[masked]'
    return typeof value === 'string' ? value.replace(secretText, '[masked]').replace(own, '[masked]') : value
  }
  return (value) => JSON.stringify(value, mask)
}
/** The same rules for a hook that gets text, JSON or not. */
export function handMasked(rule) {
  const own = new RegExp(rule.source, 'g')
  const named = /"(password|authorization|api_?key|token|cookie|secret)":"(?:[^"\\]|\\.)*"/gi
  return ({ data }) =>
    typeof data === 'string' ? data.replace(named, '"$1":"[masked]"').replace(secretText, '[masked]').replace(own, '[masked]') : data
}
