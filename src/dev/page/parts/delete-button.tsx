import type { JSX } from 'preact'
import { sendJson, toPath } from '../model/api.js'
import { attempt } from '../model/toasts.js'
import { navigate } from '../model/route.js'
import { Icon } from './glyph.js'

interface DeleteProps {
  /** Path of the API, without its query. */
  readonly path: string
  readonly project: string
  readonly what: string
  /** Address of the view to go to afterwards. */
  readonly then: string
}

/** Deletes at once, and says how to take it back. */
export function DeleteButton({ path, project, what, then }: DeleteProps): JSX.Element {
  const remove = async (): Promise<void> => {
    const restore = (): Promise<unknown> => sendJson('POST', toPath(`${path}/restore`, { project }))
    const isDone = await attempt(() => sendJson('DELETE', toPath(path, { project })), `${what} deleted.`, restore)
    if (isDone) navigate(then)
  }
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={`Delete: ${what}`}
      title="Delete; it can be taken back for an hour"
      onClick={remove}
    >
      <Icon name="bin" />
    </button>
  )
}
