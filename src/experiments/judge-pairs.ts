import { HoneyHiveError } from '../errors.js'
import { type Interval, wilsonInterval } from '../values/intervals.js'
import { keepAliveDuring } from './keep-alive.js'
import { namesOf, refuseUnknown } from './known-options.js'
import { pairRows } from './pair-rows.js'
import { pairedTest } from './paired-test.js'
import { runPool } from './pool.js'
import { createRandom } from './random.js'
import { createRateLimiter, DEFAULT_KEY, type RateLimits } from './rate-limit.js'
import type { ExperimentData } from './result.js'
import { withRetries } from './retry.js'
import { describeError } from './score.js'
import { Stop, withinLimit } from './stop.js'
import type { ExperimentRow } from './types.js'

/** Two answers to one row, in the order the judge sees them; which run is which is not told. */
export interface PairQuestion {
  readonly inputs: unknown
  readonly groundTruth: unknown
  readonly first: unknown
  readonly second: unknown
  readonly signal: AbortSignal
}

/** The judge's choice. */
export type PairChoice = 'first' | 'second' | 'tie'

/** Settings of {@link judgePairs}. */
export interface JudgePairsOptions {
  /** Says which of two answers is better. */
  readonly judge: (question: PairQuestion) => PairChoice | PromiseLike<PairChoice>
  /** Asks twice with the answers exchanged; a judge that contradicts itself gives a tie. @defaultValue true */
  readonly swap?: boolean
  /** @defaultValue 10 */
  readonly maxConcurrency?: number
  /** Further attempts after the judge failed. @defaultValue 0 */
  readonly retries?: number
  /** See `evaluate`. @defaultValue 100 */
  readonly retryDelayMs?: number
  /** Longest time of one attempt, in milliseconds. @defaultValue no limit */
  readonly timeoutMs?: number
  /** See `evaluate`. @defaultValue none */
  readonly rateLimit?: RateLimits
  readonly signal?: AbortSignal
  /** Decides which answer comes first when each pair is asked once. @defaultValue 1 */
  readonly seed?: number
}

/** One row as the judge saw it. */
export interface JudgedPair {
  readonly datapointId: string
  /** `failed`: a run has no answer and loses, unless neither has one. */
  readonly winner: 'new' | 'old' | 'tie'
  readonly reason: 'judged' | 'failed'
}

/** Which of two runs a judge prefers. */
export interface PairwiseResult {
  readonly newRunId: string
  readonly oldRunId: string
  readonly wins: number
  readonly losses: number
  readonly ties: number
  /** Share of the new run's wins among the pairs that were decided, with Wilson's interval; `null` when none was. */
  readonly winRate: (Interval & { readonly rate: number }) | null
  /** Of the sign test on the decided pairs. */
  readonly pValue: number
  readonly pairs: readonly JudgedPair[]
  /** Rows the judge failed on, with the reason; they are in none of the figures. */
  readonly errors: Readonly<Record<string, string>>
  /** Rows without a partner in the other run. */
  readonly newOnly: readonly string[]
  readonly oldOnly: readonly string[]
}

const OPTION_NAMES = namesOf<JudgePairsOptions>({
  judge: true,
  swap: true,
  maxConcurrency: true,
  retries: true,
  retryDelayMs: true,
  timeoutMs: true,
  rateLimit: true,
  signal: true,
  seed: true,
})

type JudgedRun = Pick<ExperimentData, 'runId' | 'rows'>

/**
 * Lets a judge choose between the answers of two runs, row by row. A run that failed on a row loses it; of several trials the
 * first one is shown.
 *
 * @throws HoneyHiveConfigError for options that do not exist
 */
export function judgePairs(newRun: JudgedRun, oldRun: JudgedRun, options: JudgePairsOptions): Promise<PairwiseResult> {
  refuseUnknown(options, OPTION_NAMES, 'judgePairs')
  return keepAliveDuring('judgePairs()', () => judgeAll(newRun, oldRun, options))
}

