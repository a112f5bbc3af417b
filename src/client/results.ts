/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Which page it is; the first is 1. */
  readonly page: number
  /** How many there are on all pages, as far as the server says. */
  readonly total: number | undefined
  /** Whether another page may follow. */
  readonly hasNext: boolean
}

/** A list that is asked for as it is read: `for await (const item of results)`. Each reading begins anew. */
export interface Results<T> extends AsyncIterable<T> {
  /** Page by page. */
  pages(): AsyncIterable<Page<T>>
  /** The first item; one request. */
  first(): Promise<T | undefined>
  /** All items, or the first `max` of them. */
  toArray(max?: number): Promise<T[]>
}

/** A page as it was loaded; where the server does not say whether another one may follow, what was given so far does. */
export type LoadedPage<T> = Omit<Page<T>, 'hasNext'> & { readonly hasNext?: boolean }

/** Asks for one page. */
export type LoadPage<T> = (page: number) => Promise<LoadedPage<T>>

/**
 * Pages in a row that bring only what was there before until a list counts as read. One does when as much arrives meanwhile as a page holds; a server
 * that does not know pages gives the same one for ever.
 */
const MOST_REPEATED = 2

/**
 * A list over `load`.
 *
 * @param idOf - Newest first means that what arrives meanwhile moves items to the next page: what the page before had is not given again.
 */
export function createResults<T>(load: LoadPage<T>, { from = 1, idOf }: { from?: number; idOf?: (item: T) => unknown } = {}): Results<T> {
  async function* pages(): AsyncGenerator<Page<T>> {
    let before: ReadonlySet<unknown> = new Set()
    let pageSize = 0
    let repeated = 0
    for (let number = from; ; number++) {
      const page = await load(number)
      // A server may give less at a time than was asked for.
      pageSize = Math.max(pageSize, page.items.length)
      const items = idOf === undefined ? page.items : page.items.filter((item) => !before.has(idOf(item)))
      repeated = items.length < page.items.length && items.length === 0 ? repeated + 1 : 0
      const hasNext = repeated < MOST_REPEATED && (page.hasNext ?? mayFollow(page, pageSize))
      yield { ...page, items, hasNext }
      if (!hasNext) return
      if (idOf !== undefined) before = new Set(page.items.map(idOf))
    }
  }

  async function* items(): AsyncGenerator<T> {
    for await (const page of pages()) yield* page.items
  }

  return {
    pages,
    [Symbol.asyncIterator]: items,
    async first() {
      for await (const item of items()) return item
      return undefined
    },
    async toArray(max = Number.POSITIVE_INFINITY) {
      const found: T[] = []
      if (max <= 0) return found
      for await (const item of items()) {
        found.push(item)
        if (found.length >= max) break
      }
      return found
    },
  }
}

function mayFollow<T>({ items, page, total }: LoadedPage<T>, pageSize: number): boolean {
  if (items.length === 0) return false
  return total === undefined || (page - 1) * pageSize + items.length < total
}

/** A list that the server gives whole. */
export function createWhole<T>(load: () => Promise<readonly T[]>): Results<T> {
  return createResults(async (page) => {
    const items = await load()
    return { items, page, total: items.length, hasNext: false }
  })
}
