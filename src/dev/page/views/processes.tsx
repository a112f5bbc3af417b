import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { ProcessList } from '../../page-api/contract.js'
import { useApi } from '../model/api.js'
import { useNow } from '../model/clock.js'
import { toAgo, toClock, toFullTime } from '../model/format.js'
import { useRowKeys } from '../model/keys.js'
import { useLive } from '../model/live.js'
import { useProjects } from '../model/projects.js'
import { toHash } from '../model/route.js'
import { TenantCell } from '../parts/glyph.js'
import { ConnectSteps, Empty, Failure, Loading } from '../parts/notice.js'
import { openRow } from '../model/open-row.js'

/** The processes that sent spans, and the projects each of them sent to. */
export function ProcessesView(): JSX.Element {
  const list = useApi<ProcessList>('/api/processes', { keep: true })
  const box = useRef<HTMLDivElement>(null)
  const { nameOf, colourOf } = useProjects()
  const nowMs = useNow()
  useLive(() => true, list.reload, 2000)
  useRowKeys(box)
  if (list.error) return <Failure error={list.error} onRetry={list.reload} />
  if (!list.data) return <Loading what="the processes" />
  return (
    <div class="page" ref={box}>
      <header class="session-head">
        <h2>Processes</h2>
        <p class="dim">Open one to see all its tracers side by side on one clock.</p>
      </header>
      {list.data.processes.length === 0 && (
        <Empty title="No process has sent anything yet">
          <ConnectSteps />
        </Empty>
      )}
      {list.data.processes.length > 0 && (
        <div class="table-box">
          <table class="grid processes">
            <thead>
              <tr>
                <th scope="col">Process</th>
                <th scope="col">Host</th>
                <th scope="col">Sends to</th>
                <th scope="col">First seen</th>
                <th scope="col">Last seen</th>
              </tr>
            </thead>
            <tbody>
              {list.data.processes.map((one) => {
                const href = toHash(['processes', one.id])
                return (
                  <tr key={one.id} class="row-link" onClick={(event) => openRow(event, href)}>
                    <td class="main-cell">
                      <a href={href} data-row>
                        {one.service ?? 'unnamed service'}
                      </a>
                      {one.pid !== null && <span class="mono dim">pid {one.pid}</span>}
                    </td>
                    <td class="mono dim">{one.host ?? '–'}</td>
                    <td>
                      <ul class="tenants">
                        {one.projects.map((project) => (
                          <li key={project}>
                            <TenantCell colour={colourOf(project)} />
                            {nameOf(project)}
                          </li>
                        ))}
                      </ul>
                    </td>
                    <td class="mono dim">{toClock(one.firstSeenMs)}</td>
                    <td class="mono dim" title={toFullTime(one.lastSeenMs)}>
                      {toAgo(one.lastSeenMs, nowMs)}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
