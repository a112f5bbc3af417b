const MAX_NAME_CHARS = 60

/** The one of `known` that is most like `name`, or `undefined` when none differs in less than about a third. */
export function findNearest(name: string, known: readonly string[]): string | undefined {
  const wanted = toPlainName(name)
  if (wanted === '' || wanted.length > MAX_NAME_CHARS) return undefined
  const limit = Math.max(1, Math.round(wanted.length / 3))
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(wanted, toPlainName(candidate)) }))
  const [best] = ranked.filter(({ distance }) => distance <= limit).sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/**
 * A search for what other libraries call an option.
 *
 * @param advice what to do instead, by such a name; the spelling (`run_type`, `runType`) makes no difference.
 */
export function createAdviser(advice: Readonly<Record<string, string>>): (name: string) => string | undefined {
  const byPlainName: ReadonlyMap<string, string> = new Map(Object.entries(advice).map(([name, text]) => [toPlainName(name), text]))
  return (name) => byPlainName.get(toPlainName(name))
}

/** `event_name` and `eventName` are one word to a person. */
export function toPlainName(name: string): string {
  return name.replace(/[^a-z0-9]/gi, '').toLowerCase()
}

/** Fewest insertions, deletions and replacements of items that make `from` into `to`; the items of a text are its UTF-16 units. */
export function editDistance(from: ArrayLike<unknown>, to: ArrayLike<unknown>): number {
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, at(last, column) + 1, at(current, column - 1) + 1))
    }
    last = current
  }
  return at(last, to.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
