/**
 * How a run ended: `completed` when every row was run and the share of failed rows stays within `thresholds.errorRate`
 * (default 0), `cancelled` when it was stopped, `failed` otherwise.
 */
export type ExperimentStatus = 'completed' | 'failed' | 'cancelled'

/** What a run was asked to be judged by, beside its thresholds. */
export interface ExperimentGate {
  /** A significant regression against the baseline fails the run. */
  readonly failOnRegression: boolean
  /** The run it is compared with. */
  readonly baselineRunId?: string
}
