import type { ReadContext } from './given.js'
import type { BatchOptions, TracerOptions } from './options.js'
import { CODE, describeProblem } from './problems.js'

/** Reports options that are right alone and wrong together. */
export function checkTogether(options: TracerOptions, context: ReadContext): void {
  checkSampling(options, context)
  checkOrder('maxExportBatchSize', 'maxQueueSize', options, context)
  checkOrder('maxExportBatchBytes', 'maxQueueBytes', options, context)
}

function checkSampling({ sampler, sampleRate }: TracerOptions, { problems, prefix = '', locate = () => CODE }: ReadContext): void {
  if (!sampler || typeof sampleRate !== 'number') return
  const option = `${prefix}sampleRate`
  const spec = { expected: 'either "sampler" or "sampleRate"', remedy: 'Remove one of them.', found: () => 'both' }
  problems.push({ option, message: describeProblem(option, spec, sampleRate, locate(option)) })
}

function checkOrder(
  small: keyof BatchOptions,
  large: keyof BatchOptions,
  { batch }: TracerOptions,
  { problems, prefix = '', locate = () => CODE }: ReadContext,
): void {
  const [low, high] = [batch?.[small], batch?.[large]]
  if (typeof low !== 'number' || typeof high !== 'number' || low <= high) return
  const option = `${prefix}batch.${small}`
  const spec = { expected: `at most "batch.${large}", which is ${high}`, remedy: 'Lower the one or raise the other.' }
  problems.push({ option, message: describeProblem(option, spec, low, locate(option)) })
}
