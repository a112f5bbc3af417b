/** Distribution functions behind the intervals and tests; their values are checked against SciPy in the tests. */

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** Natural logarithm of the gamma function for `x > 0` (Lanczos, g = 7). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x)
  const shifted = x - 1
  const series = LANCZOS.reduce((total, coefficient, i) => (i === 0 ? coefficient : total + coefficient / (shifted + i)), 0)
  const t = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series)
}

/**
 * Standard normal distribution function.
 *
 * @see Marsaglia 2004, "Evaluating the Normal Distribution", Journal of Statistical Software 11(4)
 */
export function normalCdf(x: number): number {
  if (x < -38) return 0
  if (x > 8.3) return 1
  if (x < -6) return lowerTail(x)
  let term = x
  let total = x
  for (let i = 3; total + term !== total; i += 2) {
    term *= (x * x) / i
    total += term
  }
  return 0.5 + total * Math.exp(-0.5 * x * x - HALF_LOG_TWO_PI)
}

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI)

// Far out the series cancels; the asymptotic expansion is exact to 1e-8 there.
function lowerTail(x: number): number {
  const inverse = 1 / (x * x)
  return (Math.exp(-0.5 * x * x - HALF_LOG_TWO_PI) / -x) * (1 - inverse * (1 - inverse * (3 - inverse * 15)))
}

/** Student's t distribution function. */
export function studentCdf(t: number, degrees: number): number {
  const tail = 0.5 * incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t))
  return t > 0 ? 1 - tail : tail
}

/** Inverse of {@link studentCdf}: an expansion of the normal quantile (Fisher and Cornish 1960), then Newton's steps. */
export function studentQuantile(probability: number, degrees: number): number {
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees)
  if (degrees === 1) return Math.tan(Math.PI * (probability - 0.5))
  if (degrees === 2) return (2 * probability - 1) / Math.sqrt(2 * probability * (1 - probability))
  const z = normalQuantile(probability)
  let t = z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
  const scale = logGamma((degrees + 1) / 2) - logGamma(degrees / 2) - 0.5 * Math.log(degrees * Math.PI)
  for (let i = 0; i < 50; i += 1) {
    const density = Math.exp(scale - ((degrees + 1) / 2) * Math.log1p((t * t) / degrees))
    // The tail is convex, so that a step from below overshoots; it never leaves by more than a factor of two.
    const step = Math.min(Math.max((studentCdf(t, degrees) - probability) / density, -t - 1), t / 2)
    t -= step
    if (Math.abs(step) < 1e-12 * Math.max(1, t)) break
  }
  return t
}

/** The root of a rising function between `from` and `to`. */
export function bisect(f: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to]
  for (let i = 0; i < 200 && high - low > 1e-13 * Math.max(1, Math.abs(high)); i += 1) {
    const middle = (low + high) / 2
    if (f(middle) < 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Regularised incomplete beta function, by its continued fraction (Lentz). */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // The fraction converges fast on one side of the mean only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  let c = 1
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= 500; m += 1) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / nonZero(1 + term * d)
      c = nonZero(1 + term / c)
      fraction *= d * c
    }
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return front * fraction
}

function nonZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value
}

/**
 * Power of a two-sided one-sample t test whose true mean lies `effect` standard deviations from zero: the noncentral t
 * distribution, integrated over the spread that a sample of this size may show.
 *
 * @see Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions", volume 2, chapter 31
 */
export function tTestPower(effect: number, size: number, alpha: number): number {
  const degrees = size - 1
  const shift = effect * Math.sqrt(size)
  const critical = studentQuantile(1 - alpha / 2, degrees)
  const scale = Math.LN2 + (degrees / 2) * Math.log(degrees / 2) - logGamma(degrees / 2)
  const width = 12 / Math.sqrt(2 * degrees)
  const low = Math.max(0, 1 - width)
  const step = (1 + width - low) / STEPS
  let total = 0
  for (let i = 0; i <= STEPS; i += 1) {
    const spread = low + i * step
    const weight = i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2
    const density =
      spread === 0
        ? degrees === 1
          ? Math.exp(scale)
          : 0
        : Math.exp(scale + (degrees - 1) * Math.log(spread) - (degrees * spread * spread) / 2)
    total += weight * density * (normalCdf(shift - critical * spread) + normalCdf(-critical * spread - shift))
  }
  return (total * step) / 3
}

/** Even, as Simpson's rule asks. */
const STEPS = 600

/**
 * Inverse of the standard normal distribution, relative error below 1.2e-9.
 *
 * @see Peter Acklam, "An algorithm for computing the inverse normal cumulative distribution function"
 */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return Number.NEGATIVE_INFINITY
  if (probability >= 1) return Number.POSITIVE_INFINITY
  if (probability > 0.5) return -normalQuantile(1 - probability)
  if (probability < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(probability))
    return polynomial(TAIL_TOP, q) / polynomial([...TAIL_BOTTOM, 1], q)
  }
  const q = probability - 0.5
  return (polynomial(CENTRE_TOP, q * q) * q) / polynomial([...CENTRE_BOTTOM, 1], q * q)
}

const CENTRE_TOP = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239]
const CENTRE_BOTTOM = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572]
const TAIL_TOP = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783]
const TAIL_BOTTOM = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416]

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0)
}
