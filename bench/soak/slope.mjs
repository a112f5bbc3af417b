/**
 * Whether values that were taken every `everyMs` grow: the slope of the line through them, and what it might be by chance alone
 * (twice its standard error), both an hour.
 */
export function slopeOf(values, everyMs) {
  const count = values.length
  const [middle, mean] = [(count - 1) / 2, values.reduce((sum, value) => sum + value, 0) / count]
  let [spread, together] = [0, 0]
  values.forEach((value, at) => {
    spread += (at - middle) ** 2
    together += (at - middle) * (value - mean)
  })
  const slope = together / spread
  const rest = values.reduce((sum, value, at) => sum + (value - mean - slope * (at - middle)) ** 2, 0)
  const error = Math.sqrt(rest / (count - 2) / spread)
  const anHour = 3_600_000 / everyMs
  return { perHour: slope * anHour, noise: 2 * error * anHour, isFlat: slope <= 2 * error + Number.EPSILON }
}
