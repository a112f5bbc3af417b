import { createAdviser } from '../options/nearest.js'
import { isMapLike } from '../options/spec.js'
import type { NamedEvaluator } from './evaluator.js'
import type { ExperimentRow } from './types.js'

/** What rows show of who wrote dataset, function or evaluators: most likely a mistake, though it may be meant. */
export class LikelyMistakes {
  readonly #evaluators: readonly NamedEvaluator[]
  /** Evaluators that take one object of which no row's outputs had a field yet, with the fields they want of it. */
  readonly #taking: Map<string, readonly string[]>
  /** Whether rows come as they are, without `parse`. */
  readonly #isPlain: boolean
  /** Whether the function gave nothing for any row; unknown before the first. */
  #isAllNothing: boolean | undefined
  /** A field of rows that looks like their ground truth and is not read as it. */
  #otherLabel: string | undefined
  /** Whether a row has outputs to look at: of one that failed nothing is known. */
  #hasLooked = false

  constructor(evaluators: readonly NamedEvaluator[], isPlain: boolean) {
    this.#evaluators = evaluators
    this.#isPlain = isPlain
    const taking = evaluators.map(({ name, evaluate }) => [name, wantedFields(evaluate)] as const)
    this.#taking = new Map(taking.filter(([, fields]) => fields.length > 0))
  }

  /** @param raw the row as the dataset has it */
  look(raw: unknown, row: ExperimentRow): void {
    try {
      this.#lookAt(raw, row)
    } catch {
      // A proxy that refuses to be looked at: nothing is known of it, and nothing is said.
    }
  }

  #lookAt(raw: unknown, { status, outputs }: ExperimentRow): void {
    // What was stopped gave nothing, whatever it would have given.
    if (status === 'cancelled') return
    const isNothing = status !== 'failed' && (outputs === undefined || outputs === null || typeof outputs === 'function')
    this.#isAllNothing = isNothing && this.#isAllNothing !== false
    if (this.#isPlain) this.#otherLabel ??= findOtherLabel(raw)
    if (status === 'failed') return
    this.#hasLooked = true
    for (const [name, fields] of this.#taking) if (hasOne(outputs, fields)) this.#taking.delete(name)
  }

  /** One line for each, with what to do. */
  describe(): string[] {
    const lines: string[] = []
    if (this.#isAllNothing === true) lines.push('The function returned nothing for any row. Return what is to be judged.')
    if (this.#otherLabel !== undefined && this.#evaluators.length > 0)
      lines.push(`Rows have "${this.#otherLabel}" and no "groundTruth", which evaluators are given. Rename it, or give "parse".`)
    if (!this.#hasLooked) return lines
    for (const [name, fields] of this.#taking)
      lines.push(
        `Evaluator "${name}" takes { ${fields.join(', ')} } of its first argument, which is what the function returned. Evaluators are called with (outputs, inputs, groundTruth).`,
      )
    return lines
  }
}

/** What other tools call the ground truth. */
const isLabel = createAdviser(
  Object.fromEntries(['expected', 'expectedOutput', 'groundTruths', 'reference', 'referenceOutputs'].map((name) => [name, name])),
)

/** The field of a row without ground truth that is meant to be it, most likely: evaluators would compare with nothing. */
function findOtherLabel(row: unknown): string | undefined {
  if (!isMapLike(row) || 'groundTruth' in row || 'ground_truth' in row) return undefined
  return Object.keys(row).find((name) => isLabel(name) !== undefined)
}

/** What scorers of Braintrust, LangSmith, Langfuse and evalite are given in one object. */
const ONE_OBJECT: readonly string[] = ['output', 'outputs', 'expected', 'expectedOutput', 'referenceOutputs', 'groundTruth']

/** The head of a function whose first parameter is a pattern: `({ output, expected }) =>`, `async function f({ output })`. */
const PATTERN_FIRST = /^(?:async\b\s*)?(?:function\b\s*\*?\s*)?(?:[\w$]+\s*)?\(\s*\{([^{}]*)\}/
const MAX_HEAD = 500

/** Of {@link ONE_OBJECT}, what the first parameter of a function takes apart. Nothing but its text says so. */
function wantedFields(fn: unknown): readonly string[] {
  const head = Function.prototype.toString.call(fn).slice(0, MAX_HEAD)
  const names = (PATTERN_FIRST.exec(head)?.[1] ?? '').split(',').map((part) => /^\s*([\w$]+)/.exec(part)?.[1] ?? '')
  return names.filter((name) => ONE_OBJECT.includes(name))
}

function hasOne(outputs: unknown, fields: readonly string[]): boolean {
  return isMapLike(outputs) && fields.some((name) => name in outputs)
}
