/** 40 passages about chemical elements, and 200 questions with the one passage that answers each. */
import { readFileSync } from 'node:fs'

/** One passage of the collection. */
export interface Passage {
  readonly id: string
  readonly title: string
  readonly text: string
}

/** One question; `groundTruth` is the id of its passage. */
export interface Question {
  readonly id: string
  readonly inputs: { readonly question: string }
  readonly groundTruth: string
}

interface Element {
  readonly name: string
  readonly symbol: string
  readonly number: string
  readonly year: string
  readonly discoverer: string
  readonly look: string
  readonly use: string
}

const [head = '', ...lines] = readFileSync(new URL('data/elements.tsv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
const elements = lines.map((line) => {
  const cells = line.split('\t')
  return Object.fromEntries(head.split('\t').map((column, i) => [column, cells[i] ?? ''])) as unknown as Element
})

export const passages: readonly Passage[] = elements.map((element) => ({
  id: element.symbol,
  title: element.name,
  text:
    `${element.name} has the symbol ${element.symbol} and stands at number ${element.number} of the periodic table. It is ${element.look}. ` +
    `${element.year === '' ? 'People have known it since antiquity' : `${element.discoverer} described it in ${element.year}`}. In everyday life ${element.use}.`,
}))

/** The parts of a use are asked for in other forms than the passage has them: plural, another tense, no exact word. */
export const questions: readonly Question[] = elements.flatMap((element, i) => {
  const [first = '', second = first] = element.use.replace(/^it /, '').split(/ and /)
  const asked = [
    `What stands at position ${element.number} in the table of elements?`,
    `Which substance is used because it ${first.replace(/^(\w+)s\b/, '$1')}?`,
    `I need something for ${second.replace(/^(\w+?)s\b/, '$1ing')}, what could I take?`,
    `Name the element that looks like ${element.look.replace(/^(a|an|the) /, '')}`,
    element.year === ''
      ? `What does the chemical sign ${element.symbol} mean?`
      : `What did ${element.discoverer.split(' ').at(-1)} find in the ${element.year.slice(0, 2)}00s?`,
  ]
  return asked.map((question, n) => ({ id: `${i}-${n}`, inputs: { question }, groundTruth: element.symbol }))
})
