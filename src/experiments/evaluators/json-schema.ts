import { isDeepStrictEqual } from 'node:util'
import { HoneyHiveError } from '../../errors.js'

/** A JSON Schema, as an object or as `true` and `false`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

type Check = (value: unknown, path: string) => readonly string[]
type Keywords = Readonly<Record<string, unknown>>

const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$defs',
  'definitions',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'format',
  'deprecated',
  'readOnly',
  'writeOnly',
])

/**
 * Compiles the part of JSON Schema (draft 2020-12) that describes data: types, enumerations, ranges, lengths, patterns,
 * properties, items, combinations and local `$ref`. The result lists the problems of a value; none means it is valid.
 *
 * @throws HoneyHiveError `EXPERIMENT` for any other keyword, since ignoring it would call wrong outputs right
 */
export function compileJsonSchema(schema: JsonSchema): (value: unknown) => readonly string[] {
  const references = new Map<string, Check>()
  const check = compile(schema, { root: schema, references })
  return (value) => check(value, '')
}

interface Compilation {
  readonly root: JsonSchema
  readonly references: Map<string, Check>
}

function compile(schema: unknown, compilation: Compilation): Check {
  if (schema === true) return () => []
  if (schema === false) return (_, path) => [`${at(path)} is not allowed`]
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new HoneyHiveError('EXPERIMENT', 'Invalid JSON Schema: expected an object, true or false.')
  }
  const keywords: Keywords = { ...schema }
  const checks = Object.keys(keywords)
    .filter((keyword) => !ANNOTATIONS.has(keyword))
    .map((keyword) => compileKeyword(keyword, keywords, compilation))
  return (value, path) => checks.flatMap((check) => check(value, path))
}

function compileKeyword(keyword: string, keywords: Keywords, compilation: Compilation): Check {
  const build = BUILDERS[keyword]
  if (build === undefined) {
    throw new HoneyHiveError('EXPERIMENT', `JSON Schema keyword "${keyword}" is not supported. Use a Standard Schema validator instead.`)
  }
  return build(keywords[keyword], compilation, keywords)
}

type Builder = (argument: unknown, compilation: Compilation, siblings: Keywords) => Check

const BUILDERS: Readonly<Record<string, Builder>> = {
  type: (argument) => {
    const types = asList(argument).map(String)
    return (value, path) => (types.some((type) => isOfType(value, type)) ? [] : [`${at(path)} is not of type ${types.join(' or ')}`])
  },
  enum: (argument) => (value, path) =>
    asList(argument).some((allowed) => isDeepStrictEqual(allowed, value)) ? [] : [`${at(path)} is not one of the allowed values`],
  const: (argument) => (value, path) => (isDeepStrictEqual(argument, value) ? [] : [`${at(path)} is not the constant`]),
  minimum: (argument) => bound(argument, isNumber, (value, limit) => value >= limit, 'is below'),
  maximum: (argument) => bound(argument, isNumber, (value, limit) => value <= limit, 'is above'),
  exclusiveMinimum: (argument) => bound(argument, isNumber, (value, limit) => value > limit, 'is not above'),
  exclusiveMaximum: (argument) => bound(argument, isNumber, (value, limit) => value < limit, 'is not below'),
  multipleOf: (argument) => bound(argument, isNumber, (value, step) => isMultiple(value, step), 'is not a multiple of'),
  minLength: (argument) => bound(argument, isString, (value, limit) => Array.from(value).length >= limit, 'is shorter than'),
  maxLength: (argument) => bound(argument, isString, (value, limit) => Array.from(value).length <= limit, 'is longer than'),
  minItems: (argument) => bound(argument, Array.isArray, (value, limit) => value.length >= limit, 'has fewer items than'),
  maxItems: (argument) => bound(argument, Array.isArray, (value, limit) => value.length <= limit, 'has more items than'),
  minProperties: (argument) => bound(argument, isObject, (value, limit) => Object.keys(value).length >= limit, 'has fewer properties than'),
  maxProperties: (argument) => bound(argument, isObject, (value, limit) => Object.keys(value).length <= limit, 'has more properties than'),
  pattern: (argument) => {
    const pattern = new RegExp(String(argument), 'u')
    return (value, path) => (typeof value !== 'string' || pattern.test(value) ? [] : [`${at(path)} does not match ${pattern}`])
  },
  uniqueItems: (argument) => (value, path) =>
    argument === true && Array.isArray(value) && hasDuplicates(value) ? [`${at(path)} has an item twice`] : [],
  required: (argument) => (value, path) =>
    isObject(value)
      ? asList(argument)
          .filter((name) => !Object.hasOwn(value, String(name)))
          .map((name) => `${at(`${path}/${name}`)} is missing`)
      : [],
  properties: (argument, compilation) => {
    const checks = Object.entries(asObject(argument)).map(([name, schema]) => [name, compile(schema, compilation)] as const)
    return (value, path) =>
      isObject(value) ? checks.flatMap(([name, check]) => (Object.hasOwn(value, name) ? check(value[name], `${path}/${name}`) : [])) : []
  },
  patternProperties: (argument, compilation) => {
    const checks = Object.entries(asObject(argument)).map(
      ([text, schema]) => [new RegExp(text, 'u'), compile(schema, compilation)] as const,
    )
    return (value, path) =>
      forEachProperty(value, (name, item) =>
        checks.flatMap(([pattern, check]) => (pattern.test(name) ? check(item, `${path}/${name}`) : [])),
      )
  },
  additionalProperties: (argument, compilation, siblings) => {
    const named = new Set(Object.keys(asObject(siblings['properties'])))
    const patterns = Object.keys(asObject(siblings['patternProperties'])).map((text) => new RegExp(text, 'u'))
    const check = compile(argument, compilation)
    return (value, path) =>
      forEachProperty(value, (name, item) =>
        named.has(name) || patterns.some((pattern) => pattern.test(name)) ? [] : check(item, `${path}/${name}`),
      )
  },
  prefixItems: (argument, compilation) => {
    const checks = asList(argument).map((schema) => compile(schema, compilation))
    return (value, path) =>
      Array.isArray(value) ? checks.flatMap((check, i) => (i < value.length ? check(value[i], `${path}/${i}`) : [])) : []
  },
  items: (argument, compilation, siblings) => {
    const start = asList(siblings['prefixItems'] ?? []).length
    const check = compile(argument, compilation)
    return (value, path) => (Array.isArray(value) ? value.slice(start).flatMap((item, i) => check(item, `${path}/${i + start}`)) : [])
  },
  allOf: (argument, compilation) => {
    const checks = asList(argument).map((schema) => compile(schema, compilation))
    return (value, path) => checks.flatMap((check) => check(value, path))
  },
  anyOf: (argument, compilation) => combine(argument, compilation, (valid) => valid >= 1, 'matches none of the alternatives'),
  oneOf: (argument, compilation) => combine(argument, compilation, (valid) => valid === 1, 'does not match exactly one alternative'),
  not: (argument, compilation) => combine([argument], compilation, (valid) => valid === 0, 'matches what is excluded'),
  $ref: (argument, compilation) => compileReference(String(argument), compilation),
}

