import type { Recording } from './recorder.js'

/** Lets the span of `recording` live as long as `value` is consumed; false when `value` is no stream. */
export function watchStream(value: object, recording: Recording): boolean {
  void value
  void recording
  return false
}
