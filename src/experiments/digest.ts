/** A digest as plain data: centroids in rising order with the number of values each stands for. */
export interface DigestState {
  readonly means: readonly number[]
  readonly counts: readonly number[]
}

/** Centroids are about this many at most; the median is within 0.2% of the rank, the 99th percentile within 0.02%. */
const COMPRESSION = 400
const BUFFER = 4_000

/**
 * A sketch of a distribution in bounded memory that gives quantiles and can be added to another one.
 *
 * @see Dunning and Ertl 2019, "Computing Extremely Accurate Quantiles Using t-Digests" (merging digest, scale function k1)
 */
export class Digest {
  #means: number[]
  #counts: number[]
  #buffer: (readonly [mean: number, count: number])[] = []

  constructor({ means, counts }: DigestState = { means: [], counts: [] }) {
    this.#means = [...means]
    this.#counts = [...counts]
  }

  /** Adds `count` values of one size. */
  add(value: number, count = 1): void {
    this.#buffer.push([value, count])
    if (this.#buffer.length >= BUFFER) this.#compress()
  }

  /** Adds everything another digest holds. */
  merge({ means, counts }: DigestState): void {
    for (const [at, mean] of means.entries()) this.add(mean, counts[at] ?? 0)
  }

  /** The digest as data. */
  get state(): DigestState {
    this.#compress()
    return { means: this.#means, counts: this.#counts }
  }

  /** The value below which `fraction` of all lie, between `min` and `max` of them. */
  quantile(fraction: number, min: number, max: number): number {
    const { means, counts } = this.state
    const total = counts.reduce((sum, count) => sum + count, 0)
    const wanted = fraction * (total - 1)
    let before = 0
    let [lastRank, lastValue] = [0, min]
    for (const [at, mean] of means.entries()) {
      const count = counts[at] ?? 0
      const rank = before + (count - 1) / 2
      if (rank >= wanted) return between(lastRank, lastValue, rank, mean, wanted)
      ;[lastRank, lastValue] = [rank, mean]
      before += count
    }
    return between(lastRank, lastValue, total - 1, max, wanted)
  }

  #compress(): void {
    if (this.#buffer.length === 0) return
    const known = this.#means.map((mean, at) => [mean, this.#counts[at] ?? 0] as const)
    const all = [...known, ...this.#buffer].sort((one, other) => one[0] - other[0])
    const total = all.reduce((sum, [, count]) => sum + count, 0)
    this.#buffer = []
    this.#means = []
    this.#counts = []
    let before = 0
    let [mean, count] = [0, 0]
    let limit = 0
    for (const [value, more] of all) {
      if (count > 0 && before + count + more > limit) {
        this.#push(mean, count)
        before += count
        ;[mean, count] = [0, 0]
      }
      if (count === 0) limit = total * inverseScale(scale(before / total) + 1)
      mean += ((value - mean) * more) / (count + more)
      count += more
    }
    if (count > 0) this.#push(mean, count)
  }

  #push(mean: number, count: number): void {
    this.#means.push(mean)
    this.#counts.push(count)
  }
}

function scale(fraction: number): number {
  return (COMPRESSION / (2 * Math.PI)) * Math.asin(2 * Math.min(Math.max(fraction, 0), 1) - 1)
}

function inverseScale(k: number): number {
  return (Math.sin(Math.min((k * 2 * Math.PI) / COMPRESSION, Math.PI / 2)) + 1) / 2
}

function between(fromRank: number, from: number, toRank: number, to: number, rank: number): number {
  return toRank <= fromRank ? to : from + ((to - from) * (rank - fromRank)) / (toRank - fromRank)
}
