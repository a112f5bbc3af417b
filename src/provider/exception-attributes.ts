import { reflectGet } from '../builtins.js'
import type { Attributes } from '@opentelemetry/api'
import { isFilledText } from '../options/spec.js'
import type { ThrownText } from '../values/thrown.js'

/** The attributes of the event that tells of something thrown. */
export function toExceptionAttributes({ type, message, stack }: ThrownText): Attributes {
  const attributes: Attributes = { 'exception.type': type, 'exception.message': message }
  if (stack !== undefined) attributes['exception.stacktrace'] = stack
  return attributes
}

/**
 * Those OpenTelemetry's SDK gives, for who records an exception through its API: it prefers an exception's code to its name as
 * the type, and gives a bare text or code no more than it has.
 */
export function toSdkAttributes(exception: unknown, text: ThrownText): Attributes {
  if (typeof exception === 'string') return { 'exception.message': exception }
  const code = readCode(exception)
  const name = readField(exception, 'name')
  if (code === undefined) return toExceptionAttributes(isFilledText(name) ? { ...text, type: name } : text)
  return typeof readField(exception, 'message') === 'string'
    ? { ...toExceptionAttributes(text), 'exception.type': code }
    : { 'exception.type': code }
}

/** Whether something says what an exception has to: a text, or an object with a code, a name or a message. */
export function isException(thrown: unknown): boolean {
  if (isFilledText(thrown) || readCode(thrown) !== undefined) return true
  return isFilledText(readField(thrown, 'name')) || isFilledText(readField(thrown, 'message'))
}

function readCode(exception: unknown): string | undefined {
  const code = readField(exception, 'code')
  return isFilledText(code) || (typeof code === 'number' && code !== 0) ? String(code) : undefined
}

function readField(holder: unknown, name: string): unknown {
  try {
    return typeof holder === 'object' && holder !== null ? reflectGet(holder, name) : undefined
  } catch {
    return undefined
  }
}
