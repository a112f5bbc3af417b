import { createTracing } from '../../src/wrap/decorate.js'
import { compileCall } from '../../src/wrap/trace-options.js'
import { wrapFunction } from '../../src/wrap/function.js'
import { createFakeRecorder, describeWrapper } from '../fixtures/conformance.js'

describeWrapper('wrapFunction', () => {
  const { recorder, spans } = createFakeRecorder()
  return { wrap: (fn) => wrapFunction(fn, compileCall({}, fn.name), () => recorder), seen: () => spans }
})

describeWrapper('traceFn', () => {
  const { recorder, spans } = createFakeRecorder()
  const { traceFn } = createTracing(() => () => recorder)
  return { wrap: (fn) => traceFn(undefined, fn), seen: () => spans }
})

describeWrapper('trace(…)(fn)', () => {
  const { recorder, spans } = createFakeRecorder()
  const { trace } = createTracing(() => () => recorder)
  return { wrap: (fn) => trace()(fn), seen: () => spans }
})
