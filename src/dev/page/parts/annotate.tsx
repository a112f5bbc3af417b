import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Annotation, type EventPage, FEEDBACK } from '../../page-api/contract.js'
import { sendJson, toPath } from '../model/api.js'
import { attempt } from '../model/toasts.js'
import { Icon } from './glyph.js'

interface AnnotateProps {
  readonly event: EventPage
  readonly onChange: () => void
}

/** What a person thinks of an event: a thumb, scores, a note. */
export function Annotate({ event, onChange }: AnnotateProps): JSX.Element {
  const thumb = event.feedback[FEEDBACK.thumb]
  const save = async (annotation: Annotation, before: Annotation, done: string): Promise<void> => {
    const send = (one: Annotation): Promise<unknown> =>
      sendJson('POST', toPath(`/api/events/${encodeURIComponent(event.id)}/annotation`, { project: event.projectId }), one).then(onChange)
    await attempt(
      () => send(annotation),
      done,
      () => send(before),
    )
  }
  const choose = (isUp: boolean): void => {
    const thumbsUp = thumb === isUp ? null : isUp
    const before = typeof thumb === 'boolean' ? thumb : null
    void save({ thumbsUp }, { thumbsUp: before }, thumbsUp === null ? 'Judgement taken back.' : isUp ? 'Judged as good.' : 'Judged as bad.')
  }
  return (
    <section class="annotate" aria-label="Your judgement">
      <span class="thumbs">
        <button type="button" class="toggle" aria-pressed={thumb === true} aria-label="Good" title="Good" onClick={() => choose(true)}>
          <Icon name="thumb" />
        </button>
        <button
          type="button"
          class="toggle is-bad"
          aria-pressed={thumb === false}
          aria-label="Bad"
          title="Bad"
          onClick={() => choose(false)}
        >
          <Icon name="thumb" />
        </button>
      </span>
      <Note event={event} onSave={save} />
      <Score event={event} onSave={save} />
    </section>
  )
}

interface PartProps {
  readonly event: EventPage
  readonly onSave: (annotation: Annotation, before: Annotation, done: string) => Promise<void>
}

function Note({ event, onSave }: PartProps): JSX.Element {
  const stored = event.feedback[FEEDBACK.note]
  const before = typeof stored === 'string' ? stored : ''
  const [text, setText] = useState(before)
  useEffect(() => setText(before), [before])
  const save = (): void => {
    if (text !== before) void onSave({ note: text }, { note: before }, text === '' ? 'Note removed.' : 'Note saved.')
  }
  return (
    <textarea
      class="field"
      rows={text === '' ? 1 : Math.min(8, Math.max(2, text.split('\n').length))}
      maxLength={10_000}
      aria-label="Note"
      placeholder="Add a note"
      value={text}
      onInput={(change) => setText(change.currentTarget.value)}
      onBlur={save}
      onKeyDown={(key) => key.key === 'Enter' && (key.ctrlKey || key.metaKey) && save()}
    />
  )
}

function Score({ event, onSave }: PartProps): JSX.Element {
  const [name, setName] = useState('score')
  const [value, setValue] = useState('')
  const save = (submit: Event): void => {
    submit.preventDefault()
    const score = Number(value)
    if (value.trim() === '' || !Number.isFinite(score) || name.trim() === '') return
    const stored = event.metrics[name]
    const before = typeof stored === 'number' || typeof stored === 'boolean' ? stored : null
    void onSave({ scores: { [name]: score } }, { scores: { [name]: before } }, `${name}: ${score}`)
    setValue('')
  }
  return (
    <form class="score-form" onSubmit={save}>
      <input
        class="field mono"
        aria-label="Name of a score"
        value={name}
        maxLength={200}
        onInput={(change) => setName(change.currentTarget.value)}
      />
      <input
        class="field mono"
        type="number"
        step="any"
        aria-label="Score"
        placeholder="0.8"
        value={value}
        onInput={(change) => setValue(change.currentTarget.value)}
      />
      <button type="submit" class="button" disabled={value.trim() === ''}>
        Score
      </button>
    </form>
  )
}