function compileReference(reference: string, compilation: Compilation): Check {
  if (!reference.startsWith('#')) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `JSON Schema reference "${reference}" is not local. Only references that start with # are followed.`,
    )
  }
  // Compiled at first use, so that a schema may contain itself.
  return (value, path) => {
    const known = compilation.references.get(reference) ?? compile(resolvePointer(compilation.root, reference), compilation)
    compilation.references.set(reference, known)
    return known(value, path)
  }
}

function resolvePointer(root: JsonSchema, reference: string): unknown {
  const parts = reference.slice(1).split('/').slice(1)
  return parts.reduce<unknown>((schema, part) => {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(schema) || Array.isArray(schema) ? (schema as Keywords)[name] : undefined
  }, root)
}

function combine(argument: unknown, compilation: Compilation, isValid: (count: number) => boolean, problem: string): Check {
  const checks = asList(argument).map((schema) => compile(schema, compilation))
  return (value, path) => (isValid(checks.filter((check) => check(value, path).length === 0).length) ? [] : [`${at(path)} ${problem}`])
}

function bound<T>(
  argument: unknown,
  applies: (value: unknown) => value is T,
  holds: (value: T, limit: number) => boolean,
  problem: string,
): Check {
  const limit = Number(argument)
  return (value, path) => (!applies(value) || holds(value, limit) ? [] : [`${at(path)} ${problem} ${limit}`])
}

function forEachProperty(value: unknown, check: (name: string, item: unknown) => readonly string[]): readonly string[] {
  return isObject(value) ? Object.entries(value).flatMap(([name, item]) => check(name, item)) : []
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function isMultiple(value: number, step: number): boolean {
  const quotient = value / step
  return Math.abs(quotient - Math.round(quotient)) < 1e-9
}

function hasDuplicates(items: readonly unknown[]): boolean {
  return items.some((item, i) => items.slice(0, i).some((earlier) => isDeepStrictEqual(earlier, item)))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function asObject(argument: unknown): Readonly<Record<string, unknown>> {
  return isObject(argument) ? argument : {}
}

function asList(argument: unknown): readonly unknown[] {
  return Array.isArray(argument) ? argument : [argument]
}

function at(path: string): string {
  return path === '' ? 'the value' : path
}
