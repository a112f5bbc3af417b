// startActiveSpan by hand, JSON inputs and outputs as attributes: what every 'raw' adapter does.
export function handTraced(api, tracer, fn, { name, type }) {
  return function traced(...args) {
    return tracer.startActiveSpan(name, (span) => {
      span.setAttribute('event_type', type)
      span.setAttribute('session_id', '00000000-0000-4000-8000-000000000003')
      span.setAttribute('inputs', JSON.stringify(args))
      const fail = (e) => {
        span.recordException(e)
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: String(e?.message) })
        span.end()
      }
      let result
      try {
        result = fn.apply(this, args)
      } catch (e) {
        fail(e)
        throw e
      }
      if (typeof result?.then === 'function') {
        return result.then(
          (v) => {
            span.setAttribute('outputs', JSON.stringify(v))
            span.end()
            return v
          },
          (e) => {
            fail(e)
            throw e
          },
        )
      }
      span.setAttribute('outputs', JSON.stringify(result))
      span.end()
      return result
    })
  }
}
