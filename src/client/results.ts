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

/** Asks for one page. */
export type LoadPage<T> = (page: number) => Promise<Page<T>>

/**
 * A list over `load`.
 *
 * @param idOf - Newest first means that what arrives meanwhile moves items to the next page: what the page before had is not given again.
 */
export function createResults<T>(load: LoadPage<T>, { from = 1, idOf }: { from?: number; idOf?: (item: T) => unknown } = {}): Results<T> {
  async function* pages(): AsyncGenerator<Page<T>> {
    let before: ReadonlySet<unknown> = new Set()
    for (let number = from; ; number++) {
      const page = await load(number)
      const items = idOf === undefined ? page.items : page.items.filter((item) => !before.has(idOf(item)))
      yield { ...page, items }
      if (!page.hasNext) return
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

/** A list that the server gives whole. */
export function createWhole<T>(load: () => Promise<readonly T[]>): Results<T> {
  return createResults(async (page) => {
    const items = await load()
    return { items, page, total: items.length, hasNext: false }
  })
}
