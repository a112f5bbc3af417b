import type { JSX } from 'preact'
import type { RunSummary } from '../../page-api/contract.js'
import { CopyButton } from './copy.js'
import { Menu } from './menu.js'

/** The commands that start a run again and set the new one against it. */
export function RunAgain({ run }: { readonly run: RunSummary }): JSX.Element {
  const all = toCommand(run)
  return (
    <Menu label="Run again">
      <p>In the folder of its evaluation file, with the HH_API_KEY of this project:</p>
      <Command label="All rows, compared with this run" text={all} />
      {run.failedRows > 0 && <Command label="Only the rows that failed or did not pass" text={`${all} --failed`} />}
    </Menu>
  )
}

function Command({ label, text }: { readonly label: string; readonly text: string }): JSX.Element {
  return (
    <section class="command">
      <h3>{label}</h3>
      <div class="code-block">
        <pre>{text}</pre>
        <CopyButton text={text} label={`Copy: ${label}`} />
      </div>
    </section>
  )
}

/** In a form every shell of Unix reads. */
function toCommand({ id, name }: RunSummary): string {
  const filter = name === id ? [] : [`--filter '${name.replaceAll("'", "'\\''")}'`]
  return [`HH_API_URL=${location.origin} npx honeyhive-tracer eval`, ...filter, `--baseline ${id}`].join(' \\\n  ')
}
