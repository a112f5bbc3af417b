import type { JSX } from 'preact'
import type { CostSource } from '../../store/event-record.js'
import { toCost } from '../model/format.js'

interface CostProps {
  readonly cost: number
  /** How many calls used tokens and have no price. */
  readonly unpriced: number
}

/** A sum of costs; where it is not whole, it says so. */
export function CostOf({ cost, unpriced }: CostProps): JSX.Element {
  if (unpriced === 0) return <>{toCost(cost)}</>
  const missing = unpriced === 1 ? '1 call has no known price' : `${unpriced} calls have no known price`
  return (
    <span title={missing}>
      {cost > 0 ? `${toCost(cost)} + ` : ''}
      <span class="unpriced">?</span>
      <span class="sr">{missing}</span>
    </span>
  )
}

/** The cost of one event as the number of calls it misses. */
export function toUnpriced(source: CostSource | null, totalTokens: number): number {
  return source === 'unknown' && totalTokens > 0 ? 1 : 0
}
