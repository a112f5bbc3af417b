import { HoneyHiveError } from '../errors.js'
import type { Backend } from './backend.js'
import type { DatasetSource, SourceRow } from './dataset.js'
import { asList, asObject, asText } from './json-reader.js'

/** Datapoints asked for with one request; ids go into the address, which servers limit to a few thousand characters. */
const PAGE_SIZE = 50
/** Pages that are fetched ahead of the rows that run. */
const PAGES_AHEAD = 2
/** Other datasets that an error names. */
const MAX_NAMED = 3
/** Single requests at the same time, for servers that do not know the paged form. */
const SINGLE_REQUESTS = 8

/**
 * Opens a dataset kept in HoneyHive. Its rows are fetched in pages while earlier ones run; rows that the server names but
 * does not give are counted in `missing`.
 *
 * @throws HoneyHiveError `EXPERIMENT` when there is no such dataset or it has no datapoints
 */
export async function openHostedSource(backend: Backend, datasetId: string): Promise<DatasetSource> {
  const reply = asObject(await backend.get('/v1/datasets', { dataset_id: datasetId }))
  const listed = asList(reply['datasets'] ?? reply['testcases'])
  const dataset = asObject(findDataset(listed, datasetId))
  const ids = asList(dataset['datapoints'])
    .map(asText)
    .filter((id) => id !== undefined)
  if (ids.length === 0) {
    throw new HoneyHiveError('EXPERIMENT', `Dataset "${datasetId}" does not exist for this key, or has no datapoints.`)
  }
  const missing: string[] = []
  return { datasetId, total: ids.length, datapointIds: ids, missing, rows: () => readPages(backend, ids, missing) }
}

/** Servers that do not know the question list all, or others; another dataset must not run in place of the one that was named. */
function findDataset(listed: readonly unknown[], datasetId: string): unknown {
  const named = listed.find((entry) => idOf(entry) === datasetId)
  if (named !== undefined || listed.length === 0) return named
  const [only] = listed
  if (listed.length === 1 && idOf(only) === undefined) return only
  const byName = listed.find((entry) => asText(asObject(entry)['name']) === datasetId)
  const advice =
    byName === undefined ? 'Check "datasetId".' : `A dataset of this name has the id "${idOf(byName)}"; give that as "datasetId".`
  const others = listed.slice(0, MAX_NAMED).map((entry) => `"${idOf(entry)}"`)
  const rest = listed.length > MAX_NAMED ? ` and ${listed.length - MAX_NAMED} more` : ''
  throw new HoneyHiveError(
    'EXPERIMENT',
    `Dataset "${datasetId}" does not exist for this key: the server gave ${others.join(', ')}${rest}. ${advice}`,
  )
}

function idOf(entry: unknown): string | undefined {
  const { id, _id: stored } = asObject(entry)
  return asText(id) ?? asText(stored)
}

async function* readPages(backend: Backend, ids: readonly string[], missing: string[]): AsyncGenerator<SourceRow> {
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE_SIZE) }, (_, page) => ids.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE))
  const ahead: Promise<ReadonlyMap<string, unknown>>[] = []
  const fetchNext = (): void => {
    const page = pages[started]
    if (page === undefined) return
    started += 1
    const fetched = fetchPage(backend, page)
    // The page is awaited later; a failure until then is not unhandled.
    fetched.catch(() => undefined)
    ahead.push(fetched)
  }
  let started = 0
  for (let i = 0; i < PAGES_AHEAD; i += 1) fetchNext()
  let index = 0
  for (const page of pages) {
    const found = (await ahead.shift()) ?? new Map<string, unknown>()
    fetchNext()
    for (const datapointId of page) {
      const raw = found.get(datapointId)
      if (raw === undefined) missing.push(datapointId)
      else yield { index, datapointId, raw }
      index += 1
    }
  }
}

async function fetchPage(backend: Backend, ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>()
  const reply = await backend.get('/v1/datapoints', { 'datapoint_ids[]': ids }).catch(() => undefined)
  for (const datapoint of asList(asObject(reply)['datapoints'])) remember(found, datapoint)
  const absent = ids.filter((id) => !found.has(id))
  for (let at = 0; at < absent.length; at += SINGLE_REQUESTS) {
    await Promise.all(absent.slice(at, at + SINGLE_REQUESTS).map((id) => fetchOne(backend, id, found)))
  }
  return found
}

async function fetchOne(backend: Backend, id: string, found: Map<string, unknown>): Promise<void> {
  const reply = await backend.get(`/v1/datapoints/${encodeURIComponent(id)}`).catch(() => undefined)
  const { datapoint } = asObject(reply)
  // The route answers a list of one.
  remember(found, Array.isArray(datapoint) ? datapoint[0] : datapoint)
}

function remember(found: Map<string, unknown>, datapoint: unknown): void {
  const fields = asObject(datapoint)
  const id = idOf(fields)
  if (id !== undefined) found.set(id, { ...fields, inputs: fields['inputs'] ?? {} })
}
