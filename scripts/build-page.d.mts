/** The most the page may weigh, in bytes. */
export declare const MAX_TOTAL_BYTES: number

/** Builds the local server's page and returns the bytes of every file written. */
export declare function buildPage(options?: {
  readonly outDir?: string
  readonly minify?: boolean
}): Promise<Readonly<Record<string, number>>>
