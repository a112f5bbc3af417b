import type { JSX } from 'preact'
import type { DropList } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { useNow } from '../model/clock.js'
import { toAgo, toCount, toFullTime } from '../model/format.js'
import { useLive } from '../model/live.js'
import { Empty, Failure, Loading } from '../parts/notice.js'
import { ScrollBox } from '../parts/scroll-box.js'

const MEANINGS: Readonly<Record<string, readonly [string, string]>> = {
  queueFull: ['More spans were waiting than the queue holds.', 'Raise the queue size, or find out why exports are slow.'],
  bytesFull: ['The waiting spans took more memory than allowed.', 'Raise the byte limit, or record less in inputs and outputs.'],
  tooLarge: ['One span alone was larger than a request may be.', 'Limit what is recorded for it, or redact the large field.'],
  unserializable: ['A span could not be written as text.', 'Look at the diagnostics of that tracer for the attribute.'],
  retryExhausted: ['The server stayed unreachable through every retry.', 'Check HH_API_URL and the network; raise the retry time.'],
  httpStatus: ['The server refused with a status that is not worth a retry.', 'A 401 or 403 means the key; a 404 means the address.'],
  serverRejected: ['The server took the request and rejected some spans.', 'The diagnostics carry the server’s own words.'],
  badReply: ['Something that is not the server answered.', 'A proxy or a login page stands in between: check HH_API_URL.'],
  afterShutdown: ['Spans ended after the tracer was shut down.', 'Shut down last, after the work is awaited.'],
  shutdownTimeout: ['Shutdown ran out of time with spans still waiting.', 'Give shutdown a longer timeout.'],
  filtered: ['A filter of yours left them out.', 'Nothing, if that was the intention.'],
  unsampled: ['The sampler left them out.', 'Nothing, if that was the intention.'],
  disabled: ['The tracer was switched off.', 'Enable it to record again.'],
  internal: ['A fault of the SDK itself.', 'Please report it with the diagnostics.'],
}
const INTENDED: readonly string[] = ['filtered', 'unsampled', 'disabled']

/** What the SDK said it lost, by tracer and reason, and what to do about each. */
export function DropsView({ project }: { readonly project: string }): JSX.Element {
  const list = useApi<DropList>(toPath('/api/drops', { project }), { keep: true })
  const nowMs = useNow()
  useLive((message) => message.projectId === project, list.reload, 2000)
  if (list.error) return <Failure error={list.error} onRetry={list.reload} />
  if (!list.data) return <Loading what="the losses" />
  const drops = [...list.data.drops].sort((a, b) => b.count - a.count)
  if (drops.length === 0) {
    return (
      <Empty title="Nothing was lost">
        <p>Tracers of this project reported no span that was dropped. When one is, its reason and what to do stand here.</p>
      </Empty>
    )
  }
  const most = Math.max(...drops.map((drop) => drop.count))
  return (
    <div class="page">
      <p class="lead">Spans that did not get here, counted by the SDK since each tracer started. Every one has a reason.</p>
      <ScrollBox label="Losses">
        <table class="grid drops">
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" class="num">
                Spans
              </th>
              <th scope="col">Tracer</th>
              <th scope="col">What it means, what to do</th>
              <th scope="col">Last report</th>
            </tr>
          </thead>
          <tbody>
            {drops.map((drop) => {
              const [meaning, advice] = MEANINGS[drop.reason] ?? [
                'A reason this page does not know.',
                'Look at the diagnostics of that tracer.',
              ]
              return (
                <tr key={`${drop.tracer} ${drop.reason}`} class={INTENDED.includes(drop.reason) ? 'is-intended' : 'has-error'}>
                  <td class="mono main-cell">{drop.reason}</td>
                  <td class="num mono">
                    <span class="score">
                      <span class="score-bar is-bad" aria-hidden="true">
                        <span style={{ width: `${(drop.count / most) * 100}%` }} />
                      </span>
                      {toCount(drop.count)}
                    </span>
                  </td>
                  <td class="mono">{drop.tracer}</td>
                  <td>
                    {meaning} <span class="dim">{advice}</span>
                  </td>
                  <td class="mono dim" title={toFullTime(drop.lastSeenMs)}>
                    {toAgo(drop.lastSeenMs, nowMs)}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </ScrollBox>
    </div>
  )
}
