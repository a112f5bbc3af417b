import { isErrorLike } from '../values/realm.js'
import { describeThrown } from '../values/thrown.js'
import type { ScoreValue } from './types.js'

/** What one evaluator contributed to a row. */
export interface Score {
  readonly value: ScoreValue
  readonly explanation: string | undefined
  /** Scalar entries beside the score, by their own name. */
  readonly extras: Readonly<Record<string, ScoreValue>>
}

/** A score, no score, or why what came back is not one. */
export type ParsedScore =
  | { readonly kind: 'score'; readonly score: Score }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly reason: string }

/**
 * Reads what an evaluator returned: a scalar, a list of one scalar, or an object with `score`, `explanation` and extras.
 *
 * `null` and `undefined` mean no score. A number that is not finite is invalid, since averages over it are meaningless.
 */
export function parseScore(raw: unknown): ParsedScore {
  if (raw === null || raw === undefined) return { kind: 'none' }
  if (Array.isArray(raw)) {
    return raw.length === 1 ? parseScore(raw[0]) : invalid(`returned a list of ${raw.length} values; give one score`)
  }
  if (typeof raw === 'object') return parseDetails(raw)
  const value = toScoreValue(raw)
  if (value === undefined) return invalid(`returned ${describe(raw)}; give a number, a boolean or a text`)
  return { kind: 'score', score: { value, explanation: undefined, extras: {} } }
}

function parseDetails(raw: object): ParsedScore {
  // One read of each property: they belong to the user and may throw or change.
  let entries: [string, unknown][]
  try {
    entries = Object.entries(raw)
  } catch (cause) {
    return invalid(`returned an object that cannot be read: ${describeError(cause)}`)
  }
  const fields = new Map(entries)
  if (!fields.has('score')) return invalid('returned an object without "score"')
  const score = fields.get('score')
  if (score === null || score === undefined) return { kind: 'none' }
  const value = toScoreValue(score)
  if (value === undefined) return invalid(`returned ${describe(score)} as "score"; give a number, a boolean or a text`)
  // Left out, it would be missing from the figures that bounds are checked against.
  const broken = entries.find(([name, extra]) => name !== 'explanation' && typeof extra === 'number' && !Number.isFinite(extra))
  if (broken !== undefined) return invalid(`returned ${describe(broken[1])} as "${broken[0]}"; give a finite number, or leave it out`)
  return { kind: 'score', score: { value, explanation: toExplanation(fields.get('explanation')), extras: toExtras(entries) } }
}

function toExtras(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, ScoreValue>> {
  return Object.fromEntries(
    entries.flatMap(([name, raw]) => {
      const value = name === 'score' || name === 'explanation' ? undefined : toScoreValue(raw)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function toExplanation(raw: unknown): string | undefined {
  if (raw === undefined || raw === null) return undefined
  if (typeof raw === 'string') return raw
  try {
    return JSON.stringify(raw) ?? String(raw)
  } catch {
    return '[cannot be written as text]'
  }
}

/** A scalar that may be a score; big integers become numbers when that is exact, text otherwise. */
export function toScoreValue(raw: unknown): ScoreValue | undefined {
  if (typeof raw === 'boolean' || typeof raw === 'string') return raw
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined
  if (typeof raw === 'bigint') return Number.isSafeInteger(Number(raw)) ? Number(raw) : raw.toString()
  return undefined
}

/** Numeric side of a score: booleans count as 1 and 0, text as nothing. */
export function toNumber(value: ScoreValue): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'boolean' ? Number(value) : undefined
}

/** A thrown value as one line. */
export function describeError(thrown: unknown): string {
  try {
    if (typeof thrown === 'object' && thrown !== null && isErrorLike(thrown)) return `${thrown.name}: ${thrown.message}`
    return String(thrown)
  } catch {
    const { type, message } = describeThrown(thrown)
    return `${type}: ${message}`
  }
}

function invalid(reason: string): ParsedScore {
  return { kind: 'invalid', reason }
}

function describe(raw: unknown): string {
  if (typeof raw === 'number') return String(raw)
  return Array.isArray(raw) ? 'a list' : `a value of type ${typeof raw}`
}
