import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Plain } from '../../src/values/plain.js'
import { createRedactor } from '../../src/values/redact.js'
import { SECRET_FORMATS } from '../../src/values/secrets/formats.js'
import { readCorpus, type Sample } from './corpus.js'
import { toRates } from './rates.js'

const samples = readCorpus()
const builtIn = createRedactor({}, [])
const mask = ({ value }: Sample): string => JSON.stringify(builtIn.value('inputs', { given: value as Plain }))

describe('the corpus', () => {
  it('holds hundreds of secrets and of harmless lines', () => {
    const { secrets, harmless } = toRates(samples, mask)
    expect(secrets).toBeGreaterThan(450)
    expect(harmless).toBeGreaterThan(200)
  })

  it('has the rates that docs/privacy.md says', () => {
    const { secrets, hits, harmless, falseAlarms } = toRates(samples, mask)
    const page = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8')
    expect(page).toContain(`| honeyhive-tracer | ${hits} of ${secrets} | ${falseAlarms} of ${harmless} |`)
  })

  it('loses at most one secret in fifty, and touches at most one harmless line in fifty', () => {
    const { secrets, hits, harmless, falseAlarms } = toRates(samples, mask)
    expect(hits / secrets).toBeGreaterThan(0.98)
    expect(falseAlarms / harmless).toBeLessThan(0.02)
  })

  it('shows every secret when nothing is masked, so that the rates can be wrong', () => {
    const { hits, falseAlarms } = toRates(samples, ({ value }) => JSON.stringify(value))
    expect({ hits, falseAlarms }).toEqual({ hits: 0, falseAlarms: 0 })
  })

  it('keeps what stands beside the secrets', () => {
    const gone = samples.flatMap((sample) =>
      sample.kept.filter((text) => !isShown(mask(sample), text)).map((text) => `${sample.kind}: ${text}`),
    )
    expect(gone.length).toBeLessThan(5)
  })

  it('masks what was masked before no further', () => {
    for (const sample of samples) {
      const once = builtIn.value('inputs', { given: sample.value as Plain })
      expect(builtIn.value('inputs', once)).toEqual(once)
    }
  })
})

function isShown(shown: string, text: string): boolean {
  return shown.includes(text) || shown.includes(JSON.stringify(text).slice(1, -1))
}

describe('the list of docs/privacy.md', () => {
  it('names every format', () => {
    const page = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8')
    for (const { name } of SECRET_FORMATS) expect(page).toContain(`| ${name} |`)
  })

  it('holds for formats alone, and not where they are turned off', () => {
    const key = `ghp_${'a1B2'.repeat(9)}`
    expect(createRedactor({ builtIn: false, formats: true }, []).text('name', `x ${key} password=y`)).toBe('x [REDACTED] password=y')
    for (const rules of [{ formats: false }, { builtIn: false }]) expect(createRedactor(rules, []).text('name', `x ${key}`)).toContain(key)
  })
})
