import type { ComponentChildren, JSX } from 'preact'
import type { ApiError } from '../model/api.js'
import { useProjects } from '../model/projects.js'
import { readRoute } from '../model/route.js'
import { CopyButton } from './copy.js'
import { Mark } from './glyph.js'

/** What went wrong with a request, and what to do about it. */
export function Failure({ error, onRetry }: { readonly error: ApiError; readonly onRetry: () => void }): JSX.Element {
  return (
    <div class="notice is-failure" role="alert">
      <h2>{error.status === 0 ? 'The local server does not answer' : `The server answered ${error.status}`}</h2>
      <p>{toAdvice(error)}</p>
      <p class="mono dim">
        GET {error.path}
        {error.status === 0 ? '' : `: ${error.message}`}
      </p>
      <button type="button" class="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

function toAdvice(error: ApiError): string {
  if (error.status === 0) return 'Is it still running? Start it with `npx honeyhive-tracer dev`; this page picks up where it was.'
  if (error.status === 401 || error.status === 403)
    return `Open the page at the address the server printed (127.0.0.1 or localhost, same port), not through another host name.`
  if (error.status === 404)
    return 'It is not in this server’s database: it may have been deleted, may not have arrived yet, or the database was replaced.'
  if (error.status === 503) return 'The database cannot be written or read right now. Look at the disk, then at the server’s terminal.'
  if (error.status >= 500) return 'The reason is in the terminal where the server runs.'
  return 'The address of this view may be damaged. Go back, or choose the project again.'
}

/** A view with nothing in it: what that means and what to do next. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <div class="notice is-empty">
      <Mark />
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** How to point a program at this server. */
export function ConnectSteps({ run }: { readonly run?: string }): JSX.Element {
  const { nameOf } = useProjects()
  const [area, id] = readRoute().parts
  const project = area === 'p' && id !== undefined ? nameOf(id) : undefined
  const key = project === undefined || project === 'local' ? 'local' : `'<the key of ${project.replaceAll("'", '')}>'`
  const lines = [`export HH_API_URL=${location.origin}`, `export HH_API_KEY=${key}`, run ?? 'node app.mjs'].join('\n')
  return (
    <div class="steps">
      <p>
        Point your program at this server, then run it. No account is needed.{' '}
        {project === undefined
          ? 'Any key is accepted.'
          : `What is sent with the key that was given for ${project} arrives here; any other key makes a project of its own.`}
      </p>
      <div class="code-block">
        <pre>{lines}</pre>
        <CopyButton text={lines} label="Copy the commands" />
      </div>
      <p class="dim">
        Each <code>project</code> a tracer names appears on the left by itself. Sessions arrive here live.
      </p>
    </div>
  )
}

/** A quiet sign that something is on its way. */
export function Loading({ what }: { readonly what: string }): JSX.Element {
  return (
    <p class="loading" role="status">
      <span class="loading-cells" aria-hidden="true" />
      Loading {what}
    </p>
  )
}
