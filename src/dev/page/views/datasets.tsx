import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { DatasetDetail, DatasetList, DatasetPoint } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { toClock, toCount, toFullTime } from '../model/format.js'
import { useKeys, useRowKeys } from '../model/keys.js'
import { openRow } from '../model/open-row.js'
import { toPreview } from '../model/preview.js'
import { navigate, toHash } from '../model/route.js'
import { Icon } from '../parts/glyph.js'
import { ExportMenu } from '../parts/menu.js'
import { Empty, Failure, Loading } from '../parts/notice.js'
import { ScrollBox } from '../parts/scroll-box.js'

/** The data sets of a project. */
export function DatasetsView({ project }: { readonly project: string }): JSX.Element {
  const list = useApi<DatasetList>(toPath('/api/datasets', { project }))
  const box = useRef<HTMLDivElement>(null)
  useRowKeys(box)
  useKeys({ Escape: () => navigate(toHash(['p', project, 'sessions'])) })
  if (list.error) return <Failure error={list.error} onRetry={list.reload} />
  if (!list.data) return <Loading what="the data sets" />
  if (list.data.datasets.length === 0)
    return (
      <Empty title="No data sets in this project yet">
        <p>Open an event of a session and press + beside its name: it becomes a row of a data set, which experiments can run over.</p>
      </Empty>
    )
  return (
    <div class="page" ref={box}>
      <div class="table-box">
        <table class="grid datasets">
          <thead>
            <tr>
              <th scope="col">Data set</th>
              <th scope="col" class="num">
                Rows
              </th>
              <th scope="col">Changed</th>
            </tr>
          </thead>
          <tbody>
            {list.data.datasets.map(({ id, name, rows, updatedMs }) => {
              const href = toHash(['p', project, 'datasets', id])
              return (
                <tr key={id} class="row-link" onClick={(event) => openRow(event, href)}>
                  <td class="main-cell">
                    <a href={href} data-row>
                      {name}
                    </a>
                  </td>
                  <td class="num mono">{toCount(rows)}</td>
                  <td class="mono dim" title={toFullTime(updatedMs)}>
                    {toClock(updatedMs)}
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </div>
  )
}

const AT_ONCE = 500

/** One data set and its rows. */
export function DatasetView({ project, id }: { readonly project: string; readonly id: string }): JSX.Element {
  const path = `/api/datasets/${encodeURIComponent(id)}`
  const detail = useApi<DatasetDetail>(toPath(path, { project }))
  useKeys({ Escape: () => navigate(toHash(['p', project, 'datasets'])) })
  if (detail.error) return <Failure error={detail.error} onRetry={detail.reload} />
  if (!detail.data) return <Loading what="the data set" />
  const { dataset, points } = detail.data
  return (
    <div class="page">
      <header class="session-head">
        <a class="back" href={toHash(['p', project, 'datasets'])} aria-label="Back to the data sets">
          <Icon name="chevron" />
        </a>
        <h2>{dataset.name}</h2>
        <dl class="facts">
          <div>
            <dt>rows</dt>
            <dd class="mono">{toCount(dataset.rows)}</dd>
          </div>
          <div>
            <dt>id</dt>
            <dd class="mono">{dataset.id}</dd>
          </div>
        </dl>
        <span class="head-actions">
          <ExportMenu path={`${path}/export`} query={{ project }} forms={['jsonl', 'json', 'csv']} />
        </span>
      </header>
      <ScrollBox label="Rows of the data set">
        <table class="grid rows">
          <thead>
            <tr>
              <th scope="col">Input</th>
              <th scope="col">What should come out</th>
              <th scope="col">Made of</th>
            </tr>
          </thead>
          <tbody>
            {points.slice(0, AT_ONCE).map((point) => (
              <PointRow key={point.id} project={project} point={point} />
            ))}
          </tbody>
        </table>
        {points.length === 0 && <p class="table-none">No rows.</p>}
      </ScrollBox>
      {points.length > AT_ONCE && <p class="dim">{toCount(points.length - AT_ONCE)} more rows are in the export.</p>}
    </div>
  )
}

function PointRow({ project, point }: { readonly project: string; readonly point: DatasetPoint }): JSX.Element {
  return (
    <tr>
      <td class="clip">{toPreview(point.inputs)}</td>
      <td class="clip">{toPreview(point.groundTruth)}</td>
      <td class="dim">
        {point.eventId === null ? 'sent by a program' : <a href={toHash(['events', point.eventId], { project })}>an event</a>}
      </td>
    </tr>
  )
}
