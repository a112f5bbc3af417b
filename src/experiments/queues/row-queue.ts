/** One message: what it is about, and its JSON value. */
export interface QueueMessage {
  /** A message of a key that is there, or was there within a day, is not added again. */
  readonly key: string
  readonly body: unknown
}

/** How messages are worked on. */
export interface ConsumeOptions {
  /** Messages at the same time. */
  readonly concurrency: number
  /** Once aborted no further message is taken; those under way are finished. */
  readonly signal: AbortSignal
}

/** A channel that hands each message to one consumer, and again to another when that one dies or fails. */
export interface QueueChannel {
  /** Adds messages; resolves when they are stored. */
  send(messages: readonly QueueMessage[]): Promise<void>
  /** Hands messages to `work` until the signal aborts; one is done when `work` resolves, and comes again when it rejects. */
  consume(work: (message: QueueMessage) => Promise<void>, options: ConsumeOptions): Promise<void>
}

/** Turns of calls that all processes of a run take from one place. */
export interface SharedTurns {
  /**
   * Takes the next turn of `key`: there is one every `intervalMs`, and as many as fit into `slackMs` may be used ahead.
   *
   * @returns how long to wait for it, in milliseconds; 0 or less for none
   */
  take(key: string, pace: { readonly intervalMs: number; readonly slackMs: number }): Promise<number>
  /** Lets no turn of `key` start within `waitMs`. */
  hold(key: string, waitMs: number): Promise<void>
}

/**
 * Spreads the rows of a run over workers: rows go out, results come back, both at least once. Adapters: `openBullmqQueue` (Redis),
 * `openPgBossQueue` (Postgres); anything else that can do this fits too.
 */
export interface RowQueue {
  readonly rows: QueueChannel
  readonly results: QueueChannel
  /** Makes `rateLimit` one limit for all workers. @defaultValue each worker has its own */
  readonly turns?: SharedTurns
  /** Gives the connections back. */
  close(): Promise<void>
}
