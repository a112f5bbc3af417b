import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { RunRow, RunSummary } from '../../page-api/contract.js'
import { type JudgedRow, toVerdict, VERDICTS, type Verdict } from '../model/comparison.js'
import { toCost, toDuration, toScore } from '../model/format.js'
import { useRowKeys } from '../model/keys.js'
import { toPreview } from '../model/preview.js'
import { toHash, updateQuery } from '../model/route.js'
import { toOutputText } from '../model/word-diff.js'
import { Icon } from './glyph.js'
import { JsonView } from './json-view.js'
import { WordDiff } from './word-diff.js'

const AT_ONCE = 300

interface RowsProps {
  readonly project: string
  readonly runs: readonly RunSummary[]
  readonly rows: readonly JudgedRow[]
  readonly only: Verdict | null
  readonly chosen: string | null
  readonly metric: string | null
  readonly sign: 1 | -1
  readonly onChoose: (id: string) => void
}

/** Every datapoint of any run: its scores, and what each run gave for it. */
export function CompareRows(props: RowsProps): JSX.Element {
  const { runs, rows, only, metric } = props
  const [shown, setShown] = useState(AT_ONCE)
  const box = useRef<HTMLDivElement>(null)
  useRowKeys(box)
  const wanted = rows.filter((row) => only === null || row.verdict === only)
  return (
    <div ref={box}>
      <fieldset class="page-bar" aria-label="Rows to show">
        <button type="button" class="toggle" aria-pressed={only === null} onClick={() => updateQuery({ only: null })}>
          All {rows.length}
        </button>
        {VERDICTS.map((verdict) => {
          const count = rows.filter((row) => row.verdict === verdict).length
          if (verdict === 'missing' && count === 0) return null
          return (
            <button
              key={verdict}
              type="button"
              class={`toggle is-${verdict}`}
              aria-pressed={only === verdict}
              onClick={() => updateQuery({ only: only === verdict ? null : verdict })}
            >
              {count} {verdict}
            </button>
          )
        })}
      </fieldset>
      <div class="table-box">
        <table class="grid pairs">
          <thead>
            <tr>
              <th scope="col">Datapoint</th>
              <th scope="col" class="num mono">
                {metric ?? 'score'}
              </th>
              <th scope="col">Input</th>
              {toOldFirst(runs).map(({ run, label }) => (
                <th key={run.id} scope="col">
                  {label} output
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {wanted.slice(0, shown).map((row) => (
              <Rows key={row.id} {...props} row={row} isOpen={props.chosen === row.id} />
            ))}
          </tbody>
        </table>
        {wanted.length === 0 && <p class="table-none">No such rows.</p>}
      </div>
      {wanted.length > shown && (
        <button type="button" class="button more" onClick={() => setShown(shown + AT_ONCE)}>
          {wanted.length - shown} more rows
        </button>
      )}
    </div>
  )
}

interface Side {
  readonly run: RunSummary
  readonly label: string
  /** Its place among the runs. */
  readonly at: number
}

/** The run that the others are compared with first, as one reads. */
function toOldFirst(runs: readonly RunSummary[]): readonly Side[] {
  const last = runs.length - 1
  const sides = runs.map((run, at) => ({ run, at, label: runs.length > 2 ? run.name : at === last ? 'Old' : 'New' }))
  return [...sides.slice(last), ...sides.slice(0, last)]
}

function Rows({
  project,
  runs,
  row,
  isOpen,
  sign,
  onChoose,
}: RowsProps & { readonly row: JudgedRow; readonly isOpen: boolean }): JSX.Element {
  const line = useRef<HTMLTableRowElement>(null)
  const answers = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    // What opened first, then its row: where both do not fit, the row stays in sight.
    answers.current?.scrollIntoView({ block: 'nearest' })
    if (isOpen) line.current?.scrollIntoView({ block: 'nearest' })
  }, [isOpen])
  const sides = toOldFirst(runs)
  return (
    <>
      <tr
        ref={line}
        class={`row-link verdict-${row.verdict}${isOpen ? ' is-chosen' : ''}`}
        data-datapoint={row.id}
        onClick={(event) => !(event.target as Element).closest('button') && onChoose(row.id)}
      >
        <td class="main-cell mono">
          <button type="button" class="text-button" aria-expanded={isOpen} data-row onClick={() => onChoose(row.id)}>
            {row.id}
          </button>
        </td>
        <td class="num mono">
          <Scores scores={sides.map(({ at }) => row.scores[at] ?? null)} sign={sign} />
        </td>
        <td class="clip">{toPreview(row.inputs)}</td>
        {sides.map(({ run, at }) => (
          <OutputCell key={run.id} row={row.rows[at] ?? null} />
        ))}
      </tr>
      {isOpen && (
        <tr ref={answers} class="pair-open">
          <td colSpan={3 + runs.length}>
            <OpenRow project={project} row={row} sides={sides} />
          </td>
        </tr>
      )}
    </>
  )
}

/** The score of the run that is compared with, then of the others. */
function Scores({ scores, sign }: { readonly scores: readonly (number | null)[]; readonly sign: 1 | -1 }): JSX.Element {
  const [base = null, ...others] = scores
  return (
    <>
      <span class="dim">{toScore(base)} →</span>
      {others.map((score, index) => (
        <span key={index} class={score === null || base === null ? 'dim' : `change-${toVerdict(score - base, sign)}`}>
          {' '}
          {toScore(score)}
        </span>
      ))}
    </>
  )
}

function OutputCell({ row }: { readonly row: RunRow | null }): JSX.Element {
  if (row === null) return <td class="clip dim is-absent">no row</td>
  return <td class={`clip${row.error !== null ? ' is-bad' : ''}`}>{row.error ?? toPreview(row.outputs)}</td>
}

interface OpenRowProps {
  readonly project: string
  readonly row: JudgedRow
  readonly sides: readonly Side[]
}

function OpenRow({ project, row, sides }: OpenRowProps): JSX.Element {
  const base = row.rows[sides[0]?.at ?? 0] ?? null
  return (
    <div class="pair-sides">
      <section>
        <h3>Input and expected</h3>
        <JsonView value={{ inputs: row.inputs, expected: row.groundTruth }} />
      </section>
      {sides.map(({ run, label, at }, index) => {
        const own = row.rows[at] ?? null
        return (
          <section key={run.id}>
            <h3>
              {label}
              {own !== null && (
                <a href={toHash(['p', project, 'sessions', own.sessionId])}>
                  session <Icon name="out" />
                </a>
              )}
            </h3>
            <Answer row={own} base={index === 0 ? null : base} />
          </section>
        )
      })}
    </div>
  )
}

/** What one run gave; against that of the run it is compared with, word by word. */
function Answer({ row, base }: { readonly row: RunRow | null; readonly base: RunRow | null }): JSX.Element {
  if (row === null) return <p class="dim">This run has no such row.</p>
  const text = toOutputText(row.outputs)
  return (
    <>
      {row.error !== null && <p class="is-bad plain">{row.error}</p>}
      {text !== '' && <WordDiff before={base === null ? text : toOutputText(base.outputs)} after={text} />}
      <dl class="answer-facts mono">
        {Object.entries(row.metrics).map(([name, value]) => (
          <div key={name}>
            <dt class="dim">{name}</dt>
            <dd>{typeof value === 'number' ? toScore(value) : String(value)}</dd>
          </div>
        ))}
        <div>
          <dt class="dim">took</dt>
          <dd>{toDuration(row.durationMs)}</dd>
        </div>
        {row.cost > 0 && (
          <div>
            <dt class="dim">cost</dt>
            <dd>{toCost(row.cost)}</dd>
          </div>
        )}
      </dl>
    </>
  )
}
