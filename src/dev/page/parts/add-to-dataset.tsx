import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { AddedPoints, DatasetList, EventPage, NewPoints } from '../../page-api/contract.js'
import { sendJson, toPath, useApi } from '../model/api.js'
import { attempt, say } from '../model/toasts.js'

const NEW = ''

/** Makes a row of a data set out of an event: what goes in, and what should come out. */
export function AddToDataset({ event, onClose }: { readonly event: EventPage; readonly onClose: () => void }): JSX.Element {
  const { projectId: project } = event
  const list = useApi<DatasetList>(toPath('/api/datasets', { project }))
  const [chosen, setChosen] = useState<string | null>(null)
  const [name, setName] = useState('')
  const [inputs, setInputs] = useState(() => toText(event.inputs))
  const [expected, setExpected] = useState(() => toText(event.feedback['ground_truth'] ?? event.outputs))
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const datasets = list.data?.datasets ?? []
  const dataset = chosen ?? datasets[0]?.id ?? NEW
  const problem = toProblem(inputs, expected) ?? (dataset === NEW && name.trim() === '' ? 'Name the new data set.' : null)
  const add = async (submit: Event): Promise<void> => {
    submit.preventDefault()
    if (problem !== null) return
    const body: NewPoints = {
      dataset: dataset === NEW ? { name } : { id: dataset },
      points: [{ inputs: JSON.parse(inputs) as NewPoints['points'][number]['inputs'], groundTruth: parse(expected), eventId: event.id }],
    }
    await attempt(async () => {
      const { ids } = await sendJson<AddedPoints>('POST', toPath('/api/datapoints', { project }), body)
      const title = dataset === NEW ? name : (datasets.find(({ id }) => id === dataset)?.name ?? dataset)
      say(`Added to ${title}.`, () => Promise.all(ids.map((id) => sendJson('DELETE', toPath(`/api/datapoints/${id}`, { project })))))
      onClose()
    })
  }
  return (
    <dialog ref={dialog} class="help add-row" aria-labelledby="add-row-title" onClose={onClose}>
      <form onSubmit={(submit) => void add(submit)}>
        <header>
          <h2 id="add-row-title">Add to a data set</h2>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        </header>
        <label>
          Data set
          <select value={dataset} onChange={(change) => setChosen(change.currentTarget.value)}>
            {datasets.map(({ id, name: title, rows }) => (
              <option key={id} value={id}>
                {title} ({rows})
              </option>
            ))}
            <option value={NEW}>A new one</option>
          </select>
        </label>
        {dataset === NEW && (
          <label>
            Its name
            <input class="field" value={name} maxLength={200} onInput={(change) => setName(change.currentTarget.value)} />
          </label>
        )}
        <JsonField label="Inputs" text={inputs} onText={setInputs} />
        <JsonField label="What should come out" text={expected} onText={setExpected} />
        <footer>
          <span class={problem === null ? '' : 'dim'} role="status">
            {problem}
          </span>
          <button type="submit" class="button is-main" disabled={problem !== null}>
            Add
          </button>
        </footer>
      </form>
    </dialog>
  )
}

function JsonField({
  label,
  text,
  onText,
}: {
  readonly label: string
  readonly text: string
  readonly onText: (text: string) => void
}): JSX.Element {
  return (
    <label>
      {label}
      <textarea
        class="field mono"
        rows={Math.min(12, Math.max(3, text.split('\n').length))}
        spellcheck={false}
        value={text}
        onInput={(change) => onText(change.currentTarget.value)}
      />
    </label>
  )
}

function toText(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

/** Nothing expected is a row that is only judged. */
function parse(text: string): unknown {
  return text.trim() === '' ? null : JSON.parse(text)
}

function toProblem(inputs: string, expected: string): string | null {
  try {
    const value: unknown = JSON.parse(inputs)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'The inputs are not an object.'
  } catch {
    return 'The inputs are not JSON.'
  }
  try {
    parse(expected)
    return null
  } catch {
    return 'What should come out is not JSON.'
  }
}
