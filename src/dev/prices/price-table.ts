/** What a model call costs by its tokens: the usual prices, those the user gave, and how both are found. */
import { HoneyHiveError } from '../../errors.js'
import { isObject } from '../../semantics/json.js'
import usual from './usual-prices.json' with { type: 'json' }

/** Prices of a model in US dollars per million tokens. */
export interface TokenPrice {
  readonly input?: number
  readonly output?: number
  /** Of input that came from a cache. @defaultValue that of `input` */
  readonly cacheRead?: number
  /** Of input that was written to a cache. @defaultValue that of `input` */
  readonly cacheWrite?: number
}

/** Prices by name of a model; a `*` in a name stands for any text. */
export type PriceOptions = Readonly<Record<string, TokenPrice>>

/** Tokens of one call. Those of caches are part of the input. */
export interface PricedTokens {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
}

/** A model as an event names it, and when it was called. */
export interface PricedModel {
  readonly model: string
  readonly provider: string | null
  /** Unix milliseconds. */
  readonly atMs: number
}

/** The price that was found for a model. */
export interface FoundPrice {
  /** Name of the entry that matched. */
  readonly id: string
  /** Where it comes from, and of which day it is. */
  readonly source: string
  readonly price: TokenPrice
  /** Price of a call with more input than this. */
  readonly above?: TokenPrice & { readonly tokens: number }
}

/** The prices of a server. */
export interface PriceTable {
  /** The price of a model; `undefined` when nobody told. */
  find(wanted: PricedModel): FoundPrice | undefined
}

interface Dated extends TokenPrice {
  /** First day it holds, e.g. `2025-06-10`. */
  readonly from?: string
  readonly above?: TokenPrice & { readonly tokens: number }
}

interface Entry {
  readonly id: string
  readonly pattern: RegExp
  readonly prices: readonly Dated[]
}

interface Provider {
  readonly names: RegExp
  readonly isReseller: boolean
  readonly entries: readonly Entry[]
}

const MILLION = 1_000_000
const MOST_REMEMBERED = 1_000

/**
 * Builds the table; what `given` says comes before the usual prices.
 *
 * @throws HoneyHiveError `DEV_SERVER` when a price is no number of dollars.
 */
export function createPriceTable(given: PriceOptions = {}): PriceTable {
  const own = Object.entries(given).map(
    ([name, price]): Entry => ({ id: name, pattern: toWildcard(name), prices: [checkPrice(name, price)] }),
  )
  const providers = usual.providers.map(toProvider)
  // A program calls few models, each of them often.
  const known = new Map<string, { readonly entry: Entry; readonly source: string } | undefined>()

  function look({ model, provider }: PricedModel): { readonly entry: Entry; readonly source: string } | undefined {
    const names = toNames(model)
    const entry = findIn(own, names)
    if (entry !== undefined) return { entry, source: 'your prices' }
    const usualEntry = findUsual(providers, names, provider?.toLowerCase() ?? '')
    return usualEntry === undefined ? undefined : { entry: usualEntry, source: `usual prices of ${usual.asOf}` }
  }

  return {
    find(wanted) {
      const key = `${wanted.provider} ${wanted.model}`
      if (!known.has(key)) {
        if (known.size >= MOST_REMEMBERED) known.clear()
        known.set(key, look(wanted))
      }
      const found = known.get(key)
      if (found === undefined) return undefined
      const { from: _, above, ...price } = priceAt(found.entry.prices, wanted.atMs)
      return { id: found.entry.id, source: found.source, price, ...(above === undefined ? {} : { above }) }
    },
  }
}

/** What a call costs in US dollars. */
export function toCost({ price: plain, above }: FoundPrice, { input, output, cacheRead, cacheWrite }: PricedTokens): number {
  const price = above !== undefined && input > above.tokens ? above : plain
  const uncached = Math.max(0, input - cacheRead - cacheWrite)
  const perInput = price.input ?? 0
  const dollars =
    uncached * perInput +
    cacheRead * (price.cacheRead ?? perInput) +
    cacheWrite * (price.cacheWrite ?? perInput) +
    output * (price.output ?? 0)
  return dollars / MILLION
}

/** Reads prices out of a JSON file's content. @throws HoneyHiveError `DEV_SERVER` when they are none. */
export function parsePrices(value: unknown): PriceOptions {
  if (!isObject(value))
    throw new HoneyHiveError(
      'DEV_SERVER',
      'Prices are an object: { "MODEL": { "input": 1, "output": 2 } }, in US dollars per million tokens.',
    )
  return Object.fromEntries(Object.entries(value).map(([name, price]) => [name, checkPrice(name, price)]))
}

const PRICE_KEYS = ['input', 'output', 'cacheRead', 'cacheWrite'] as const

function checkPrice(name: string, price: unknown): TokenPrice {
  const entries = isObject(price) ? Object.entries(price) : []
  const isRight = ([key, value]: [string, unknown]): boolean =>
    PRICE_KEYS.some((one) => one === key) && typeof value === 'number' && Number.isFinite(value) && value >= 0
  if (entries.length > 0 && entries.every(isRight)) return Object.fromEntries(entries) as TokenPrice
  throw new HoneyHiveError(
    'DEV_SERVER',
    `The price of "${name}" must be an object of ${PRICE_KEYS.join(', ')} in US dollars per million tokens, got ${JSON.stringify(price)}.`,
  )
}

interface StoredProvider {
  readonly names: string
  readonly isReseller?: boolean
  readonly models: readonly { readonly id: string; readonly match: string; readonly prices: readonly Dated[] }[]
}

function toProvider({ names, isReseller = false, models }: StoredProvider): Provider {
  return {
    names: new RegExp(names, 'i'),
    isReseller,
    entries: models.map(({ id, match, prices }) => ({ id, pattern: new RegExp(match), prices })),
  }
}

function findUsual(providers: readonly Provider[], names: readonly string[], provider: string): Entry | undefined {
  const named = provider === '' ? [] : providers.filter((one) => one.names.test(provider))
  const others = providers.filter((one) => !one.isReseller && !named.includes(one))
  for (const { entries } of [...named, ...others]) {
    const entry = findIn(entries, names)
    if (entry !== undefined) return entry
  }
  return undefined
}

function findIn(entries: readonly Entry[], names: readonly string[]): Entry | undefined {
  for (const name of names) {
    const entry = entries.find(({ pattern }) => pattern.test(name))
    if (entry !== undefined) return entry
  }
  return undefined
}

/** A name as it is, without the provider or the region in front of it, and without the day of a release at its end. */
function toNames(model: string): readonly string[] {
  const whole = model.toLowerCase().slice(0, 200)
  const bare = whole.slice(whole.lastIndexOf('/') + 1)
  const plain = bare
    .replace(/^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|deepseek|ai21)\./, '')
    .replace(/(?:-v\d+)?:\d+$/, '')
  return [...new Set([whole, bare, plain, plain.replace(/[-@](?:20\d{6}|20\d\d-\d\d-\d\d)$/, '')])]
}

function toWildcard(name: string): RegExp {
  const parts = name
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\/]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

/** The price of the day of the call; the first one before any day that is named. */
function priceAt(prices: readonly Dated[], atMs: number): Dated {
  const day = new Date(Number.isFinite(atMs) ? Math.min(Math.max(atMs, 0), 8.64e15) : 0).toISOString().slice(0, 10)
  return prices.findLast(({ from }) => from === undefined || from <= day) ?? prices[0] ?? {}
}