async function judgeAll(newRun: JudgedRun, oldRun: JudgedRun, options: JudgePairsOptions): Promise<PairwiseResult> {
  const { maxConcurrency = 10, signal, seed = 1 } = options
  const stop = signal === undefined ? new Stop() : Stop.from(signal)
  const { pairs, newOnly, oldOnly } = pairRows(newRun.rows, oldRun.rows)
  const ask = createAsk(options, stop)
  const random = createRandom(seed)
  const judged = new Map<string, JudgedPair>()
  const errors: Record<string, string> = {}
  const questions = pairs.map(({ before, after }) => ({ before: before.trials[0], after: after.trials[0], isNewFirst: random() < 0.5 }))
  await runPool(
    questions,
    async ({ before, after, isNewFirst }) => {
      // Both lists come from results, whose rows are whole.
      const [now, old] = [after as ExperimentRow, before as ExperimentRow]
      const { datapointId } = now
      try {
        judged.set(datapointId, { datapointId, ...(await judgeOne(now, old, isNewFirst, options.swap ?? true, ask)) })
      } catch (error) {
        errors[datapointId] = describeError(error)
      }
    },
    { limit: maxConcurrency, stop },
  )
  return toResult(newRun, oldRun, {
    pairs: questions.flatMap(({ after }) => judged.get(after?.datapointId ?? '') ?? []),
    errors,
    newOnly: newOnly.map((row) => row.datapointId),
    oldOnly: oldOnly.map((row) => row.datapointId),
  })
}

type Ask = (now: ExperimentRow, old: ExperimentRow, isNewFirst: boolean) => Promise<JudgedPair['winner']>

function createAsk(
  { judge, retries = 0, retryDelayMs: delayMs = 100, timeoutMs, rateLimit = {}, seed = 1 }: JudgePairsOptions,
  stop: Stop,
): Ask {
  const limiter = createRateLimiter(rateLimit)
  const random = createRandom(seed)
  return async (now, old, isNewFirst) => {
    const [first, second] = isNewFirst ? [now, old] : [old, now]
    const attempt = async (): Promise<PairChoice> => {
      await limiter.take(DEFAULT_KEY, stop)
      const { inputs, groundTruth } = now
      return withinLimit((own) => judge({ inputs, groundTruth, first: first.outputs, second: second.outputs, signal: own.signal }), {
        timeoutMs,
        outer: stop,
        what: () => `The judge on row ${now.index}`,
      })
    }
    const choice = await withRetries(attempt, { retries, delayMs, random }, stop, (waitMs) => limiter.hold(DEFAULT_KEY, waitMs))
    if (choice === 'tie') return 'tie'
    if (choice !== 'first' && choice !== 'second') {
      throw new HoneyHiveError('EXPERIMENT', `The judge gave ${JSON.stringify(choice)}; give 'first', 'second' or 'tie'.`)
    }
    return (choice === 'first') === isNewFirst ? 'new' : 'old'
  }
}

async function judgeOne(
  now: ExperimentRow,
  old: ExperimentRow,
  isNewFirst: boolean,
  swap: boolean,
  ask: Ask,
): Promise<Omit<JudgedPair, 'datapointId'>> {
  const [isNewThere, isOldThere] = [now.status === 'success', old.status === 'success']
  if (!isNewThere || !isOldThere) return { winner: isNewThere ? 'new' : isOldThere ? 'old' : 'tie', reason: 'failed' }
  if (!swap) return { winner: await ask(now, old, isNewFirst), reason: 'judged' }
  const [one, other] = await Promise.all([ask(now, old, true), ask(now, old, false)])
  return { winner: one === other ? one : 'tie', reason: 'judged' }
}

function toResult(
  newRun: JudgedRun,
  oldRun: JudgedRun,
  found: Pick<PairwiseResult, 'pairs' | 'errors' | 'newOnly' | 'oldOnly'>,
): PairwiseResult {
  const count = (winner: JudgedPair['winner']): number => found.pairs.filter((pair) => pair.winner === winner).length
  const [wins, losses] = [count('new'), count('old')]
  const decided = wins + losses
  const signs = [...new Array<number>(wins).fill(1), ...new Array<number>(losses).fill(-1)]
  return {
    newRunId: newRun.runId,
    oldRunId: oldRun.runId,
    wins,
    losses,
    ties: count('tie'),
    winRate: decided === 0 ? null : { ...wilsonInterval(wins, decided), rate: wins / decided },
    pValue: pairedTest(signs).pValue,
    ...found,
  }
}
