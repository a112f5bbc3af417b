/**
 * Score of a row that has none because the function or the evaluator failed: 0, or the lowest one seen when that is below;
 * where less is better 1, or the highest one seen when that is above. A `failedScore` of the metric's own comes first.
 */
export function worstScore(
  { lowerIsBetter = false, failedScore }: { readonly lowerIsBetter?: boolean | undefined; readonly failedScore?: number | undefined },
  min: number,
  max: number,
): number {
  if (failedScore !== undefined) return failedScore
  return lowerIsBetter ? Math.max(1, max) : Math.min(0, min)
}
