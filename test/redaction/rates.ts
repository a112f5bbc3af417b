import type { Sample } from './corpus.js'

/** Both kinds of error over a corpus. */
export interface Rates {
  readonly secrets: number
  /** Secrets that cannot be read any more. */
  readonly hits: number
  /** Lines without a secret. */
  readonly harmless: number
  /** Lines without a secret that were changed all the same. */
  readonly falseAlarms: number
}

/** Counts over `samples` what `mask` makes of each value, as JSON text. */
export function toRates(samples: readonly Sample[], mask: (sample: Sample) => string): Rates {
  const withSecrets = samples.filter(({ secrets }) => secrets.length > 0)
  const without = samples.filter(({ secrets }) => secrets.length === 0)
  const plain = ({ value }: Sample): string => JSON.stringify({ given: value })
  return {
    secrets: withSecrets.reduce((sum, { secrets }) => sum + secrets.length, 0),
    hits: withSecrets.reduce((sum, sample) => sum + sample.secrets.filter((secret) => !isReadable(mask(sample), secret)).length, 0),
    harmless: without.length,
    falseAlarms: without.filter((sample) => !plain(sample).includes(mask(sample))).length,
  }
}

/** In JSON inside JSON a line break or a quote is written with more and more backslashes. */
function isReadable(shown: string, secret: string): boolean {
  return shown.includes(secret) || shown.includes(JSON.stringify(secret).slice(1, -1))
}
