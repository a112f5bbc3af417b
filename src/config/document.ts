import { readFileSync, statSync } from 'node:fs'
import nodeModule, { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Document, LineCounter, Node, Pair, YAMLMap } from 'yaml'
import { type ConfigProblem, HoneyHiveConfigError, HoneyHiveError } from '../errors.js'

/** A parsed file that still knows where everything stands. */
export interface ParsedDocument {
  /** Plain objects, lists and scalars. */
  readonly content: unknown
  /** Mistakes that leave the content readable, such as a key that is given twice. */
  readonly problems: readonly ConfigProblem[]
  /** `file:line:column` of the key or value at this path, or of the nearest one above it. */
  locate(path: readonly string[], part: 'key' | 'value'): string
}

type Yaml = typeof import('yaml')

/** Ten thousand tracers fit; a larger file is no configuration. */
const MAX_FILE_BYTES = 4_194_304
/** Uses of anchors, nested ones multiplied; stops documents that unfold without end. */
const MAX_ALIAS_COUNT = 10_000

/**
 * Reads a YAML or JSON file. JSON goes through the YAML parser too, which knows lines, columns and keys given twice.
 *
 * @throws HoneyHiveError `CONFIG_FILE` when the file cannot be read.
 * @throws HoneyHiveConfigError when it is not YAML or JSON.
 */
export function readDocument(file: string | URL): ParsedDocument {
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  return parseDocument(readText(path), path)
}

function readText(path: string): string {
  try {
    const stats = statSync(path)
    if (!stats.isFile())
      throw toFileError(path, stats.isDirectory() ? 'is a directory' : 'is not a regular file', 'Give the path of a YAML or JSON file.')
    if (stats.size > MAX_FILE_BYTES) {
      throw toFileError(
        path,
        `has ${stats.size} bytes, more than the ${MAX_FILE_BYTES} a configuration may have`,
        'Split it, or give an object.',
      )
    }
    // Fatal, so that a file in another encoding is refused rather than half read; a byte order mark is removed.
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof HoneyHiveError) throw error
    throw toFileError(path, toReason(error), 'Give the path of a YAML or JSON file this process may read.', error)
  }
}

function toFileError(path: string, reason: string, remedy: string, cause?: unknown): HoneyHiveError {
  return new HoneyHiveError('CONFIG_FILE', `Cannot load tracers from "${path}": it ${reason}. ${remedy}`, { cause })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this process',
  EPERM: 'may not be read by this process',
  ELOOP: 'is a loop of symbolic links',
  ENAMETOOLONG: 'has a name that is too long',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
  ERR_INVALID_ARG_VALUE: 'has a name no file can have',
}

function toReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return REASONS[code] ?? `could not be read (${code})`
}

/**
 * The parser is loaded here and not at the top: it costs more start time than all the rest of this package, and only
 * programs that load a file need it. `require` because loading is synchronous.
 */
function loadYaml(path: string): Yaml {
  try {
    return requireYaml()
  } catch (cause) {
    throw toFileError(
      path,
      'needs the package "yaml", which could not be loaded',
      'Install it where the program runs, also beside a bundle, or give an object.',
      cause,
    )
  }
}

function requireYaml(): Yaml {
  const place: string | undefined = import.meta.url
  // The very form from which webpack knows that the parser belongs into its bundle.
  if (place !== undefined) return createRequire(import.meta.url)('yaml') as Yaml
  // A CommonJS bundle made of the ES module does not know where it is.
  return nodeModule.createRequire(resolve(process.argv[1] ?? 'index.js'))('yaml') as Yaml
}

function parseDocument(text: string, path: string): ParsedDocument {
  const yaml = loadYaml(path)
  const lines = new yaml.LineCounter()
  const at = (offset: number): string => toPlace(path, lines, offset)
  try {
    // Keys given twice are found below, in one pass; the parser compares every pair of keys.
    const parsed = yaml.parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: false })
    const mistakes = toMistakes(parsed, at)
    if (mistakes.length > 0) throw new HoneyHiveConfigError(mistakes, `loadTracers("${path}")`)
    const content: unknown = parsed.toJS({ maxAliasCount: MAX_ALIAS_COUNT })
    const find = createFinder(yaml, parsed)
    return { content, problems: findRepeatedKeys(yaml, parsed, at), locate: (steps, part) => at(find(steps, part)) }
  } catch (error) {
    if (error instanceof HoneyHiveError) throw error
    throw toFileError(path, toHostileReason(error), 'Give a plain list of tracers and their options.', error)
  }
}

/** The first syntax error (the rest follow from it), then unknown tags; the parser's words without the text it quotes. */
function toMistakes({ errors, warnings }: Document.Parsed, at: (offset: number) => string): readonly ConfigProblem[] {
  return [...errors.slice(0, 1), ...warnings].map(({ pos, message }) => {
    const what = message
      .split(/[:"\n]/, 1)[0]
      ?.trim()
      .replace(/\.$/, '')
    const advice = message.startsWith('Unresolved tag')
      ? 'Remove the tag.'
      : 'Check indentation (spaces, no tabs), quotes and braces there; ${…} inside { } needs quotes.'
    return { option: at(pos[0]), message: `Invalid YAML or JSON at ${at(pos[0])}: ${what}. ${advice}` }
  })
}

function toHostileReason(error: unknown): string {
  if (error instanceof RangeError) return 'nests too deeply'
  return error instanceof ReferenceError ? 'uses anchors too often, or ones that are not there' : 'is not YAML or JSON'
}

function toPlace(path: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset)
  return `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}`
}

function findRepeatedKeys(yaml: Yaml, parsed: Document, at: (offset: number) => string): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = []
  yaml.visit(parsed, {
    Map(_, map) {
      const first = new Map<string, number>()
      for (const pair of map.items) {
        const name = toKeyName(yaml, pair)
        const offset = toOffset(pair.key)
        if (name === undefined || name === '<<') continue
        const earlier = first.get(name)
        if (earlier === undefined) first.set(name, offset)
        else
          problems.push({
            option: name,
            message: `Repeated key "${name}" at ${at(offset)}: it is already given at ${at(earlier)}. Remove one of them.`,
          })
      }
    },
  })
  return problems
}

function toKeyName(yaml: Yaml, pair: Pair): string | undefined {
  return yaml.isScalar(pair.key) ? String(pair.key.value) : undefined
}

function toOffset(node: unknown): number {
  const range = (node as Node | null | undefined)?.range
  return range?.[0] ?? 0
}

/** Finds places; every map is indexed once, because a file may hold thousands of tracers. */
function createFinder(yaml: Yaml, parsed: Document): (steps: readonly string[], part: 'key' | 'value') => number {
  const indexes = new Map<YAMLMap, ReadonlyMap<string | undefined, Pair>>()

  function findPair(map: YAMLMap, name: string): Pair | undefined {
    let index = indexes.get(map)
    if (index === undefined) {
      index = new Map(map.items.map((pair) => [toKeyName(yaml, pair), pair]))
      indexes.set(map, index)
    }
    return index.get(name)
  }

  return (steps, part) => {
    let node: unknown = parsed.contents
    let offset = toOffset(node)
    for (const [position, step] of steps.entries()) {
      if (yaml.isAlias(node)) node = node.resolve(parsed)
      const pair = yaml.isMap(node) ? findPair(node, step) : undefined
      // Merged in from elsewhere: the nearest place above it is what the reader can find.
      if (pair === undefined) return offset
      const isKey = part === 'key' && position === steps.length - 1
      offset = toOffset(isKey ? pair.key : (pair.value ?? pair.key))
      node = pair.value
    }
    return offset
  }
}
