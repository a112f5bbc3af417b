/** Parts of one text that are to be replaced; collected in any order, applied at once. */
export class TextCuts {
  readonly #text: string
  readonly #cuts: { readonly from: number; readonly to: number; readonly shown: string }[] = []
  #end = 0

  constructor(text: string) {
    this.#text = text
  }

  /** First position behind everything that was cut so far. */
  get end(): number {
    return this.#end
  }

  /** Shows `shown` in place of the text from `from` to `to`. */
  add(from: number, to: number, shown: string): void {
    if (to <= from) return
    this.#cuts.push({ from, to, shown })
    this.#end = Math.max(this.#end, to)
  }

  /** The text as it may be shown; the same string when nothing was cut. */
  finish(): string {
    if (this.#cuts.length === 0) return this.#text
    let shown = ''
    let copied = 0
    for (const cut of this.#cuts.sort((a, b) => a.from - b.from)) {
      // What lies inside an earlier cut is gone already; what reaches out of it goes too.
      if (cut.from >= copied) shown += this.#text.slice(copied, cut.from) + cut.shown
      copied = Math.max(copied, cut.to)
    }
    return shown + this.#text.slice(copied)
  }
}
