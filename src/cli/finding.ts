/** One thing the doctor looked at. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem'
  /** What was found, without secrets. */
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string | undefined
}
