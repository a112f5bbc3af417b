// Writes src/dev/prices/usual-prices.json, what the usual models cost, from the data of @pydantic/genai-prices.
// `--check` only says whether the checked-in file is up to date. To renew it: update the package, then run this.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProvider } from '@pydantic/genai-prices'

/** Whose prices are kept; the first that knows a model by its name alone counts. */
const PROVIDERS = ['openai', 'anthropic', 'google', 'mistral', 'deepseek', 'x-ai', 'cohere', 'moonshotai', 'perplexity']
/** Resellers: asked only when a span names them. */
const RESELLERS = ['aws', 'azure', 'groq', 'together', 'fireworks', 'cerebras']
/** Day of the release that the data is of, as the registry has it. */
const AS_OF = '2026-09-23'

const target = fileURLToPath(new URL('../src/dev/prices/usual-prices.json', import.meta.url))
const version = readVersion()
const text = toText()
if (!process.argv.includes('--check')) writeFileSync(target, text)
else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('src/dev/prices/usual-prices.json is not what the installed data gives. Run `npm run prices`.\n')
  process.exitCode = 1
}

function readVersion() {
  const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices')
  return JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')).version
}

/** One model a line, so that a change of prices reads as one. */
function toText() {
  const providers = [...PROVIDERS, ...RESELLERS].map((id) => toProvider(findProvider({ providerId: id }), RESELLERS.includes(id)))
  const rows = providers.map(({ models, ...provider }) => {
    const head = JSON.stringify(provider).slice(0, -1)
    return `    ${head},"models":[\n${models.map((model) => `      ${JSON.stringify(model)}`).join(',\n')}\n    ]}`
  })
  return `{\n  "asOf": "${AS_OF}",\n  "source": "@pydantic/genai-prices ${version}",\n  "providers": [\n${rows.join(',\n')}\n  ]\n}\n`
}

function toProvider({ id, provider_match: named, models }, isReseller) {
  return {
    id,
    names: named === undefined ? `^${id}` : toPattern(named),
    ...(isReseller ? { isReseller } : {}),
    models: models.flatMap((model) => {
      const prices = toPrices(model.prices)
      return prices.length === 0 ? [] : [{ id: model.id, match: toPattern(model.match), prices }]
    }),
  }
}

/** The matchers of the data as one regular expression. */
function toPattern(match) {
  if (match.equals !== undefined) return `^${toLiteral(match.equals)}$`
  if (match.starts_with !== undefined) return `^${toLiteral(match.starts_with)}`
  if (match.ends_with !== undefined) return `${toLiteral(match.ends_with)}$`
  if (match.contains !== undefined) return toLiteral(match.contains)
  if (match.regex !== undefined) return match.regex
  if (match.or !== undefined) return match.or.map(toPattern).join('|')
  return `^${match.and.map((one) => `(?=.*?(?:${toPattern(one)}))`).join('')}`
}

function toLiteral(text) {
  return text.toLowerCase().replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/** Prices of text tokens, the newest last; hours of the day with a price of their own are left out. */
function toPrices(given) {
  const list = Array.isArray(given) ? given : [{ prices: given }]
  return list
    .filter(({ constraint }) => constraint === undefined || constraint.type === 'start_date')
    .flatMap(({ constraint, prices }) => {
      const price = toPrice(prices)
      return price === undefined ? [] : [{ ...(constraint ? { from: constraint.start_date } : {}), ...price }]
    })
}

function toPrice({ input_mtok: input, output_mtok: output, cache_read_mtok: cacheRead, cache_write_mtok: cacheWrite }) {
  if (input === undefined && output === undefined) return undefined
  const all = { input, output, cacheRead, cacheWrite }
  const pick = (of) => Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, of(value)]])))
  const tiers = Object.values(all).flatMap((value) => value?.tiers ?? [])
  const start = tiers[0]?.start
  const above = start === undefined ? {} : { above: { tokens: start, ...pick((value) => value.tiers?.[0]?.price ?? value.base ?? value) } }
  return { ...pick((value) => value.base ?? value), ...above }
}
