import { readFileSync } from 'node:fs'

/** One line of the corpus, without its marks. */
export interface Sample {
  readonly kind: string
  readonly value: unknown
  /** What must not be readable afterwards. */
  readonly secrets: readonly string[]
  /** What must still be readable. */
  readonly kept: readonly string[]
}

interface Line {
  readonly kind: string
  readonly value: unknown
  readonly encode?: readonly ('json' | 'wrap')[]
}

const ALPHABETS: Readonly<Record<string, string>> = {
  alnum: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  alpha: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  hex: '0123456789abcdef',
  digits: '0123456789',
}

/**
 * The corpus: what is secret stands in «…», what has to stay in ‹…›. `[alnum36]` and the like become 36 made-up characters, so
 * that the file itself holds nothing that looks like a key.
 */
export function readCorpus(): Sample[] {
  const text = readFileSync(new URL('corpus.jsonl', import.meta.url), 'utf8')
  const random = createRandom(7)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => toSample(JSON.parse(line) as Line, random))
}

function toSample(line: Line, random: () => number): Sample {
  const secrets: string[] = []
  const kept: string[] = []
  const value = mapTexts(line.value, (marked) =>
    fill(marked, random)
      .replace(/«([^»]*)»?/g, (_, secret: string) => (secrets.push(...piecesOf(secret)), secret))
      .replace(/‹([^›]*)›/g, (_, text: string) => (kept.push(text), text)),
  )
  return { kind: line.kind, value: (line.encode ?? []).reduce(encode, value), secrets, kept }
}

/** A secret of several lines or words is found by any of them. */
function piecesOf(secret: string): string[] {
  const pieces = secret.split(/[\s;,]+/).filter((piece) => piece.length > 2 && !/^(?:Path=|HttpOnly|Secure$|theme=|with$)/.test(piece))
  return pieces.length > 0 ? pieces : [secret]
}

function encode(value: unknown, step: 'json' | 'wrap'): unknown {
  return step === 'json' ? JSON.stringify(value) : { role: 'assistant', arguments: value }
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTexts(item, map)]))
}

function fill(text: string, random: () => number): string {
  return text.replace(/\[(alnum|alpha|upper|hex|digits)(\d+)\]/g, (_, kind: string, count: string) => {
    const alphabet = ALPHABETS[kind] ?? ''
    return Array.from({ length: Number(count) }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
  })
}

/** The same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
