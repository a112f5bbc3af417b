// What the code of the package means by these names, whatever the global of that name is: a test environment that stands in for a
// browser (Jest with jsdom) has no `TextEncoder` and no `setImmediate`, and its timers are numbers.
export { performance } from 'node:perf_hooks'
export { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from 'node:timers'
export { TextDecoder, TextEncoder } from 'node:util'
