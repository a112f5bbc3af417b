import { isDeepStrictEqual } from 'node:util'
import { importAgain } from '../import-again.js'
import type { Evaluator, ScoreDetails } from '../types.js'
import type { FindProblems, JsonSchema } from './schema.js'
import { compare, type TextOptions, toText } from './text.js'

/** A schema of any library that follows Standard Schema version 1 (zod, valibot, arktype, …). */
export interface StandardSchema {
  readonly '~standard': {
    /** Answers the problems of a value, none when it is valid. */
    readonly validate: (value: unknown) => StandardOutcome | Promise<StandardOutcome>
  }
}

interface StandardOutcome {
  readonly issues?: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] | undefined
}

/** True when both are the same JSON value; the order of keys does not count, text is parsed first. */
export function jsonEquals<const Name extends string = 'json_equals'>(
  options: TextOptions<Name> = {},
): Evaluator<Name, unknown, unknown, unknown, boolean> {
  return compare(options, 'json_equals', (actual, expected) => isDeepStrictEqual(toJsonValue(actual), toJsonValue(expected)))
}

/** Settings of {@link jsonSchema}. */
export interface JsonSchemaOptions {
  /** Whether `format` is checked, or only describes as the drafts have it by default. @defaultValue true */
  readonly formats?: boolean
}

/**
 * True when the outputs follow `schema`: JSON Schema (draft 6, 7, 2019-09 or 2020-12) or a Standard Schema. Text is parsed as JSON
 * first; problems are the explanation. A JSON Schema that is wrong itself is refused before the first row.
 */
export function jsonSchema<const Name extends string = 'json_schema'>(
  schema: JsonSchema | StandardSchema,
  options: TextOptions<Name> & JsonSchemaOptions = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<boolean>> {
  const { formats = true } = options
  const findProblems = isStandardSchema(schema) ? standardProblems(schema) : lazily(() => compile(schema, formats))
  const score = async (actual: unknown): Promise<ScoreDetails<boolean>> => {
    const parsed = parseJson(actual)
    if (!parsed.ok) return { score: false, explanation: 'the outputs are not JSON' }
    const problems = await findProblems(parsed.value)
    return problems.length === 0 ? { score: true } : { score: false, explanation: problems.slice(0, 10).join('; ') }
  }
  const made = compare(options, 'json_schema', score, ['formats'])
  return Object.assign(made, { prepare: async () => void (await findProblems(null)) })
}

// The validator is loaded by those who use it: it is larger than the rest of this entry point.
async function compile(schema: JsonSchema, formats: boolean): Promise<FindProblems> {
  const { compileJsonSchema } = await importAgain(() => import('./json-schema.js'), 'compileJsonSchema')
  return compileJsonSchema(schema, formats)
}

function lazily(load: () => Promise<FindProblems>): (value: unknown) => Promise<readonly string[]> {
  let loaded: Promise<FindProblems> | undefined
  return async (value) => {
    // A load that failed, e.g. for want of a file descriptor, is tried again with the next value.
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return (await loaded)(value)
  }
}

function standardProblems(schema: StandardSchema): (value: unknown) => Promise<readonly string[]> {
  return async (value) => {
    const { issues = [] } = await schema['~standard'].validate(value)
    return issues.map((issue) => [issue.path?.map(pathPart).join('.'), issue.message].filter(Boolean).join(': '))
  }
}

function pathPart(part: unknown): string {
  return typeof part === 'object' && part !== null && 'key' in part ? String(part.key) : String(part)
}

function isStandardSchema(schema: unknown): schema is StandardSchema {
  return (typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema
}

/** True when two numbers differ by no more than `absolute`, or by no more than `relative` of the expected one. */
export function numericTolerance<const Name extends string = 'numeric_tolerance'>(
  options: TextOptions<Name> & { readonly absolute?: number; readonly relative?: number } = {},
): Evaluator<Name, unknown, unknown, unknown, ScoreDetails<boolean>> {
  const { absolute = 0, relative = 0 } = options
  const score = (actual: unknown, expected: unknown): ScoreDetails<boolean> => {
    const found = toFiniteNumber(actual)
    const wanted = toFiniteNumber(expected)
    if (found === undefined || wanted === undefined) return { score: false, explanation: 'not two numbers' }
    const difference = Math.abs(found - wanted)
    return { score: difference <= Math.max(absolute, relative * Math.abs(wanted)), difference }
  }
  return compare(options, 'numeric_tolerance', score, ['absolute', 'relative'])
}

function toFiniteNumber(value: unknown): number | undefined {
  const text = toText(value)
    .trim()
    .replace(/,(?=\d{3}\b)/g, '')
  const number = text === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}

function toJsonValue(value: unknown): unknown {
  const parsed = parseJson(value)
  return parsed.ok ? parsed.value : value
}

function parseJson(value: unknown): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')) }
  } catch {
    return { ok: false }
  }
}
