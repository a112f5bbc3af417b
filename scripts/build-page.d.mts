/** The most the page may weigh when it is opened, in bytes. */
export declare const MAX_TOTAL_BYTES: number
/** The most that all views together may load later, in bytes. */
export declare const MAX_LATER_BYTES: number

/** Builds the local server's page and returns the bytes that it loads at first, by file, and later. */
export declare function buildPage(options?: {
  readonly outDir?: string
  readonly minify?: boolean
}): Promise<{ readonly first: Readonly<Record<string, number>>; readonly firstBytes: number; readonly laterBytes: number }>
