import type { ConfigProblem } from '../errors.js'
import { type CheckContext, CODE, readOptional, toProblem } from '../options/check.js'
import type { BatchOptions, TracerOptions } from './options.js'
import { findReplacement } from './other-names.js'
import { OPTIONS } from './schema.js'

/** The options of one tracer that were given, each read exactly once and checked. What is wrong is left out and becomes a problem. */
export function readGiven(options: unknown, context: CheckContext): TracerOptions {
  // Every member is checked against its spec, whose types follow TracerOptions.
  return readOptional(options, OPTIONS, { ...context, adviseUnknown }) as TracerOptions
}

function adviseUnknown(name: string): string | undefined {
  const replacement = findReplacement(name)
  if (replacement !== undefined) return replacement
  const owner = Object.entries(OPTIONS).find(([, spec]) => 'members' in spec && Object.hasOwn(spec.members, name))
  return owner && `Did you mean "${owner[0]}.${name}"?`
}

/** Reports options that are right alone and wrong together. */
export function checkTogether(options: TracerOptions, context: CheckContext): void {
  checkSampling(options, context)
  checkOrder('maxExportBatchSize', 'maxQueueSize', options, context)
  checkOrder('maxExportBatchBytes', 'maxQueueBytes', options, context)
}

function checkSampling({ sampler, sampleRate }: TracerOptions, { problems, prefix = '', locate = () => CODE }: CheckContext): void {
  if (!sampler || typeof sampleRate !== 'number') return
  const option = `${prefix}sampleRate`
  const spec = { expected: 'either "sampler" or "sampleRate"', remedy: 'Remove one of them.', found: () => 'both' }
  problems.push(toProblem(option, spec, sampleRate, locate(option)))
}

function checkOrder(
  small: keyof BatchOptions,
  large: keyof BatchOptions,
  { batch }: TracerOptions,
  { problems, prefix = '', locate = () => CODE }: CheckContext,
): void {
  const [low, high] = [batch?.[small], batch?.[large]]
  if (typeof low !== 'number' || typeof high !== 'number' || low <= high) return
  const option = `${prefix}batch.${small}`
  const spec = { expected: `at most "batch.${large}", which is ${high}`, remedy: 'Lower the one or raise the other.' }
  problems.push(toProblem(option, spec, low, locate(option)))
}

/** Below this, a text is too common to be searched for in a message. */
const SHORTEST_KEY = 8

/** The same problems with every key masked: a key pasted into the wrong option must not be repeated either. */
export function withoutKeys(problems: readonly ConfigProblem[], keys: readonly string[]): readonly ConfigProblem[] {
  const masked = keys.filter((key) => key.length >= SHORTEST_KEY)
  const mask = (text: string): string => masked.reduce((rest, key) => rest.replaceAll(key, '***'), text)
  return problems.map(({ option, message }) => ({ option: mask(option), message: mask(message) }))
}
