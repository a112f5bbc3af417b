/** Three ways to find passages, each one step on from the one before. */
import { trace } from 'honeyhive-tracer'
import { type Passage, passages } from './corpus.js'

/** Gives the ids of the best passages, best first. */
export type Search = (question: string) => readonly string[]

const STOP_WORDS = new Set(
  'a an and are because could did does for have i in is it like me need of on something table take that the to used what which with'.split(
    ' ',
  ),
)

const words = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? []
// Enough of a stemmer to join "batteries" and "battery", "coats" and "coating".
const stems = (text: string): string[] =>
  words(text)
    .filter((word) => !STOP_WORDS.has(word))
    .map((word) => word.replace(/(ies|ing|es|s|ed|e|y)$/, '') || word)

/** Counts the words that question and passage share. */
export const overlap: Search = createSearch(words, (count) => (count > 0 ? 1 : 0))
/** BM25 over plain words. @see Robertson and Zaragoza, 2009, "The Probabilistic Relevance Framework" */
export const bm25: Search = createSearch(words, weigh)
/** BM25 over stems without stop words. */
export const bm25Stemmed: Search = createSearch(stems, weigh)

function weigh(count: number, length: number, averageLength: number, documents: number, holding: number): number {
  const [k, b] = [1.2, 0.75]
  const rarity = Math.log(1 + (documents - holding + 0.5) / (holding + 0.5))
  return rarity * ((count * (k + 1)) / (count + k * (1 - b + (b * length) / averageLength)))
}

function createSearch(split: (text: string) => string[], score: typeof weigh): Search {
  const documents = passages.map((passage) => ({ passage, terms: split(`${passage.title} ${passage.text}`) }))
  const averageLength = documents.reduce((total, { terms }) => total + terms.length, 0) / documents.length
  const holding = new Map<string, number>()
  for (const { terms } of documents) for (const term of new Set(terms)) holding.set(term, (holding.get(term) ?? 0) + 1)

  const rank = (question: string): { passage: Passage; points: number }[] => {
    const asked = new Set(split(question))
    return documents
      .map(({ passage, terms }) => ({
        passage,
        points: [...asked].reduce((total, term) => {
          const count = terms.filter((other) => other === term).length
          return count === 0 ? total : total + score(count, terms.length, averageLength, documents.length, holding.get(term) ?? 0)
        }, 0),
      }))
      .sort((one, other) => other.points - one.points)
  }
  // No tracer is named here: in an experiment the span belongs to the row that searches.
  return trace({ eventType: 'tool', eventName: 'retrieve', argNames: ['question'] })((question: string) =>
    rank(question)
      .slice(0, 5)
      .map(({ passage }) => passage.id),
  )
}
